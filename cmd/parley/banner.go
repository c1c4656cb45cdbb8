package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"text/tabwriter"
	"time"

	"parley/config"
)

const (
	nearPorts    = 20
	readyTimeout = time.Minute
)

// banner is what a person needs to know when everything runs.
type banner struct {
	url             string
	email, password string
	created         bool // the admin was made by this start
	started         time.Duration
	demo            bool // there is a demo shop
}

func (b banner) print(out io.Writer, cfg config.Config) error {
	fmt.Fprintf(out, "\nParley is running (started in %s).\n\n", b.started.Round(100*time.Millisecond))
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "  Inbox\t%s/\n", b.url)
	if b.demo {
		fmt.Fprintf(table, "  Demo shop\t%s/demo\n", b.url)
	}
	if cfg.TemporalUIURL != "" {
		fmt.Fprintf(table, "  Temporal UI\t%s\n", cfg.TemporalUIURL)
	}
	fmt.Fprintf(table, "  Login\t%s\n", b.email)
	switch {
	case !b.created:
		fmt.Fprintf(table, "  Password\tunchanged; forgotten? parley user password %s\n", b.email)
	case cfg.AdminPassword != "":
		fmt.Fprintf(table, "  Password\tas set in PARLEY_ADMIN_PASSWORD\n")
	default:
		fmt.Fprintf(table, "  Password\t%s   (shown only this once)\n", b.password)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	bot := "model " + cfg.OpenAIModel
	if cfg.Offline() {
		bot = "offline responder; for a model set OPENAI_API_KEY or OPENAI_BASE_URL"
	}
	_, err := fmt.Fprintf(out, "\nBot: %s.\nData: %s. Ctrl-C stops everything.\n", bot, cfg.DataDir)
	return err
}

// listenNear listens on the address, or, if its port is taken, on the next free one.
func listenNear(ctx context.Context, address string, out io.Writer) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		return listener, nil
	}
	host, port, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, splitErr)
	}
	first, convErr := strconv.Atoi(port)
	if convErr != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, convErr)
	}
	for next := first + 1; next <= first+nearPorts; next++ {
		other := next
		if next == first+nearPorts || next > 65535 {
			other = 0 // any
		}
		listener, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(other)))
		if err == nil {
			fmt.Fprintf(out, "Port %d is taken, using %d.\n", first, listener.Addr().(*net.TCPAddr).Port)
			return listener, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("listen near %s: %w", address, err)
}

// baseURL is the address under which this machine reaches the listener.
func baseURL(listener net.Listener) string {
	address := listener.Addr().(*net.TCPAddr)
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(address.Port))
}

// awaitReady waits until the API says that everything behind it answers.
func awaitReady(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := probe(ctx, base+"/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until Parley is ready: %w", err)
		case <-ticker.C:
		}
	}
}

func probe(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
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
		return fmt.Errorf("%s answers %s", address, response.Status)
	}
	return nil
}
