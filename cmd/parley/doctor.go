package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"parley/bot"
	"parley/config"
	"parley/doctor"
	"parley/store"
	"parley/store/db"
	"parley/vault"
)

// errUnwell ends a command whose report has said everything already.
var errUnwell = errors.New("something does not work: see the lines that begin with FAIL")

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check every dependency and every channel, and say how to mend what is wrong",
		Long: "Check the database, Temporal, the secret key, every channel and the model, and say how to mend what is wrong. " +
			"Asks the model two short questions. Works on the installation that the environment names, else on the `parley up` " +
			"that runs on this machine. Ends with 1 when something does not work.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := operatorConfig()
			if err != nil {
				return err
			}
			findings, err := examine(cmd.Context(), cfg, func(f doctor.Finding) error {
				if asJSON {
					return nil
				}
				return doctor.Print(cmd.OutOrStdout(), f)
			})
			if err == nil && asJSON {
				err = doctor.PrintJSON(cmd.OutOrStdout(), findings)
			}
			if err != nil {
				return err
			}
			for _, f := range findings {
				if f.Status == doctor.Fail {
					return errUnwell
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

// examine checks the installation that cfg describes.
func examine(ctx context.Context, cfg config.Config, tell func(doctor.Finding) error) ([]doctor.Finding, error) {
	quiet := slog.New(slog.DiscardHandler)
	box, err := vault.New(cfg.SecretKey)
	if err != nil {
		return nil, err
	}
	in := doctor.Installation{
		EngineAt: cfg.TemporalAddress, Namespace: cfg.TemporalNamespace, SecretKey: cfg.SecretKey != nil,
		Open: func(c db.Channel) error { _, err := box.Account(c); return err },
	}
	if cfg.TemporalAddress != "" {
		if in.Engine, err = newEngine(cfg, quiet, nil); err != nil {
			return nil, err
		}
		defer in.Engine.Close()
	}
	if !cfg.Offline() {
		in.Model, err = bot.NewOpenAI(modelConfig(cfg, quiet))
		if err != nil {
			return nil, err
		}
		in.ModelAt = cmp.Or(cfg.OpenAIBaseURL, "https://api.openai.com/v1")
	}
	var findings []doctor.Finding
	err = withStore(ctx, cfg, func(s *store.Store) error {
		in.Pool, in.Schema, in.Channels, in.Alarms = s.Pool(), s, s.Channels, s.Alarms
		in.Check = newManager(cfg, s, box, quiet).Check
		var printing error
		doctor.Examine(ctx, in, func(f doctor.Finding) {
			findings = append(findings, f)
			printing = errors.Join(printing, tell(f))
		})
		return printing
	})
	return findings, err
}

// modelConfig says which model's server the configuration names.
func modelConfig(cfg config.Config, log *slog.Logger) bot.OpenAIConfig {
	return bot.OpenAIConfig{
		BaseURL: cfg.OpenAIBaseURL, Key: cfg.OpenAIAPIKey, Model: cfg.OpenAIModel,
		Timeout: cfg.ModelTimeout, Context: cfg.ModelContext, Log: log,
	}
}
