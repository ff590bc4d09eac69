package session_test

import (
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
)

// A session is there before its connection: API Gateway opens that once $connect has answered, and until then says that it is gone.
func TestSweepLeavesAConnectionTimeToOpen(t *testing.T) {
	b := newBench(t)
	open := b.Connect().Connid
	if err := b.sessions.Connect(b.ctx, "opening=", harness.IP, "wss"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		live  bool
	}{{0, true}, {29 * time.Second, true}, {time.Second, false}} {
		b.Advance(step.after)
		if err := b.sessions.Sweep(b.ctx, nil); err != nil {
			t.Fatal(err)
		}
		is := b.table()
		if strings.Contains(is, nobody("opening=")) != step.live || !strings.Contains(is, nobody(open)) {
			t.Errorf("after %v more:\n%s", step.after, is)
		}
	}
}
