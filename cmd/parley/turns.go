package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/bot"
	"parley/dialogue"
	"parley/store"
)

// turnsShown is how many failed answers are listed unless another number is asked for.
const turnsShown = 50

func turnsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "turns",
		Short: "List answers of the bot that failed, and replay them",
		Long: "List answers of the bot that failed, and replay them. Works on the database of DATABASE_URL, " +
			"else on the one of the `parley up` that runs on this machine.",
	}
	cmd.AddCommand(turnsListCommand(), turnsReplayCommand(), turnsStopCommand())
	return cmd
}

// failureFlags choose failed turns.
type failureFlags struct{ cause, channel string }

func (f *failureFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cause, "cause", "", "only those of this cause, for example bad_key or unavailable")
	cmd.Flags().StringVar(&f.channel, "channel", "", "only those of this channel (id or slug)")
}

func (f *failureFlags) filter(cmd *cobra.Command, s *store.Store) (store.TurnFilter, error) {
	if f.cause != "" && !slices.Contains(bot.Causes(), f.cause) {
		return store.TurnFilter{}, fmt.Errorf("there is no cause %q: it is one of %s", f.cause, strings.Join(bot.Causes(), ", "))
	}
	out := store.TurnFilter{Kind: store.TurnReply, State: store.TurnFailed, Cause: f.cause}
	if f.channel == "" {
		return out, nil
	}
	c, err := s.Channel(cmd.Context(), f.channel)
	out.Channel = uuid.NullUUID{UUID: c.ID, Valid: true}
	return out, err
}

func turnsListCommand() *cobra.Command {
	var flags failureFlags
	var all bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List failed answers whose customers still wait, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				filter, err := flags.filter(cmd, s)
				if err != nil {
					return err
				}
				filter.Open = !all
				list, err := s.Turns(cmd.Context(), filter, nil, limit)
				if err != nil {
					return err
				}
				return printFailures(cmd.OutOrStdout(), list)
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also those that were replayed or answered since")
	cmd.Flags().IntVar(&limit, "limit", turnsShown, "how many at most")
	return cmd
}

