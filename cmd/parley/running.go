package main

import (
	"errors"
	"fmt"
	"os"

	"parley/config"
	"parley/local"
)

// operatorConfig is the configuration of a command that works on an installation: the one that the environment names,
// else the one that `parley up` runs on this machine.
func operatorConfig() (config.Config, error) {
	cfg, err := config.Load(os.Environ())
	if err != nil || cfg.DatabaseURL != "" {
		return cfg, err
	}
	if cfg.DataDir == "" {
		if cfg.DataDir, err = local.DefaultDataDir(); err != nil {
			return config.Config{}, err
		}
	}
	state, err := local.RunningState(cfg.DataDir)
	if errors.Is(err, local.ErrNotRunning) {
		return config.Config{}, fmt.Errorf("no Parley runs on %s: start `parley up`, or set DATABASE_URL", cfg.DataDir)
	}
	if err != nil {
		return config.Config{}, err
	}
	cfg.DatabaseURL = state.DatabaseURL
	if cfg.TemporalAddress == "" {
		cfg.TemporalAddress, cfg.TemporalNamespace, cfg.TemporalUIURL = state.TemporalAddress, state.TemporalNamespace, state.TemporalUIURL
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = state.PublicURL
	}
	if cfg.SecretKey == nil {
		cfg.SecretKey, err = local.ReadSecretKey(cfg.DataDir)
	}
	return cfg, err
}
