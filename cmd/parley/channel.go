package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"parley/channel"
	"parley/channel/telegram"
	"parley/intake"
	"parley/store"
	"parley/store/db"
	"parley/vault"
)

func channelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "channel",
		Short: "List, add, check and switch channels; read what a webhook brought",
		Long: "List, add, check and switch channels; read what a webhook brought. Works on the database of DATABASE_URL, " +
			"else on the one of the `parley up` that runs on this machine.",
	}
	cmd.AddCommand(channelListCommand(), channelAddCommand(), channelCheckCommand(), channelTokenCommand(),
		channelSwitchCommand("enable", true), channelSwitchCommand("disable", false), channelParseCommand())
	return cmd
}

func channelListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List channels, and what is wrong with them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onRecord(cmd, func(s *store.Store) error {
				list, err := s.Channels(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, c := range list {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Slug, c.Kind, c.Name, channelState(c))
				}
				return w.Flush()
			})
		},
	}
}

func channelState(c db.Channel) string {
	switch {
	case c.DisabledAt != nil:
		return "off"
	case c.Problem != nil:
		return "problem: " + *c.Problem
	}
	return "on"
}

func channelAddCommand() *cobra.Command {
	var in intake.NewChannel
	var settings telegram.Settings
	var origins []string
	var webhook bool
	cmd := &cobra.Command{
		Use:   "add telegram|widget SLUG",
		Short: "Add a channel; a Telegram bot's token is read from standard input",
		Long: "Add a channel. The token of a Telegram bot, as @BotFather gave it, is read from standard input, so that it stands " +
			"in no shell history:\n\n  parley channel add telegram shop-bot --name \"Shop\" < token.txt",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Kind, in.Slug = args[0], args[1]
			if in.Name == "" {
				in.Name = in.Slug
			}
			var raw any
			switch in.Kind {
			case channel.Telegram:
				if webhook {
					settings.Mode = telegram.ModeWebhook
				}
				token, err := readSecret(cmd, "Token of the bot, as @BotFather gave it: ")
				if err != nil {
					return err
				}
				raw, in.Secrets = settings, map[string]string{telegram.SecretToken: token}
			case channel.Widget:
				raw = map[string]any{"allowed_origins": origins}
			}
			var err error
			if in.Settings, err = json.Marshal(raw); err != nil {
				return fmt.Errorf("encode the settings: %w", err)
			}
			return onChannels(cmd, func(m *intake.Manager) error {
				c, err := m.Add(cmd.Context(), in)
				if err != nil {
					return err
				}
				printChannel(cmd.OutOrStdout(), "Added", c)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&in.Name, "name", "", "name that operators see (default: the slug)")
	cmd.Flags().BoolVar(&webhook, "webhook", false, "have Telegram call PARLEY_PUBLIC_URL instead of asking it for messages")
	cmd.Flags().StringVar(&settings.APIBaseURL, "api-base-url", "", "a Bot API server of one's own")
	cmd.Flags().StringSliceVar(&origins, "origin", nil, "of a widget: sites that may embed it, such as https://shop.example; none: all")
	return cmd
}

// printChannel says what became of a channel.
func printChannel(out io.Writer, what string, c db.Channel) {
	settings, err := telegram.SettingsOf(channel.Account{Settings: c.Settings})
	if c.Kind != channel.Telegram || err != nil {
		fmt.Fprintf(out, "%s %s (%s).\n", what, c.Slug, c.Kind)
		return
	}
	fmt.Fprintf(out, "%s %s: Telegram bot @%s, by %s.\n", what, c.Slug, settings.Username, settings.Mode)
}

// readSecret reads one line; it asks for it when somebody sits there.
func readSecret(cmd *cobra.Command, prompt string) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprint(cmd.ErrOrStderr(), prompt)
		}
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(line), nil
}

func channelCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check SLUG",
		Short: "Ask the provider whether a channel works",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onChannels(cmd, func(m *intake.Manager) error {
				c, err := m.Store.Channel(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := m.Check(cmd.Context(), c); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s works.\n", c.Slug)
				return nil
			})
		},
	}
}

func channelTokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token SLUG",
		Short: "Give a Telegram channel another token, read from standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			token, err := readSecret(cmd, "New token of the bot: ")
			if err != nil {
				return err
			}
			return changeChannel(cmd, args[0], intake.Change{Secrets: map[string]string{telegram.SecretToken: token}})
		},
	}
}

func channelSwitchCommand(name string, enabled bool) *cobra.Command {
	short := "Switch a channel on again"
	if !enabled {
		short = "Switch a channel off: it takes and sends nothing; what is there stays"
	}
	return &cobra.Command{
		Use:   name + " SLUG",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeChannel(cmd, args[0], intake.Change{Enabled: &enabled})
		},
	}
}

// changeChannel changes a channel, and says what became of it.
func changeChannel(cmd *cobra.Command, slug string, change intake.Change) error {
	return onChannels(cmd, func(m *intake.Manager) error {
		c, err := m.Change(cmd.Context(), slug, change)
		if err != nil {
			return err
		}
		printChannel(cmd.OutOrStdout(), "Changed", c)
		return nil
	})
}

// onChannels runs f with what manages the channels of an installation.
func onChannels(cmd *cobra.Command, f func(m *intake.Manager) error) error {
	cfg, err := operatorConfig()
	if err != nil {
		return err
	}
	v, err := vault.New(cfg.SecretKey)
	if err != nil {
		return err
	}
	return withStore(cmd.Context(), cfg, func(s *store.Store) error { return f(newManager(cfg, s, v, roleLogger(cfg))) })
}

func channelParseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "parse KIND FILE.json",
		Short: "Print as JSON what a webhook's body would store and do, without a database",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[1])
			if err != nil {
				return fmt.Errorf("read the body: %w", err)
			}
			if args[0] != channel.Telegram {
				return fmt.Errorf("kind %q has no webhooks: telegram has", args[0])
			}
			read, err := intake.ReadTelegram(body)
			if err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(read)
		},
	}
}
