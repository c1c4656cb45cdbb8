package stream

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/dialogue"
	"parley/store/db"
	"parley/store/eventlog"
	"parley/store/live"
	"parley/testenv"
)

const patience = 60 * time.Second

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	testenv.Main(m)
}

// site is a database with its sequencer, and nodes that serve streams from it.
type site struct {
	pool  *pgxpool.Pool
	waker *eventlog.Waker
}

func newSite(t testing.TB) *site {
	t.Helper()
	config, err := pgxpool.ParseConfig(testenv.Database(t))
	require.NoError(t, err)
	config.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := &site{pool: pool, waker: eventlog.NewWaker(pool, slog.New(slog.DiscardHandler))}
	start(t, s.waker.Run)
	s.sequence(t)
	return s
}

func (s *site) sequence(t testing.TB) context.CancelFunc {
	t.Helper()
	return start(t, eventlog.NewSequencer(s.pool, 0, slog.New(slog.DiscardHandler)).Run)
}

// start runs something until the test, or the returned function, ends it.
func start(t testing.TB, run func(context.Context) error) context.CancelFunc {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

// node is one API process.
type node struct {
	hub       *Hub
	publisher *live.Publisher
	url       string
	server    *http.Server
	listener  net.Listener
}

func (s *site) node(t testing.TB, options Options) *node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &node{publisher: live.NewPublisher(s.pool, log)}
	start(t, n.publisher.Run)
	n.hub = New(Deps{Pool: s.pool, Publisher: n.publisher, Log: log, Options: options})
	start(t, n.hub.Run)
	listens := make(chan struct{})
	begun := sync.OnceFunc(func() { close(listens) })
	start(t, eventlog.NewFollower(s.pool, n.hub, map[string]eventlog.Listener{
		live.Channel: {Notified: live.Handler(n.hub.Live, log), Missed: func() { begun(); n.hub.CheckLogins() }},
	}, log).Run)
	<-listens // what is told before that would be lost

	// Who comes is said by the tests; in the product the session or the token says it. The session "gone" is over already.
	router := gin.New()
	router.GET("/operator/:id/:session", func(c *gin.Context) {
		id := uuid.MustParse(c.Param("id"))
		login := login(id, c.Param("session"))
		if c.Param("session") != "gone" {
			s.logIn(t, id, login)
		}
		n.hub.ServeOperator(c, OperatorViewer{ID: id, Name: "Operator", Role: "operator", Login: login})
	})
	router.GET("/customer/:channel/:session", func(c *gin.Context) {
		n.hub.ServeCustomer(c, CustomerViewer{Channel: uuid.MustParse(c.Param("channel")), Session: uuid.MustParse(c.Param("session"))})
	})
	var err error
	n.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.url = "http://" + n.listener.Addr().String()
	n.server = &http.Server{Handler: router, ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- n.server.Serve(n.listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, n.hub.Shutdown(ctx))
		require.NoError(t, n.server.Shutdown(ctx))
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return n
}

// login is the token hash of an operator's session.
func login(operator uuid.UUID, session string) []byte {
	sum := sha256.Sum256([]byte(operator.String() + session))
	return sum[:]
}

// logIn opens a session, unless it has been opened before, of an operator who may be unknown before.
func (s *site) logIn(t testing.TB, operator uuid.UUID, login []byte) {
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO operators (id, email, name, role, password_hash) VALUES ($1::uuid, $1::text, 'Operator', 'operator', '')
		ON CONFLICT DO NOTHING`, operator)
	batch.Queue(`INSERT INTO operator_sessions (token_hash, operator_id, expires_at) VALUES ($1, $2, now() + interval '1 day')
		ON CONFLICT DO NOTHING`, login, operator)
	if err := s.pool.SendBatch(context.Background(), batch).Close(); err != nil {
		t.Error(err)
	}
}

func operatorPath(id uuid.UUID, session string) string {
	return "/operator/" + id.String() + "/" + session
}

func (c CustomerViewer) path() string {
	return "/customer/" + c.Channel.String() + "/" + c.Session.String()
}

// frameOf is one frame as a client reads it.
type frameOf struct {
	name, data, id, retry, comment string
}

func (f frameOf) durable() bool { return f.name == "message" || f.name == "dialogue" }

func (f frameOf) position(t testing.TB) int64 {
	t.Helper()
	id, err := strconv.ParseInt(f.id, 10, 64)
	require.NoError(t, err)
	return id
}

// client is one connection to a stream.
type client struct {
	t        testing.TB
	response *http.Response
	cancel   context.CancelFunc
	reader   *bufio.Reader
}

// connect opens a stream, which must be accepted. Each has a TCP connection of its own.
func connect(t testing.TB, url, lastID string) *client {
	t.Helper()
	c := dial(t, url, lastID)
	require.Equal(t, http.StatusOK, c.response.StatusCode)
	require.Equal(t, "text/event-stream", c.response.Header.Get("Content-Type"))
	return c
}

func dial(t testing.TB, url, lastID string) *client {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	c := &client{t: t, response: response, cancel: cancel, reader: bufio.NewReader(response.Body)}
	t.Cleanup(c.close)
	return c
}

func (c *client) close() {
	c.cancel()
	_ = c.response.Body.Close()
}

// read returns the next frame; false when the stream has ended.
func (c *client) read() (frameOf, bool) {
	var f frameOf
	for {
		line, err := c.reader.ReadString('\n')
		if err != nil {
			return frameOf{}, false
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return f, true
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			f.comment = value
		case "event":
			f.name = value
		case "data":
			f.data = value
		case "id":
			f.id = value
		case "retry":
			f.retry = value
		default:
			c.t.Errorf("unknown field in %q", line)
		}
	}
}

// next returns the next frame that is not a comment, within patience.
func (c *client) next() frameOf {
	c.t.Helper()
	watchdog := time.AfterFunc(patience, c.cancel)
	defer watchdog.Stop()
	for {
		f, ok := c.read()
		require.True(c.t, ok, "the stream ended")
		if f.name != "" {
			return f
		}
	}
}

// opened waits for the first frame, after which the hub feeds the stream.
func (c *client) opened() *client {
	c.t.Helper()
	f, ok := c.read()
	require.True(c.t, ok)
	require.Equal(c.t, "open", f.comment)
	return c
}

// ended waits for the end of the stream.
func (c *client) ended() {
	c.t.Helper()
	watchdog := time.AfterFunc(patience, func() { c.t.Error("the stream did not end"); c.cancel() })
	defer watchdog.Stop()
	for {
		if _, ok := c.read(); !ok {
			return
		}
	}
}

// thread is a dialogue on a website.
type thread struct {
	CustomerViewer
	dialogue uuid.UUID
}

// newThread makes up a thread; store gives it its dialogue.
func newThread() thread {
	return thread{CustomerViewer{Channel: uuid.New(), Session: uuid.New()}, uuid.New()}
}

func (s *site) store(t testing.TB, th thread) {
	t.Helper()
	th.store(t, s.pool)
}

func (th thread) store(t testing.TB, conn interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}) {
	t.Helper()
	contact := uuid.New()
	batch := &pgx.Batch{}
	batch.Queue("INSERT INTO channels (id, kind, slug, name) VALUES ($1, 'widget', $2, 'Shop')", th.Channel, "c-"+th.Channel.String())
	batch.Queue("INSERT INTO contacts (id) VALUES ($1)", contact)
	batch.Queue("INSERT INTO dialogues (id, channel_id, contact_id, thread_key, episode_id) VALUES ($1, $2, $3, $4, $5)",
		th.dialogue, th.Channel, contact, th.Session.String(), uuid.New())
	require.NoError(t, conn.SendBatch(context.Background(), batch).Close())
}

func (s *site) operator(t testing.TB, name string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	_, err := s.pool.Exec(context.Background(), `INSERT INTO operators (id, email, name, role, password_hash)
		VALUES ($1, $2, $3, 'operator', '')`, id, id.String()+"@example.com", name)
	require.NoError(t, err)
	return id
}

// payload is a message event as the store writes it.
func (th thread) payload(text string, author dialogue.Author, kind dialogue.Kind) json.RawMessage {
	message := map[string]any{
		"id": uuid.New(), "dialogue_id": th.dialogue, "seq": 1, "author": author, "kind": kind, "text": text, "data": nil,
		"state": "queued", "error": "secret error", "operator": map[string]any{"id": uuid.New(), "name": "Secret Name"},
		"turn_id": uuid.New(), "client_id": "secret-client", "created_at": time.Now().UTC(),
	}
	data, err := json.Marshal(map[string]any{"message": message, "dialogue": map[string]any{
		"id": th.dialogue, "chat_id": th.Session, "channel": map[string]any{"id": th.Channel}, "handoff_reason": "secret reason",
	}})
	if err != nil {
		panic(err)
	}
	return data
}

// say inserts a message to everyone.
func (th thread) say(ctx context.Context, conn db.DBTX, text string) error {
	return db.New().InsertEvent(ctx, conn, db.InsertEventParams{
		Kind: eventlog.KindMessage, Audience: eventlog.AudienceEveryone, DialogueID: uuid.NullUUID{UUID: th.dialogue, Valid: true},
		Payload: th.payload(text, dialogue.AuthorBot, dialogue.KindText),
	})
}

// commit says something and returns when it has its position.
func (s *site) commit(t testing.TB, th thread, texts ...string) {
	t.Helper()
	before := s.head(t)
	for _, text := range texts {
		require.NoError(t, th.say(context.Background(), s.pool, text))
	}
	s.waker.Wake()
	require.Eventually(t, func() bool { return s.head(t) >= before+int64(len(texts)) }, patience, 2*time.Millisecond)
}

func (s *site) head(t testing.TB) int64 {
	bounds, err := eventlog.ReadBounds(context.Background(), s.pool)
	if err != nil {
		t.Error(err)
	}
	return bounds.Head
}

// text returns what a message event says, to an operator or to a customer.
func (f frameOf) text(t testing.TB) string {
	t.Helper()
	var payload struct {
		Text    string `json:"text"`
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	}
	require.NoError(t, json.Unmarshal([]byte(f.data), &payload))
	return payload.Text + payload.Message.Text
}

// texts reads n durable events.
func (c *client) texts(n int) []string {
	c.t.Helper()
	var texts []string
	for len(texts) < n {
		f := c.next()
		require.Equal(c.t, "message", f.name, fmt.Sprintf("%+v", f))
		texts = append(texts, f.text(c.t))
	}
	return texts
}
