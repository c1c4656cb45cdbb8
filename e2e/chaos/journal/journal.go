// Package journal is what a run of the fault harness saw from outside: what
// customers wrote and were told was taken, what providers were asked to deliver,
// what operators' calls returned and when, what every stream carried. The harness
// writes it as lines of JSON, one file for each kind, and the checker reads
// nothing else. All times are of the one clock of the machine that ran it.
package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Kinds of a customer's channel.
const (
	Widget   = "widget"
	Telegram = "telegram"
)

// Run says what was run, and what was left over when everything had come to rest.
type Run struct {
	Seed      uint64     `json:"seed"`
	Began     time.Time  `json:"began"`
	Ended     time.Time  `json:"ended"`
	Customers []Customer `json:"customers"`

	// Unsettled is what still waited to be answered, sent or told to the engine
	// when the harness gave up waiting; empty when everything came to rest.
	Unsettled string `json:"unsettled,omitempty"`
	// Died are processes that ended without having been told or killed.
	Died []string `json:"died,omitempty"`
	// Goroutines are those of each process after the load, and of the same role
	// just started.
	Goroutines []Goroutines `json:"goroutines"`
	// Connections are sessions in Postgres after every process had ended.
	Connections int `json:"connections"`
	// Workflows are runs that are still open, or ended otherwise than by completing
	// or continuing as new, by status.
	Workflows map[string]int `json:"workflows"`
}

// Goroutines are how many a process had.
type Goroutines struct {
	Process string `json:"process"`
	After   int    `json:"after"`
	Fresh   int    `json:"fresh"`
}

// Customer is a simulated customer.
type Customer struct {
	ID      string `json:"id"`   // stands in each of their messages
	Word    string `json:"word"` // so does this secret: nobody else may ever be shown it
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	Thread  string `json:"thread"` // the chat's id; of the widget, the customer's ID
}

// Ack is a message that was acknowledged to whoever wrote it.
type Ack struct {
	Token    string    `json:"token"`    // names the message, in its text
	Customer string    `json:"customer"` // whose dialogue it is in
	Author   string    `json:"author"`   // customer or operator
	At       time.Time `json:"at"`       // its first delivery began
	Returned time.Time `json:"returned"` // the acknowledgement came
	Seq      int64     `json:"seq,omitempty"`
	Copies   int       `json:"copies"` // deliveries of the same message, at least 1
}

// What became of a provider's request.
const (
	Delivered = "delivered"       // the customer has it, and the caller was told
	Lost      = "delivered, lost" // the customer has it, the caller was not told
	Refused   = "refused"         // the customer has not got it, and the caller was told
	Dropped   = "dropped"         // the customer has not got it, the caller does not know
	Wrong     = "wrong"           // the request broke a rule of the provider's
)

// Request is a message that a provider was asked to deliver.
type Request struct {
	Channel  string    `json:"channel"`
	Thread   string    `json:"thread"`
	Text     string    `json:"text"`
	At       time.Time `json:"at"`
	Returned time.Time `json:"returned"`
	Outcome  string    `json:"outcome"`
	Detail   string    `json:"detail,omitempty"`
}

// Mode is a call by which somebody gave a dialogue to the bot or to operators.
type Mode struct {
	Dialogue string    `json:"dialogue"`
	To       string    `json:"to"`  // bot or operator
	Via      string    `json:"via"` // mode, write, close
	Operator string    `json:"operator"`
	At       time.Time `json:"at"`
	Returned time.Time `json:"returned"`
	Status   int       `json:"status"`              // 0: no answer came
	InFlight []string  `json:"in_flight,omitempty"` // ids of messages
	LastSeq  int64     `json:"last_seq,omitempty"`  // of the dialogue, as the answer says
}

// Event is what a stream's client saw: an event, or with Mark that it connected
// ("open") or was cut off ("end").
type Event struct {
	Client   string    `json:"client"`
	Customer string    `json:"customer,omitempty"` // whose stream it is; empty for the inbox
	At       time.Time `json:"at"`
	Mark     string    `json:"mark,omitempty"`
	ID       int64     `json:"id,omitempty"`
	Name     string    `json:"name,omitempty"`
	Dialogue string    `json:"dialogue,omitempty"`
	Message  string    `json:"message,omitempty"`
	Seq      int64     `json:"seq,omitempty"`
	Author   string    `json:"author,omitempty"`
	State    string    `json:"state,omitempty"`
	Text     string    `json:"text,omitempty"`
}

// Prompt is what the model was shown.
type Prompt struct {
	At      time.Time `json:"at"`
	Words   []string  `json:"words"`  // the secrets in it
	Tokens  []string  `json:"tokens"` // the messages that it was asked to answer
	Outcome string    `json:"outcome"`
}

