package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/stream"
	"parley/bot"
	"parley/channel/telegram"
	"parley/dialogue"
	"parley/intake"
	"parley/metrics"
	"parley/store"
	"parley/store/live"
	"parley/testenv"
	"parley/vault"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const metricsToken = "a token of the metrics"

// fakeBot repeats the question, and fails when it is told to.
type fakeBot struct{ err error }

func (f *fakeBot) Answer(_ context.Context, in bot.Input, _ func(string)) (bot.Answer, error) {
	if f.err != nil {
		return bot.Answer{}, f.err
	}
	return bot.Answer{Text: "draft for: " + in.Questions[len(in.Questions)-1].Text, Language: dialogue.English}, nil
}

// bundle is an API over a real record, with its contract.
type bundle struct {
	t       *testing.T
	handler http.Handler
	store   *store.Store
	spec    map[string]any
	schemas *jsonschema.Compiler

	hub      *stream.Hub
	bot      *fakeBot
	telegram *httptest.Server

	admin, operator string // API tokens
	visitor, other  string // of two visitors
	dialogue        uuid.UUID
	turn            uuid.UUID
	message         uuid.UUID // the visitor's first
}

func setup(t *testing.T) *bundle {
	t.Helper()
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, testenv.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	log := slog.New(slog.DiscardHandler)
	publisher := live.NewPublisher(pool, log)
	box, err := vault.New(bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	b := &bundle{t: t, store: store.New(pool, store.Hooks{}), bot: &fakeBot{}}
	b.hub = stream.New(stream.Deps{Pool: pool, Publisher: publisher, Log: log})
	b.telegram = httptest.NewServer(fakeTelegram{})
	t.Cleanup(b.telegram.Close)
	server := api.New(api.Config{
		Store: b.store, Live: publisher, Bot: b.bot, Vault: box, Log: log,
		Channels: &intake.Manager{
			Store: b.store, Vault: box, Log: log,
			Connector: &intake.Connector{API: telegram.NewClient(), PublicURL: "https://parley.example"},
		},
		Hub:         b.hub,
		WorkflowURL: func(id string) string { return "http://ui.example/" + id },
		Metrics:     metrics.New().Handler(), MetricsToken: metricsToken,
	})
	b.handler = server.Handler()
	b.loadContract()

	require.NoError(t, b.store.EnsureChannel(ctx, "widget", "demo", "Demo"))
	b.admin, b.operator = b.addUser("admin"), b.addUser("operator")
	b.visitor, b.other = b.addVisitor(), b.addVisitor()
	b.ok(http.MethodPost, "/widget/v1/messages", b.visitor, `{"client_id":"1","text":"<script>alert(1)</script> сәлем"}`)
	var list struct{ Dialogues []store.DialogueView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues", b.operator, ""), &list)
	b.dialogue = list.Dialogues[0].ID
	var page struct{ Messages []store.MessageView }
	b.decode(b.ok(http.MethodGet, "/api/v1/dialogues/"+b.dialogue.String()+"/messages", b.operator, ""), &page)
	b.message = page.Messages[0].ID
	var draft struct {
		TurnID uuid.UUID `json:"turn_id"`
	}
	b.decode(b.ok(http.MethodPost, "/api/v1/dialogues/"+b.dialogue.String()+"/suggestion", b.operator, ""), &draft)
	b.turn = draft.TurnID
	return b
}

func (b *bundle) loadContract() {
	b.t.Helper()
	raw := b.call(http.MethodGet, "/api/openapi.yaml", "", "", nil).Body.Bytes()
	require.NoError(b.t, yaml.Unmarshal(raw, &b.spec))
	asJSON, err := yaml.YAMLToJSON(raw)
	require.NoError(b.t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(b.t, err)
	b.schemas = jsonschema.NewCompiler()
	b.schemas.AssertFormat()
	require.NoError(b.t, b.schemas.AddResource("openapi.json", doc))
}

func (b *bundle) addUser(role string) (token string) {
	b.t.Helper()
	in, err := api.NewOperator{Email: role + "@shop.example", Name: "Anna " + role, Role: role, Password: "a good password"}.Prepare()
	require.NoError(b.t, err)
	o, err := b.store.AddOperator(context.Background(), in)
	require.NoError(b.t, err)
	token, stored := api.NewAPIToken(o.ID, "test")
	require.NoError(b.t, b.store.AddAPIToken(context.Background(), stored))
	return token
}

func (b *bundle) operatorID(role string) uuid.UUID {
	b.t.Helper()
	o, err := b.store.OperatorByEmail(context.Background(), role+"@shop.example")
	require.NoError(b.t, err)
	return o.ID
}

func (b *bundle) addVisitor() string {
	b.t.Helper()
	var out struct{ Token string }
	b.decode(b.ok(http.MethodPost, "/widget/v1/sessions", "", `{"channel":"demo"}`), &out)
	return out.Token
}

func (b *bundle) call(method, path, token, body string, header http.Header) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, reader)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, req)
	return w
}

