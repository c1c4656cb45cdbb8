package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// startUI serves the Temporal UI and waits until it answers.
func startUI(ctx context.Context, p ports) (stop func(), err error) {
	ui := server.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: p.frontendAddress(),
		Host:                loopback,
		Port:                p.ui,
		EnableUI:            true,
		DefaultNamespace:    "default",
		DisableNewsFetch:    true,
		HideLogs:            true,
		// The UI is plain HTTP on loopback, where a browser drops a cookie that is only for HTTPS.
		CORS: uiconfig.CORS{CookieInsecure: true},
	}))
	go func() { _ = ui.Start() }()

	health := p.uiURL() + "/healthz"
	if err := poll(ctx, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, health, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}); err != nil {
		ui.Stop()
		return nil, fmt.Errorf("wait for the Temporal UI: %w", err)
	}
	return ui.Stop, nil
}

// poll calls try until it succeeds or the context ends; the error is the last one of try.
func poll(ctx context.Context, try func() error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