// Fault is what was done to the system.
type Fault struct {
	At     time.Time `json:"at"`
	Ended  time.Time `json:"ended"`
	Kind   string    `json:"kind"`
	Target string    `json:"target"`
}

// Transcript is a dialogue as operators saw it at the end.
type Transcript struct {
	Dialogue    string    `json:"dialogue"`
	Channel     string    `json:"channel"`
	Thread      string    `json:"thread"`
	Mode        string    `json:"mode"`
	Status      string    `json:"status"`
	Waiting     bool      `json:"waiting"` // for a human
	CustomerSeq int64     `json:"customer_seq"`
	AnsweredSeq int64     `json:"answered_seq"`
	Messages    []Message `json:"messages"`
}

// Message is a line of a transcript.
type Message struct {
	ID     string `json:"id"`
	Seq    int64  `json:"seq"`
	Author string `json:"author"`
	Kind   string `json:"kind"` // text, notice, note, event
	Text   string `json:"text"`
	State  string `json:"state"`
	Event  string `json:"event,omitempty"` // of a line of the timeline
}

// Files of a journal.
const (
	runFile         = "run.json"
	acksFile        = "acks.jsonl"
	requestsFile    = "provider.jsonl"
	modesFile       = "modes.jsonl"
	eventsFile      = "streams.jsonl"
	promptsFile     = "model.jsonl"
	faultsFile      = "faults.jsonl"
	transcriptsFile = "transcripts.jsonl"
	seenFile        = "seen.jsonl"
)

// Seen is the transcript that a widget's customer saw at the end.
type Seen struct {
	Customer string    `json:"customer"`
	Messages []Message `json:"messages"`
}

// Writer writes a journal. It is safe for concurrent use.
type Writer struct {
	dir string

	mu    sync.Mutex
	files map[string]*os.File
	err   error
}

// Create begins a journal in a directory, which is made; what an earlier run left
// there is written over.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("begin the journal: %w", err)
	}
	w := &Writer{dir: dir, files: map[string]*os.File{}}
	for _, name := range []string{acksFile, requestsFile, modesFile, eventsFile, promptsFile, faultsFile, transcriptsFile, seenFile} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("begin the journal: %w", err), w.Close())
		}
		w.files[name] = f
	}
	return w, nil
}

// Ack and its like add a line.
func (w *Writer) Ack(a Ack)               { w.line(acksFile, a) }
func (w *Writer) Request(r Request)       { w.line(requestsFile, r) }
func (w *Writer) Mode(m Mode)             { w.line(modesFile, m) }
func (w *Writer) Event(e Event)           { w.line(eventsFile, e) }
func (w *Writer) Prompt(p Prompt)         { w.line(promptsFile, p) }
func (w *Writer) Fault(f Fault)           { w.line(faultsFile, f) }
func (w *Writer) Transcript(t Transcript) { w.line(transcriptsFile, t) }
func (w *Writer) Seen(s Seen)             { w.line(seenFile, s) }

func (w *Writer) line(file string, v any) {
	raw, err := json.Marshal(v)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		_, err = w.files[file].Write(append(raw, '\n'))
	}
	w.err = errors.Join(w.err, err)
}

// Finish writes what the run was, and ends the journal. It returns the first error
// of all the lines.
func (w *Writer) Finish(r Run) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, runFile), append(raw, '\n'), 0o644)
	}
	return errors.Join(err, w.Close())
}

// Close ends the journal without a run: nobody can check it.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.err
	for _, f := range w.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Journal is all of a run.
type Journal struct {
	Run         Run
	Acks        []Ack
	Requests    []Request
	Modes       []Mode
	Events      []Event
	Prompts     []Prompt
	Faults      []Fault
	Transcripts []Transcript
	Seen        []Seen
}

// Read reads the journal in a directory.
func Read(dir string) (Journal, error) {
	var j Journal
	raw, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil {
		return j, fmt.Errorf("read the journal: %w (its run did not end)", err)
	}
	if err := json.Unmarshal(raw, &j.Run); err != nil {
		return j, fmt.Errorf("read %s: %w", runFile, err)
	}
	return j, errors.Join(
		lines(dir, acksFile, &j.Acks), lines(dir, requestsFile, &j.Requests), lines(dir, modesFile, &j.Modes),
		lines(dir, eventsFile, &j.Events), lines(dir, promptsFile, &j.Prompts), lines(dir, faultsFile, &j.Faults),
		lines(dir, transcriptsFile, &j.Transcripts), lines(dir, seenFile, &j.Seen),
	)
}

func lines[T any](dir, name string, out *[]T) error {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	decoder := json.NewDecoder(bufio.NewReader(f))
	for {
		var v T
		if err := decoder.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		*out = append(*out, v)
	}
}
