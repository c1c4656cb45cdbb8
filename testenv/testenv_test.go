package testenv_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"parley/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestDatabasesAreMigratedAndApart(t *testing.T) {
	t.Parallel()
	one, other := testenv.Database(t), testenv.Database(t)
	require.NotEqual(t, one, other)
	for _, address := range []string{one, other} {
		conn, err := pgx.Connect(t.Context(), address)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
		var dialogues int
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM dialogues").Scan(&dialogues))
		require.Zero(t, dialogues)
		_, err = conn.Exec(t.Context(), "CREATE TABLE mine (id int)")
		require.NoError(t, err)
	}
}

func TestTextSearchKnowsCyrillicPunctuationAndCase(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), testenv.EmptyDatabase(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	var words, lower string
	require.NoError(t, conn.QueryRow(t.Context(),
		"SELECT to_tsvector('simple', 'Позовите «Оператора» — ҚОСЫҢЫЗ')::text, lower('ӘҢҚ Ё')").Scan(&words, &lower))
	require.Equal(t, "'оператора':2 'позовите':1 'қосыңыз':3", words)
	require.Equal(t, "әңқ ё", lower)
}

func TestTemporalRunsAWorkflowInAFreshNamespace(t *testing.T) {
	t.Parallel()
	engine := testenv.Temporal(t)
	require.Equal(t, "Hello, Ann", greet(t, engine, "Ann"))
	require.NotEqual(t, engine.Namespace, testenv.Temporal(t).Namespace)
}

func TestOwnTemporalComesBackWithItsData(t *testing.T) {
	t.Parallel()
	engine := testenv.OwnTemporal(t)
	require.Equal(t, "Hello, Bob", greet(t, engine, "Bob"))

	engine.Stop()
	_, err := client.DialContext(t.Context(), client.Options{
		HostPort: engine.Address, Namespace: engine.Namespace, ConnectionOptions: client.ConnectionOptions{GetSystemInfoTimeout: time.Second},
	})
	require.Error(t, err)

	engine.Start()
	temporal := dial(t, engine)
	var greeting string
	require.NoError(t, temporal.GetWorkflow(t.Context(), "greet-Bob", "").Get(t.Context(), &greeting))
	require.Equal(t, "Hello, Bob", greeting)
}

func dial(t *testing.T, engine *testenv.Engine) client.Client {
	t.Helper()
	temporal, err := client.DialContext(t.Context(), client.Options{HostPort: engine.Address, Namespace: engine.Namespace})
	require.NoError(t, err)
	t.Cleanup(temporal.Close)
	return temporal
}

func greet(t *testing.T, engine *testenv.Engine, name string) string {
	t.Helper()
	temporal := dial(t, engine)
	w := worker.New(temporal, "greetings", worker.Options{})
	w.RegisterWorkflowWithOptions(func(_ workflow.Context, name string) (string, error) {
		return "Hello, " + name, nil
	}, workflow.RegisterOptions{Name: "Greet"})
	require.NoError(t, w.Start())
	defer w.Stop()

	run, err := temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "greet-" + name, TaskQueue: "greetings"}, "Greet", name)
	require.NoError(t, err)
	var greeting string
	require.NoError(t, run.Get(t.Context(), &greeting))
	return greeting
}
