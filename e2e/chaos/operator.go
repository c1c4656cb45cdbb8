package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"parley/e2e/chaos/journal"
)

// operator works in the inbox, through its API.
type operator struct {
	id     string // o001
	token  string
	admin  bool
	world  *world
	random *rand.Rand
	wrote  int
}

// Pauses of an operator between two deeds.
const (
	thinksLeast, thinksMost = 300 * time.Millisecond, 2500 * time.Millisecond
	replayEvery             = 20 * time.Second
)

// work serves dialogues until ctx ends.
func (o *operator) work(ctx context.Context) {
	replayed := time.Now()
	for o.think(ctx) {
		if o.admin && time.Since(replayed) > replayEvery {
			replayed = time.Now()
			o.insist(ctx, http.MethodPost, "/turns/replay", map[string]any{"filter": map[string]string{}}, nil)
		}
		id, waiting := o.choose(ctx)
		if id == "" {
			continue
		}
		switch n := o.random.IntN(20); {
		case waiting || n < 7:
			o.serve(ctx, id)
		case n < 10: // writes at once: that takes the dialogue over
			o.reply(ctx, id)
			if o.think(ctx) && o.random.IntN(3) > 0 {
				o.setMode(ctx, id, "bot")
			}
		case n < 13:
			o.setMode(ctx, id, "operator")
			o.setMode(ctx, id, "bot")
		case n < 15:
			o.setMode(ctx, id, "bot")
		case n < 16:
			o.close(ctx, id)
		case n < 18:
			o.insist(ctx, http.MethodPost, "/dialogues/"+id+"/suggestion", map[string]string{}, nil)
		default:
			o.insist(ctx, http.MethodPost, "/dialogues/"+id+"/notes", map[string]string{"client_id": fmt.Sprint(o.id, o.random.Uint64()), "text": "пометка"}, nil)
		}
	}
}

func (o *operator) think(ctx context.Context) bool {
	return pause(ctx, thinksLeast+time.Duration(o.random.Int64N(int64(thinksMost-thinksLeast))))
}

// choose takes a dialogue that waits, or else any of the newest.
func (o *operator) choose(ctx context.Context) (id string, waiting bool) {
	var list struct{ Dialogues []struct{ ID string } }
	path := "/dialogues?limit=50"
	if waiting = o.random.IntN(2) == 0; waiting {
		path += "&waiting=true"
	}
	if err := o.world.balancer.read(ctx, "/api/v1"+path, o.token, &list); err != nil || len(list.Dialogues) == 0 {
		return "", false
	}
	return list.Dialogues[o.random.IntN(len(list.Dialogues))].ID, waiting
}

// interrupt takes dialogues over at the moment at which the model begins to answer in them, and gives them back.
func (o *operator) interrupt(ctx context.Context) {
	for o.think(ctx) {
		var customer string
		select {
		case customer = <-o.world.model.answering:
		case <-ctx.Done():
			return
		}
		id, known := o.world.dialogueOf.Load(customer)
		if !known {
			continue
		}
		o.setMode(ctx, id.(string), "operator")
		if o.think(ctx) {
			o.setMode(ctx, id.(string), "bot")
		}
	}
}

// serve takes a dialogue over, answers, and mostly hands it back.
func (o *operator) serve(ctx context.Context, id string) {
	o.setMode(ctx, id, "operator")
	for range 1 + o.random.IntN(2) {
		if !o.think(ctx) {
			return
		}
		o.reply(ctx, id)
	}
	if o.think(ctx) && o.random.IntN(5) > 0 {
		o.setMode(ctx, id, "bot")
	}
}

// insist makes a call until the server answers it.
func (o *operator) insist(ctx context.Context, method, path string, body any, seen func(answer)) answer {
	a, ok := o.world.balancer.insist(ctx, method, "/api/v1"+path, headers(o.token), body, seen)
	if ok && !a.ok() && a.status != http.StatusConflict {
		o.world.wrong("%s %s: %s", method, path, a)
	}
	return a
}

func (o *operator) setMode(ctx context.Context, id, mode string) {
	o.insist(ctx, http.MethodPut, "/dialogues/"+id+"/mode", map[string]string{"mode": mode}, func(a answer) {
		m := journal.Mode{Dialogue: id, To: mode, Via: "mode", Operator: o.id, At: a.at, Returned: a.returned, Status: a.status}
		var out struct {
			InFlight []string `json:"in_flight"`
			Dialogue struct {
				LastSeq int64 `json:"last_seq"`
			}
		}
		if a.ok() && json.Unmarshal(a.body, &out) == nil {
			m.InFlight, m.LastSeq = out.InFlight, out.Dialogue.LastSeq
		}
		o.world.journal.Mode(m)
	})
}

func (o *operator) close(ctx context.Context, id string) {
	o.insist(ctx, http.MethodPut, "/dialogues/"+id+"/status", map[string]string{"status": "closed"}, func(a answer) {
		// The customer's next message gives it to the bot.
		o.world.journal.Mode(journal.Mode{Dialogue: id, To: "bot", Via: "close", Operator: o.id, At: a.at, Returned: a.returned, Status: a.status})
	})
}

func (o *operator) reply(ctx context.Context, id string) {
	o.wrote++
	token := fmt.Sprintf("%s-%04d", o.id, o.wrote)
	began := time.Now()
	o.world.owe(1)
	a := o.insist(ctx, http.MethodPost, "/dialogues/"+id+"/messages", map[string]string{"client_id": token, "text": token + ": здравствуйте, слушаю вас"}, func(a answer) {
		o.world.journal.Mode(journal.Mode{Dialogue: id, To: "operator", Via: "write", Operator: o.id, At: a.at, Returned: a.returned, Status: a.status})
	})
	if a.ok() {
		o.world.acknowledged(journal.Ack{Token: token, Author: "operator", At: began, Returned: a.returned, Copies: 1})
	} else {
		o.world.owe(-1)
	}
}