// ok makes a call that must succeed, and holds its answer against the contract.
func (b *bundle) ok(method, path, token, body string) []byte {
	b.t.Helper()
	w := b.call(method, path, token, body, nil)
	require.Less(b.t, w.Code, 300, "%s %s: %s", method, path, w.Body)
	b.conforms(method, path, w)
	return w.Body.Bytes()
}

func (b *bundle) decode(raw []byte, out any) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(raw, out))
}

// conforms holds an answer against api/openapi.yaml.
func (b *bundle) conforms(method, path string, w *httptest.ResponseRecorder) {
	b.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	route := b.specRoute(path)
	require.NotEmpty(b.t, route, "%s is not in openapi.yaml", path)
	pointer := "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(route) + "/" + strings.ToLower(method)
	operation := b.spec["paths"].(map[string]any)[route].(map[string]any)[strings.ToLower(method)]
	require.NotNil(b.t, operation, "%s %s is not in openapi.yaml", method, route)
	responses := operation.(map[string]any)["responses"].(map[string]any)
	status := http.StatusText(w.Code)
	if w.Code >= 400 {
		require.Equal(b.t, "application/problem+json", w.Header().Get("Content-Type"))
		pointer = "#/components/schemas/Problem"
	} else {
		declared, ok := responses[itoa(w.Code)].(map[string]any)
		require.True(b.t, ok, "%s %s answers %s, which openapi.yaml does not know", method, route, status)
		content, ok := declared["content"].(map[string]any)
		if !ok {
			require.Empty(b.t, w.Body.Bytes())
			return
		}
		if _, isJSON := content["application/json"]; !isJSON {
			return
		}
		pointer += "/responses/" + itoa(w.Code) + "/content/application~1json/schema"
	}
	schema, err := b.schemas.Compile("openapi.json" + pointer)
	require.NoError(b.t, err)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	require.NoError(b.t, err, w.Body.String())
	require.NoError(b.t, schema.Validate(value), "%s %s: %s", method, path, w.Body)
}

