package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"parley/dialogue"
	"parley/store/db"
)

// Bell is what waits in the outbox for one dialogue's workflow: what rang, and
// the counters of the row at that time. Counters only grow, so whoever hears
// bells late, twice or out of order keeps the largest. What waits to leave is
// said too, for a run that began without knowing it.
type Bell struct {
	DialogueID  uuid.UUID
	Version     int64 // of the outbox row
	Rings       []dialogue.Ring
	Epoch       int64
	Mode        dialogue.Mode
	CustomerSeq int64
	AnsweredSeq int64
	ToSend      bool // messages waited to leave; not more than a hint

	DialogueVersion int64     // of the dialogue's row
	Due             time.Time // when its next timer is due; zero when none runs

	ChannelKind string
	ChannelSlug string
	Customer    string // how developers may call the customer: the name, or the visitor's number
}

// relayGrace is how long the relay leaves a fresh bell to the fast path of the
// process that committed it.
const relayGrace = time.Second

// ring leaves word for the workflow of a dialogue.
func (s *Store) ring(ctx context.Context, tx pgx.Tx, r row, ring dialogue.Ring) (*Bell, error) {
	left, err := s.q.Ring(ctx, tx, db.RingParams{
		DialogueID: r.ID, Ring: string(ring), Epoch: r.Epoch, Mode: r.Mode, CustomerSeq: r.CustomerSeq, AnsweredSeq: r.AnsweredSeq, Grace: relayGrace,
	})
	if err != nil {
		return nil, fmt.Errorf("ring at dialogue %s: %w", r.ID, err)
	}
	return &Bell{
		DialogueID: r.ID, Version: left.Version, Rings: rings(left.Rings), Epoch: r.Epoch, Mode: r.Mode,
		CustomerSeq: r.CustomerSeq, AnsweredSeq: r.AnsweredSeq, ToSend: left.ToSend,
		DialogueVersion: r.Version, Due: dueOf(r.TimerAt),
		ChannelKind: r.channelKind, ChannelSlug: r.channelSlug, Customer: customerLabel(r.contactName, r.contactNumber),
	}, nil
}

// TakeBells leases up to n bells that are due, oldest first. A bell that is not
// forgotten within the lease becomes due again.
func (s *Store) TakeBells(ctx context.Context, n int, lease time.Duration) ([]Bell, error) {
	rows, err := s.q.TakeDueRings(ctx, s.pool, db.TakeDueRingsParams{Lease: lease, Page: int32(n)})
	if err != nil {
		return nil, fmt.Errorf("take bells: %w", err)
	}
	bells := make([]Bell, len(rows))
	for i, r := range rows {
		o := r.Outbox
		bells[i] = Bell{
			DialogueID: o.DialogueID, Version: o.Version, Rings: rings(o.Rings), Epoch: o.Epoch, Mode: o.Mode,
			CustomerSeq: o.CustomerSeq, AnsweredSeq: o.AnsweredSeq, ToSend: o.ToSend,
			DialogueVersion: r.DialogueVersion, Due: dueOf(r.TimerAt),
			ChannelKind: r.ChannelKind, ChannelSlug: r.ChannelSlug, Customer: customerLabel(r.ContactName, r.ContactNumber),
		}
	}
	return bells, nil
}

// ForgetBells removes bells that the engine has heard, unless something rang since.
func (s *Store) ForgetBells(ctx context.Context, bells []Bell) error {
	ids, versions := make([]uuid.UUID, len(bells)), make([]int64, len(bells))
	for i, b := range bells {
		ids[i], versions[i] = b.DialogueID, b.Version
	}
	if err := s.q.DeleteRings(ctx, s.pool, db.DeleteRingsParams{DialogueIds: ids, Versions: versions}); err != nil {
		return fmt.Errorf("forget %d bells: %w", len(bells), err)
	}
	return nil
}

// dueOf is when a timer is due; zero when none runs.
func dueOf(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.UTC()
}

func rings(names []string) []dialogue.Ring {
	out := make([]dialogue.Ring, len(names))
	for i, n := range names {
		out[i] = dialogue.Ring(n)
	}
	return out
}

func customerLabel(name *string, number int64) string {
	if name != nil {
		return *name
	}
	return fmt.Sprintf("visitor %d", number)
}
