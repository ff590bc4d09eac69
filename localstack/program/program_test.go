package program_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nexus/localstack/program"
	"nexus/pkg/client"
)

func TestBuiltStartedAndStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the local stack")
	}
	p, err := program.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Remove)
	s, err := p.Start(t.Context(), []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	c, err := client.Dial(t.Context(), s.URL+"/v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Login(t.Context(), "root", "root"); err != nil {
		t.Error(err)
	}
	if printed := string(s.Stop()); !strings.Contains(printed, s.URL) {
		t.Errorf("it printed %q", printed)
	}
	if all, _ := p.Used(); all == 0 {
		t.Error("no processor time was used")
	}
}

func TestNotStarted(t *testing.T) {
	if _, err := program.Built("/nowhere/localstack").Start(t.Context(), nil); err == nil {
		t.Error("a program that is not there started")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := program.Build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was called off: %v", err)
	}
}
