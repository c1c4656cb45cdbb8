package main

import (
	"errors"
	"fmt"
	"io"
	"math"
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
	cmd.AddCommand(turnsListCommand(), turnsReplayCommand())
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
			"human: for those an admin gets a draft in the inbox.",
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

func replayAll(cmd *cobra.Command, s *store.Store, flags failureFlags) error {
	filter, err := flags.filter(cmd, s)
	if err != nil {
		return err
	}
	out, err := s.ReplayTurns(cmd.Context(), filter, nil, math.MaxInt)
	if err != nil {
		return fmt.Errorf("after %d were replayed: %w", out.Replayed, err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Replayed: %d. Left to the humans who have taken them on: %d.\n", out.Replayed, out.Skipped)
	return nil
}
