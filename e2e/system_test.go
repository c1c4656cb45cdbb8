package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/demo"
	"parley/dialogue"
	"parley/store"
	"parley/testenv"
)

const (
	adminEmail = "admin@shop.example"
	password   = "a good password"
)

// system is a whole installation: database, engine, model, and the roles that the test starts.
type system struct {
	t      *testing.T
	engine *testenv.Engine
	model  *fakeModel
	pool   *pgxpool.Pool
	store  *store.Store
	env    []string
	base   string // of the api node that was started last
}

// newSystem makes an installation of the demo shop without any process yet. Further settings override the defaults.
func newSystem(t *testing.T, engine *testenv.Engine, model *fakeModel, settings ...string) *system {
	t.Helper()
	ctx := context.Background()
	url := testenv.Database(t)
	pool, err := pgxpool.New(ctx, url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := &system{t: t, engine: engine, model: model, pool: pool, store: store.New(pool, store.Hooks{})}
	require.NoError(t, demo.Load(ctx, pool))
	profile := demo.Profile()
	profile.Loops = dialogue.Loops{} // a test writes as a program does
	require.NoError(t, s.store.EnsureBotProfile(ctx, profile))
	require.NoError(t, s.store.EnsureChannel(ctx, "widget", "demo", demo.ShopName))
	s.addOperator(adminEmail, "Айгүл", "admin")
	s.env = append([]string{
		"DATABASE_URL=" + url, "TEMPORAL_ADDRESS=" + engine.Address, "TEMPORAL_NAMESPACE=" + engine.Namespace,
		"OPENAI_BASE_URL=" + model.url, "OPENAI_API_KEY=test", "PARLEY_QUIET_PERIOD=50ms", "PARLEY_LOG_LEVEL=info",
		"PARLEY_SECRET_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)),
	}, settings...)
	return s
}

func (s *system) addOperator(email, name, role string) {
	s.t.Helper()
	in, err := api.NewOperator{Email: email, Name: name, Role: role, Password: password}.Prepare()
	require.NoError(s.t, err)
	_, err = s.store.AddOperator(context.Background(), in)
	require.NoError(s.t, err)
}

// startAPI starts an api node and waits until it is ready.
func (s *system) startAPI() (p *process, base string) {
	s.t.Helper()
	return s.startAPIOf(parleyBinary(s.t))
}

// startAPIOf is startAPI with another build of the product.
func (s *system) startAPIOf(program string) (p *process, base string) {
	s.t.Helper()
	address := freeAddress(s.t)
	p = startProgram(s.t, program, append([]string{"PARLEY_PUBLIC_URL=http://" + address, "PARLEY_LISTEN=" + address}, s.env...), "api")
	s.base = "http://" + address
	awaitReady(s.t, s.base)
	return p, s.base
}

func (s *system) startWorker() *process {
	s.t.Helper()
	return start(s.t, s.env, "worker")
}

// request makes a call and decodes its answer into out when it succeeded.
func request(t *testing.T, client *http.Client, method, url, token string, body, out any) int {
	t.Helper()
	status, raw := rawRequest(t, client, method, url, token, body)
	if status >= 200 && status < 300 && out != nil {
		require.NoError(t, json.Unmarshal(raw, out), string(raw))
	}
	return status
}

func rawRequest(t *testing.T, client *http.Client, method, url, token string, body any) (int, []byte) {
	t.Helper()
	var reader io.Reader
	if raw, ok := body.([]byte); ok {
		reader = bytes.NewReader(raw)
	} else if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(t, err)
		reader = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	require.NoError(t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil // the node is gone
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, raw
}

// said is a message as its customer sees it.
type said struct {
	ID     uuid.UUID `json:"id"`
	Seq    int64     `json:"seq"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
}

// customer is a visitor of the shop's website.
type customer struct {
	s     *system
	token string
}

func (s *system) newCustomer() *customer {
	s.t.Helper()
	var out struct{ Token string }
	status := request(s.t, http.DefaultClient, http.MethodPost, s.base+"/widget/v1/sessions", "", map[string]string{"channel": "demo"}, &out)
	require.Equal(s.t, http.StatusCreated, status)
	return &customer{s: s, token: out.Token}
}

// write sends a message that must be acknowledged.
func (c *customer) write(text string) said {
	c.s.t.Helper()
	m, status := c.deliver(uuid.NewString(), text)
	require.Equal(c.s.t, http.StatusOK, status)
	return m
}

// deliver makes one delivery of a message.
func (c *customer) deliver(clientID, text string) (said, int) {
	var m said
	status := request(c.s.t, http.DefaultClient, http.MethodPost, c.s.base+"/widget/v1/messages", c.token, map[string]string{"client_id": clientID, "text": text}, &m)
	return m, status
}

// sees is the transcript as the customer sees it.
func (c *customer) sees() []said {
	c.s.t.Helper()
	var out struct{ Messages []said }
	status := request(c.s.t, http.DefaultClient, http.MethodGet, c.s.base+"/widget/v1/messages", c.token, nil, &out)
	require.Equal(c.s.t, http.StatusOK, status)
	return out.Messages
}

// from is what an author has told the customer.
func (c *customer) from(author string) []string {
	c.s.t.Helper()
	texts := []string{}
	for _, m := range c.sees() {
		if m.Author == author {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

// awaitAnswers waits until the bot has told the customer n messages.
func (c *customer) awaitAnswers(n int) []string {
	c.s.t.Helper()
	var texts []string
	eventually(c.s.t, "the bot answers", func() bool {
		texts = c.from("bot")
		return len(texts) >= n
	})
	require.Len(c.s.t, texts, n)
	return texts
}

// dialogueID is the dialogue of the customer.
func (c *customer) dialogueID() uuid.UUID {
	c.s.t.Helper()
	v, err := c.s.store.Visitor(context.Background(), api.TokenHash(c.token))
	require.NoError(c.s.t, err)
	require.True(c.s.t, v.DialogueID.Valid)
	return v.DialogueID.UUID
}

// operator works in the inbox through its API.
type operator struct {
	s      *system
	client *http.Client
}

func (s *system) login(email string) *operator {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	o := &operator{s: s, client: &http.Client{Jar: jar}}
	o.must(http.MethodPost, "/session", map[string]string{"email": email, "password": password}, nil)
	return o
}

// must makes a call of the inbox's API that must succeed.
func (o *operator) must(method, path string, body, out any) {
	o.s.t.Helper()
	status, raw := rawRequest(o.s.t, o.client, method, o.s.base+"/api/v1"+path, "", body)
	require.Truef(o.s.t, status >= 200 && status < 300, "%s %s: %d %s", method, path, status, raw)
	if out != nil {
		require.NoError(o.s.t, json.Unmarshal(raw, out))
	}
}

func (o *operator) setMode(id uuid.UUID, mode string) (inFlight []uuid.UUID) {
	o.s.t.Helper()
	var out struct {
		InFlight []uuid.UUID `json:"in_flight"`
	}
	o.must(http.MethodPut, "/dialogues/"+id.String()+"/mode", map[string]string{"mode": mode}, &out)
	return out.InFlight
}

func (o *operator) reply(id uuid.UUID, text string) store.MessageAndDialogue {
	o.s.t.Helper()
	var out store.MessageAndDialogue
	o.must(http.MethodPost, "/dialogues/"+id.String()+"/messages", map[string]string{"client_id": uuid.NewString(), "text": text}, &out)
	return out
}

func (o *operator) dialogue(id uuid.UUID) store.DialogueView {
	o.s.t.Helper()
	var out store.DialogueView
	o.must(http.MethodGet, "/dialogues/"+id.String(), nil, &out)
	return out
}

func (o *operator) transcript(id uuid.UUID) []store.MessageView {
	o.s.t.Helper()
	var out struct{ Messages []store.MessageView }
	o.must(http.MethodGet, "/dialogues/"+id.String()+"/messages?limit=100", nil, &out)
	return out.Messages
}

// settled waits until nothing waits to be told to the engine and nothing is to be answered or sent.
func (s *system) settled() {
	s.t.Helper()
	var left string
	defer func() {
		if left != "" {
			s.t.Logf("still under way: %s", left)
		}
	}()
	eventually(s.t, "nothing is under way", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := s.pool.QueryRow(ctx, `SELECT concat_ws('; ',
			(SELECT string_agg(format('bell %s at %s', rings, dialogue_id), ', ') FROM outbox),
			(SELECT string_agg(format('turn %s of %s: %s, epoch %s from %s', id, dialogue_id, state, epoch, from_seq), ', ')
				FROM turns WHERE kind = 'reply' AND state IN ('running', 'drafted')),
			(SELECT string_agg(format('dialogue %s: epoch %s, %s answered of %s', id, epoch, answered_seq, customer_seq), ', ')
				FROM dialogues WHERE mode = 'bot' AND status <> 'closed' AND customer_seq > answered_seq),
			(SELECT string_agg(format('message %s: %s', id, state), ', ') FROM messages WHERE state IN ('queued', 'sending')))`).Scan(&left)
		if err != nil {
			left = err.Error()
		}
		return left == ""
	})
}