func itoa(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

// specRoute finds the path of the contract that a request's path is of: the one with the fewest parameters.
func (b *bundle) specRoute(path string) (found string) {
	got := strings.Split(path, "/")
	for route := range b.spec["paths"].(map[string]any) {
		want := strings.Split(route, "/")
		if len(want) != len(got) || found != "" && strings.Count(found, "{") <= strings.Count(route, "{") {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		if same {
			found = route
		}
	}
	return found
}

// Every operation of the contract exists, and answers as it says.
func TestEveryOperationAnswersAsTheContractSays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := "/api/v1/dialogues/" + b.dialogue.String()
	done := map[string]bool{"GET /api/v1/stream": true, "GET /widget/v1/stream": true, "POST /hooks/telegram/{channel}": true, "DELETE /api/v1/session": true}
	var failed store.MessageAndDialogue
	b.decode(b.ok("POST", d+"/messages", b.operator, `{"client_id":"failed","text":"hi"}`), &failed)
	_, err := b.store.Pool().Exec(t.Context(), "UPDATE messages SET state = 'failed' WHERE id = $1", failed.Message.ID)
	require.NoError(t, err)
	_, lost := b.failedTurn("a question that the bot fails at")
	batch, err := b.store.StartReplay(t.Context(), store.ReplayFilter{})
	require.NoError(t, err)
	b.failedTurn("another")
	b.failedTurn("and one more")
	alarms, err := b.store.Alarms(t.Context())
	require.NoError(t, err)
	require.Len(t, alarms, 1)
	readable, broken := b.bury(update(1, `"text":"hello"`)), b.bury("{broken")
	for _, c := range []struct{ method, path, token, body string }{
		{"POST", d + "/messages/" + failed.Message.ID.String() + "/resend", b.operator, ""},
		{"PATCH", "/api/v1/channels/demo", b.admin, `{"name":"Another name","settings":{"allowed_origins":[]}}`},
		{"POST", "/api/v1/session", "", `{"email":"Admin@Shop.example","password":"a good password"}`},
		{"GET", "/api/v1/session", b.operator, ""},
		{"GET", "/api/v1/dialogues?status=open,new&mode=bot&channel=demo&assignee=none&unread=true&waiting=false&q=сәлем&sort=recent&limit=1", b.operator, ""},
		{"GET", d, b.operator, ""},
		{"GET", d + "/messages?after=0&limit=5", b.operator, ""},
		{"PUT", d + "/read", b.operator, `{"seq":1}`},
		{"POST", d + "/notes", b.operator, `{"client_id":"n","text":"careful"}`},
		{"POST", d + "/suggestion", b.operator, ""},
		{"POST", d + "/messages", b.operator, `{"client_id":"m","text":"hi","suggestion_id":"` + b.turn.String() + `"}`},
		{"PUT", d + "/status", b.operator, `{"status":"snoozed","until":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"}`},
		{"PUT", d + "/mode", b.operator, `{"mode":"bot"}`},
		{"PUT", d + "/assignee", b.operator, `{"operator_id":null}`},
		{"PUT", d + "/status", b.operator, `{"status":"closed"}`},
		{"GET", d + "/messages", b.operator, ""},
		{"GET", "/api/v1/turns/" + b.turn.String(), b.operator, ""},
		{"GET", "/api/v1/turns?state=failed&cause=unavailable&channel=demo&open=true&limit=1", b.admin, ""},
		{"GET", "/api/v1/failures", b.admin, ""},
		{"GET", "/api/v1/alarms", b.operator, ""},
		{"POST", "/api/v1/alarms/" + alarms[0].ID.String() + "/close", b.admin, ""},
		{"POST", "/api/v1/turns/" + lost.String() + "/replay", b.admin, `{"dry_run":true}`},
		{"POST", "/api/v1/turns/" + lost.String() + "/replay", b.admin, `{}`},
		{"POST", "/api/v1/turns/replay", b.admin, `{"filter":{"cause":"unavailable","channel":"demo"}}`},
		{"GET", "/api/v1/turns/replays?limit=1", b.admin, ""},
		{"GET", "/api/v1/turns/replays/" + batch.ID.String(), b.admin, ""},
		{"POST", "/api/v1/turns/replays/" + batch.ID.String() + "/stop", b.admin, ""},
		{"GET", "/api/v1/audit?action=taken_over&object=" + b.dialogue.String() + "&from=2026-01-01T00:00:00Z&limit=1", b.admin, ""},
		{"PUT", "/api/v1/presence", b.operator, `{"client":"abcdefgh","dialogue_id":"` + b.dialogue.String() + `","typing":true}`},
		{"GET", "/api/v1/channels", b.operator, ""},
		{"POST", "/api/v1/channels", b.admin, `{"kind":"widget","slug":"site","name":"Site","settings":{"allowed_origins":["https://shop.example"]}}`},
		{"GET", "/api/v1/operators", b.operator, ""},
		{"POST", "/api/v1/operators", b.admin, `{"email":"new@shop.example","name":"New","role":"operator","password":"12345678"}`},
		{"PUT", "/api/v1/operators/" + b.operatorID("operator").String(), b.admin, `{"name":"Anna O.","role":"operator","disabled":false}`},
		{"PUT", "/api/v1/session/password", b.operator, `{"current":"a good password","password":"a better password"}`},
		{"GET", "/api/v1/dead-letters", b.admin, ""},
		{"POST", "/api/v1/dead-letters/" + readable.String() + "/retry", b.admin, ""},
		{"DELETE", "/api/v1/dead-letters/" + broken.String(), b.admin, ""},
		{"GET", "/api/v1/bot", b.admin, ""},
		{"PUT", "/api/v1/bot", b.admin, `{"version":0,"shop":"Tumar","time_zone":"Asia/Almaty","hours":{"mon":[{"from":"10:00","to":"19:00"}]},` +
			`"prices":{"input":0.15,"output":0.6,"currency":"USD"},"caps":{"day_cost":5},"loops":{"same_text":5},"notices":{"no_answer":{"ru":"Спрошу у коллег."}}}`},
		{"GET", "/api/openapi.yaml", "", ""},
		{"GET", "/widget/v1/config?channel=demo", "", ""},
		{"POST", "/widget/v1/sessions", "", `{"channel":"demo"}`},
		{"POST", "/widget/v1/messages", b.visitor, `{"client_id":"2","text":"again"}`},
		{"GET", "/widget/v1/messages?after=0", b.visitor, ""},
		{"POST", "/widget/v1/typing", b.visitor, ""},
		{"POST", "/widget/v1/receipts", b.visitor, `{"delivered":3,"read":2}`},
		{"GET", "/healthz", "", ""},
		{"GET", "/readyz", "", ""},
		{"GET", "/metrics", metricsToken, ""},
	} {
		b.ok(c.method, c.path, c.token, c.body)
		path, _, _ := strings.Cut(c.path, "?")
		done[c.method+" "+b.specRoute(path)] = true
	}
	for route, item := range b.spec["paths"].(map[string]any) {
		for _, method := range []string{"get", "post", "put", "delete"} {
			if _, ok := item.(map[string]any)[method]; ok {
				require.True(t, done[strings.ToUpper(method)+" "+route], "%s %s is not tried here", method, route)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := "/api/v1/dialogues/" + b.dialogue.String()
	long := strings.Repeat("ы", 10_001)
	broken := "/api/v1/dead-letters/" + b.bury("{broken").String()
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		"nobody":                 {"GET", "/api/v1/dialogues", "", "", 401, "log in"},
		"unknown token":          {"GET", "/api/v1/dialogues", "nonsense", "", 401, "token"},
		"wrong password":         {"POST", "/api/v1/session", "", `{"email":"admin@shop.example","password":"wrong"}`, 401, "wrong"},
		"unknown address":        {"POST", "/api/v1/session", "", `{"email":"x@shop.example","password":"wrong"}`, 401, "wrong"},
		"operator adds user":     {"POST", "/api/v1/operators", b.operator, `{}`, 403, "admins"},
		"operator adds channel":  {"POST", "/api/v1/channels", b.operator, `{}`, 403, "admins"},
		"dead letters":           {"GET", "/api/v1/dead-letters", b.operator, "", 403, "admins"},
		"operator retries":       {"POST", broken + "/retry", b.operator, "", 403, "admins"},
		"operator discards":      {"DELETE", broken, b.operator, "", 403, "admins"},
		"still not understood":   {"POST", broken + "/retry", b.admin, "", 409, "still cannot be taken, and stays here: the update is not understood"},
		"nothing to retry":       {"POST", "/api/v1/dead-letters/" + uuid.NewString() + "/retry", b.admin, "", 404, "no dead letter"},
		"nothing to discard":     {"DELETE", "/api/v1/dead-letters/" + uuid.NewString(), b.admin, "", 404, "no dead letter"},
		"a letter's wrong id":    {"DELETE", "/api/v1/dead-letters/nonsense", b.admin, "", 404, "nonsense"},
		"no such dialogue":       {"GET", "/api/v1/dialogues/" + uuid.NewString(), b.operator, "", 404, "no dialogue"},
		"no id":                  {"GET", "/api/v1/dialogues/nonsense", b.operator, "", 404, "nonsense"},
		"no such turn":           {"GET", "/api/v1/turns/" + uuid.NewString(), b.operator, "", 404, "no turn"},
		"operator's failures":    {"GET", "/api/v1/turns", b.operator, "", 403, "admins"},
		"operator counts":        {"GET", "/api/v1/failures", b.operator, "", 403, "admins"},
		"operator replays":       {"POST", "/api/v1/turns/" + b.turn.String() + "/replay", b.operator, `{}`, 403, "admins"},
		"operator replays all":   {"POST", "/api/v1/turns/replay", b.operator, `{}`, 403, "admins"},
		"operator's replays":     {"GET", "/api/v1/turns/replays", b.operator, "", 403, "admins"},
		"operator stops replays": {"POST", "/api/v1/turns/replays/" + uuid.NewString() + "/stop", b.operator, "", 403, "admins"},
		"no such replay":         {"GET", "/api/v1/turns/replays/" + uuid.NewString(), b.admin, "", 404, "no replay"},
		"stop of nothing":        {"POST", "/api/v1/turns/replays/" + uuid.NewString() + "/stop", b.admin, "", 404, "no replay"},
		"replay of no channel":   {"POST", "/api/v1/turns/replay", b.admin, `{"filter":{"channel":"none"}}`, 404, "none"},
		"NUL in a cause":         {"POST", "/api/v1/turns/replay", b.admin, `{"filter":{"cause":"a\u0000b"}}`, 400, "NUL"},
		"operator audits":        {"GET", "/api/v1/audit", b.operator, "", 403, "admins"},
		"turns of no state":      {"GET", "/api/v1/turns?state=gone", b.admin, "", 400, "failed"},
		"failures of nothing":    {"GET", "/api/v1/turns?channel=none", b.admin, "", 404, "none"},
		"replay of nothing":      {"POST", "/api/v1/turns/" + uuid.NewString() + "/replay", b.admin, `{}`, 404, "no turn"},
		"replay of a draft":      {"POST", "/api/v1/turns/" + b.turn.String() + "/replay", b.admin, `{}`, 409, "only failed answers"},
		"audit of nobody":        {"GET", "/api/v1/audit?actor=anna", b.admin, "", 400, "id of an operator"},
		"audit of never":         {"GET", "/api/v1/audit?from=yesterday", b.admin, "", 400, "2026-11-23T00:00:00Z"},
		"audit's cursor":         {"GET", "/api/v1/audit?cursor=x", b.admin, "", 400, "cursor"},
		"unknown path":           {"GET", "/api/v1/nonsense", b.operator, "", 404, "nothing at"},
		"status filter":          {"GET", "/api/v1/dialogues?status=sleepy", b.operator, "", 400, "sleepy"},
		"mode filter":            {"GET", "/api/v1/dialogues?mode=ghost", b.operator, "", 400, "ghost"},
		"channel filter":         {"GET", "/api/v1/dialogues?channel=none", b.operator, "", 404, "none"},
		"cursor":                 {"GET", "/api/v1/dialogues?cursor=xyz", b.operator, "", 400, "cursor"},
		"limit":                  {"GET", "/api/v1/dialogues?limit=1000", b.operator, "", 400, "limit"},
		"search too long":        {"GET", "/api/v1/dialogues?q=" + strings.Repeat("a", 201), b.operator, "", 400, "200"},
		"NUL in search":          {"GET", "/api/v1/dialogues?q=%00", b.operator, "", 400, "q"},
		"malformed":              {"POST", d + "/messages", b.operator, `{"client_id":`, 400, "valid JSON"},
		"two values":             {"POST", d + "/messages", b.operator, `{"client_id":"1","text":"a"}{}`, 400, "valid JSON"},
		"wrong type":             {"POST", d + "/messages", b.operator, `{"client_id":1}`, 400, "client_id must be a text, not number"},
		"no object":              {"POST", d + "/messages", b.operator, `"text"`, 400, "the body must be an object, not string"},
		"token of a widget":      {"PATCH", "/api/v1/channels/demo", b.admin, `{"secrets":{"token":"123456789:AAE-secret-token"}}`, 400, "no secrets"},
		"empty text":             {"POST", d + "/messages", b.operator, `{"client_id":"1","text":" \n"}`, 400, "empty"},
		"NUL in text":            {"POST", d + "/messages", b.operator, `{"client_id":"1","text":"a\u0000b"}`, 400, "NUL"},
		"text too long":          {"POST", d + "/messages", b.operator, `{"client_id":"1","text":"` + long + `"}`, 413, "10000"},
		"body too large":         {"POST", d + "/messages", b.operator, `{"text":"` + strings.Repeat("x", 300<<10) + `"}`, 413, "larger"},
		"foreign suggestion":     {"POST", d + "/messages", b.operator, `{"client_id":"1","text":"a","suggestion_id":"` + uuid.NewString() + `"}`, 400, "suggestion"},
		"no mode":                {"PUT", d + "/mode", b.operator, `{"mode":"ghost"}`, 400, "ghost"},
		"no status":              {"PUT", d + "/status", b.operator, `{"status":"new"}`, 400, "open, snoozed or closed"},
		"snooze for ever":        {"PUT", d + "/status", b.operator, `{"status":"snoozed"}`, 400, "until"},
		"snooze to no time":      {"PUT", d + "/status", b.operator, `{"status":"snoozed","until":"tomorrow"}`, 400, "2026-11-23T09:00:00Z"},
		"negative timer":         {"PUT", "/api/v1/bot", b.admin, `{"version":0,"timers":{"return":-5}}`, 400, "timers.return"},
		"follow-up for nobody":   {"PUT", "/api/v1/bot", b.admin, `{"version":0,"follow_ups":{"de":"x"}}`, 400, "follow_ups"},
		"unknown assignee":       {"PUT", d + "/assignee", b.operator, `{"operator_id":"` + uuid.NewString() + `"}`, 404, "operator"},
		"no seq":                 {"PUT", d + "/read", b.operator, `{}`, 400, "seq"},
		"operator's alarm":       {"POST", "/api/v1/alarms/" + uuid.NewString() + "/close", b.operator, "", 403, "admins"},
		"no such alarm":          {"POST", "/api/v1/alarms/" + uuid.NewString() + "/close", b.admin, "", 404, "alarm"},
		"loops below zero":       {"PUT", "/api/v1/bot", b.admin, `{"version":0,"loops":{"same_text":-1}}`, 400, "loops"},
		"operator's bot":         {"GET", "/api/v1/bot", b.operator, "", 403, "admins"},
		"no version":             {"PUT", "/api/v1/bot", b.admin, `{}`, 400, "version"},
		"stale version":          {"PUT", "/api/v1/bot", b.admin, `{"version":7}`, 409, "load them again"},
		"a setting's wrong name": {"PUT", "/api/v1/bot", b.admin, `{"version":0,"instrukcii":"x"}`, 400, "instrukcii"},
		"time zone":              {"PUT", "/api/v1/bot", b.admin, `{"version":0,"time_zone":"Asia/Almata"}`, 400, "Asia/Almaty"},
		"hours backwards":        {"PUT", "/api/v1/bot", b.admin, `{"version":0,"hours":{"mon":[{"from":"19:00","to":"10:00"}]}}`, 400, "midnight"},
		"no such day":            {"PUT", "/api/v1/bot", b.admin, `{"version":0,"hours":{"monday":[]}}`, 400, "mon, tue"},
		"cost without prices":    {"PUT", "/api/v1/bot", b.admin, `{"version":0,"caps":{"day_cost":5}}`, 400, "needs prices"},
		"negative cap":           {"PUT", "/api/v1/bot", b.admin, `{"version":0,"caps":{"day_tokens":-5}}`, 400, "from 0"},
		"currency":               {"PUT", "/api/v1/bot", b.admin, `{"version":0,"prices":{"input":1,"output":1,"currency":"tenge"}}`, 400, "KZT"},
		"notice for nobody":      {"PUT", "/api/v1/bot", b.admin, `{"version":0,"notices":{"operator":{"ru":"x"}}}`, 400, "no_answer"},
		"slug taken":             {"POST", "/api/v1/channels", b.admin, `{"kind":"widget","slug":"demo","name":"x"}`, 409, "demo"},
		"bad origin":             {"POST", "/api/v1/channels", b.admin, `{"kind":"widget","slug":"x","name":"x","settings":{"allowed_origins":["shop.example/path"]}}`, 400, "origin"},
		"unknown mode":           {"POST", "/api/v1/channels", b.admin, `{"kind":"telegram","slug":"x","name":"x","settings":{"mode":"pigeon"},"secrets":{"token":"123456789:AAE-secret-token"}}`, 400, "pigeon"},
		"refused bot token":      {"POST", "/api/v1/channels", b.admin, `{"kind":"telegram","slug":"x","name":"x","settings":{"api_base_url":"` + b.telegram.URL + `"},"secrets":{"token":"987654321:AAE-secret-token"}}`, 400, "does not know this token"},
		"no such channel":        {"PATCH", "/api/v1/channels/none", b.admin, `{}`, 404, "none"},
		"operator's channel":     {"PATCH", "/api/v1/channels/demo", b.operator, `{}`, 403, "admins"},
		"nothing to resend":      {"POST", d + "/messages/" + uuid.NewString() + "/resend", b.operator, ``, 404, "message"},
		"resend of what is in":   {"POST", d + "/messages/" + b.message.String() + "/resend", b.operator, ``, 409, "received"},
		"bad bot token":          {"POST", "/api/v1/channels", b.admin, `{"kind":"telegram","slug":"x","name":"x","secrets":{"token":"t"}}`, 400, "BotFather"},
		"short password":         {"POST", "/api/v1/operators", b.admin, `{"email":"a@b.example","name":"a","role":"admin","password":"short"}`, 400, "8 to 200"},
		"long password":          {"POST", "/api/v1/operators", b.admin, `{"email":"a@b.example","name":"a","role":"admin","password":"` + strings.Repeat("ы", 201) + `"}`, 400, "8 to 200"},
		"address taken":          {"POST", "/api/v1/operators", b.admin, `{"email":"ADMIN@shop.example","name":"a","role":"admin","password":"12345678"}`, 409, "already"},
		"no widget channel":      {"POST", "/widget/v1/sessions", "", `{"channel":"nonsense"}`, 404, "nonsense"},
		"no visitor":             {"GET", "/widget/v1/messages", "", "", 401, "session"},
		"operator as visitor":    {"GET", "/widget/v1/messages", b.operator, "", 401, "session"},
		"visitor as operator":    {"GET", "/api/v1/dialogues", b.visitor, "", 401, "token"},
		"visitor's long text":    {"POST", "/widget/v1/messages", b.visitor, `{"client_id":"9","text":"` + strings.Repeat("x", 4001) + `"}`, 413, "4000"},
		"unknown hook channel":   {"POST", "/hooks/telegram/demo", "", `{}`, 401, "secret"},
	} {
		w := b.call(c.method, c.path, c.token, c.body, nil)
		require.Equal(t, c.status, w.Code, "%s: %s", name, w.Body)
		require.Contains(t, w.Body.String(), c.says, name)
		require.NotContains(t, w.Body.String(), "SQLSTATE", name)
		if name != "unknown path" {
			b.conforms(c.method, c.path, w)
		}
	}
}

func TestVisitorsSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine := string(b.ok("GET", "/widget/v1/messages", b.visitor, ""))
	require.Contains(t, mine, "сәлем")
	require.NotContains(t, string(b.ok("GET", "/widget/v1/messages", b.other, "")), "сәлем")
	b.ok("POST", "/api/v1/dialogues/"+b.dialogue.String()+"/notes", b.operator, `{"client_id":"n","text":"internal"}`)
	b.ok("POST", "/api/v1/dialogues/"+b.dialogue.String()+"/messages", b.operator, `{"client_id":"m","text":"hello"}`)
	seen := string(b.ok("GET", "/widget/v1/messages", b.visitor, ""))
	for _, internal := range []string{"internal", "Anna", "taken_over", "turn_id", "state"} {
		require.NotContains(t, seen, internal)
	}
	// Markup comes back as data, quoted as JSON wants it in pages.
	require.Contains(t, seen, `\u003cscript\u003e`)
}

func TestBrowsersCannotBeUsedByOtherSites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.call("POST", "/api/v1/session", "", `{"email":"operator@shop.example","password":"a good password"}`, nil)
	cookie := w.Result().Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	path := "/api/v1/dialogues/" + b.dialogue.String() + "/mode"
	as := func(site string) int {
		return b.call("PUT", path, "", `{"mode":"operator"}`, http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Sec-Fetch-Site": {site}}).Code
	}
	require.Equal(t, http.StatusForbidden, as("cross-site"))
	require.Equal(t, http.StatusOK, as("same-origin"))
	require.Equal(t, http.StatusNoContent, b.call("DELETE", "/api/v1/session", "", "", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Sec-Fetch-Site": {"same-origin"}}).Code)
	require.Equal(t, http.StatusUnauthorized, as("same-origin"), "logged out")
}

func TestTooManyAttemptsAreSlowedDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := 0
	for range 30 {
		last = b.call("POST", "/api/v1/session", "", `{"email":"admin@shop.example","password":"guess"}`, nil).Code
	}
	require.Equal(t, http.StatusTooManyRequests, last)
	for range 100 {
		last = b.call("POST", "/widget/v1/messages", b.other, `{"client_id":"x","text":"flood"}`, nil).Code
	}
	require.Equal(t, http.StatusTooManyRequests, last)
	b.ok("POST", "/widget/v1/messages", b.visitor, `{"client_id":"3","text":"others do not notice"}`)
}