func printFailures(out io.Writer, list []store.ListedTurn) error {
	if len(list) == 0 {
		fmt.Fprintln(out, "No failed answers.")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TURN\tFAILED AT\tCAUSE\tCHANNEL\tSTATE\tQUESTION")
	for _, f := range list {
		state := "answered since"
		switch {
		case f.Open:
			state = "waits"
		case f.Replay != nil:
			state = "replayed: " + string(f.Replay.Outcome)
		}
		cause := bot.CauseInternal
		if f.Turn.Cause != nil {
			cause = *f.Turn.Cause
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Turn.ID, f.Turn.FinishedAt.Local().Format(time.DateTime), cause,
			f.Dialogue.Channel.Slug, state, dialogue.Preview(f.Question))
	}
	return w.Flush()
}

func turnsReplayCommand() *cobra.Command {
	var flags failureFlags
	var all bool
	var turn uuid.UUID
	cmd := &cobra.Command{
		Use:   "replay {TURN | --all}",
		Short: "Give failed answers back to the bot, which answers them",
		Long: "Give failed answers back to the bot, which answers them. Dialogues that a human has taken on since stay with the " +
			"human: for those an admin gets a draft in the inbox. With --all the workers do it, a few a second, and go on when this " +
			"command is interrupted.",
		Args: func(_ *cobra.Command, args []string) (err error) {
			if len(args) > 1 || all == (len(args) == 1) {
				return errors.New("name one failed answer, or say --all")
			}
			if !all {
				if turn, err = uuid.Parse(args[0]); err != nil {
					return fmt.Errorf("%q is not the id of a failed answer: `parley turns list` shows them", args[0])
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				if all {
					return replayAll(cmd, s, flags)
				}
				return replayOne(cmd, s, turn)
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all whose customers still wait, of --cause and --channel")
	return cmd
}

func replayOne(cmd *cobra.Command, s *store.Store, turn uuid.UUID) error {
	d, err := s.ReplayTurn(cmd.Context(), turn, nil)
	if errors.Is(err, store.ErrHumansSince) {
		return errors.New("a human has taken the dialogue on since: an admin gets a draft for it in the inbox")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The bot has dialogue %s again.\n", d.ID)
	return nil
}

const (
	// lookEvery is how often a command looks how far a replay is, and tellEvery how often it says so.
	lookEvery = 500 * time.Millisecond
	tellEvery = 2 * time.Second
	// idleFor is how long nothing has happened before a command says what that may be for.
	idleFor = 10 * time.Second
)

// replayAll begins a replay and looks on until it ends. Interrupted, it leaves it to
// the workers.
func replayAll(cmd *cobra.Command, s *store.Store, flags failureFlags) error {
	failures, err := flags.filter(cmd, s)
	if err != nil {
		return err
	}
	var filter store.ReplayFilter
	if failures.Cause != "" {
		filter.Cause = &failures.Cause
	}
	if failures.Channel.Valid {
		filter.Channel = &failures.Channel.UUID
	}
	b, err := s.StartReplay(cmd.Context(), filter)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Replay %s of %d failed answers. Ctrl-C leaves it running.\n", b.ID, b.Total)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	told, toldAt, movedAt, hinted := b.Replayed+b.Skipped, time.Now(), time.Now(), false
	for b.State == store.ReplayRunning {
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			fmt.Fprintf(out, "The replay goes on. To stop it: parley turns stop %s\n", b.ID)
			return nil
		}
		now, err := s.Replay(cmd.Context(), b.ID)
		if cmd.Context().Err() != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("the replay goes on, but cannot be looked at: %w", err)
		}
		if now.Replayed+now.Skipped > b.Replayed+b.Skipped {
			movedAt = time.Now()
		}
		b = now
		if moved := b.Replayed + b.Skipped; moved > told && time.Since(toldAt) > tellEvery {
			fmt.Fprintf(out, "Replayed: %d of %d. Left to humans: %d.\n", b.Replayed, b.Total, b.Skipped)
			told, toldAt = moved, time.Now()
		}
		if !hinted && time.Since(movedAt) > idleFor {
			fmt.Fprintln(out, "It waits: for a worker and Temporal, for the answers to what is replayed already, or for an earlier replay.")
			hinted = true
		}
	}
	return printReplay(out, b)
}

// printReplay says what came of a replay that has ended.
func printReplay(out io.Writer, b store.ReplayBatch) error {
	fmt.Fprintf(out, "Replayed: %d. Left to the humans who have taken them on: %d.\n", b.Replayed, b.Skipped)
	switch {
	case b.State == store.ReplayStopped:
		fmt.Fprintln(out, "It was stopped: the others still wait.")
	case b.Error != nil:
		return fmt.Errorf("the replay could not go on: %s", *b.Error)
	}
	return nil
}

func turnsStopCommand() *cobra.Command {
	var id uuid.UUID
	return &cobra.Command{
		Use:   "stop REPLAY",
		Short: "Stop a replay of many failed answers; what the bot has been given back is answered",
		Args: func(_ *cobra.Command, args []string) (err error) {
			if len(args) != 1 {
				return errors.New("name the replay: `parley turns replay --all` and the API say its id")
			}
			if id, err = uuid.Parse(args[0]); err != nil {
				return fmt.Errorf("%q is not the id of a replay: `parley turns replay --all` and the API say it", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				b, err := s.StopReplay(cmd.Context(), id)
				if err != nil {
					return err
				}
				if b.State != store.ReplayStopped {
					fmt.Fprintln(cmd.OutOrStdout(), "It had ended already.")
				}
				return printReplay(cmd.OutOrStdout(), b)
			})
		},
	}
}
