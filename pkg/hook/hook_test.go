package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/pkg/hook"
)

// topics notes what is published.
type topics struct {
	deaf      bool
	unheard   []string // paths
	err       error    // of both
	takes     time.Duration
	asked     int
	published []string // "publisher topic: message"
}

func (n *topics) Heard(_ context.Context, parts []string) (bool, error) {
	if n.asked++; len(parts) != 3 {
		return false, fmt.Errorf("asked for %q", parts)
	}
	return !n.deaf && !slices.Contains(n.unheard, parts[1]), n.err
}

func (n *topics) Publish(ctx context.Context, publisher, topic string, parts []string, msg json.RawMessage) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(n.takes):
	}
	n.published = append(n.published, fmt.Sprintf("%s %s %d: %s", publisher, topic, len(parts), msg))
	return n.err
}

func hooks(t *testing.T, n *topics) *hook.Hooks {
	return &hook.Hooks{Topics: n, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func says(text string) func() json.RawMessage {
	return func() json.RawMessage { return json.RawMessage(text) }
}

// What is noted is published in its order, at the end.
func TestCollect(t *testing.T) {
	n := &topics{unheard: []string{"quiet"}}
	ctx, publish := hooks(t, n).Collect(t.Context())
	hook.Kind(hook.Task).Happened(ctx, "a.b", "u", "1-a.", says(`{"n":1}`))
	hook.Kind(hook.Task).Happened(ctx, "quiet", "u", "2-.", func() json.RawMessage { t.Error("composed"); return nil })
	hook.Kind(hook.User).Happened(ctx, "x|y", `u\`, "x|y", says(`{"n":2}`))
	if n.asked > 0 {
		t.Error("asked before the end")
	}
	publish()
	if want := []string{`task 1-a. hook.task|a.b|u 3: {"n":1}`, `user x|y hook.user|x\|y|u\\ 3: {"n":2}`}; !slices.Equal(n.published, want) || n.asked != 3 {
		t.Errorf("published %q, want %q; asked %d times", n.published, want, n.asked)
	}
}

func TestNothingIsPublished(t *testing.T) {
	composes := func() json.RawMessage { t.Error("composed"); return nil }
	for name, n := range map[string]*topics{"nobody hears": {deaf: true}, "nobody can tell": {err: errors.New("no table")}} {
		ctx, publish := hooks(t, n).Collect(t.Context())
		hook.Kind(hook.Task).Happened(ctx, "a", "u", "1", composes)
		publish()
		if len(n.published) > 0 || n.asked != 1 {
			t.Errorf("%s: published %q, asked %d times", name, n.published, n.asked)
		}
	}
	n := &topics{}
	_, publish := hooks(t, n).Collect(t.Context())
	publish()
	hook.Kind(hook.Task).Happened(t.Context(), "a", "u", "1", composes) // where nobody collects
	if n.asked > 0 {
		t.Error("asked without events")
	}
}

// A panic, or an error, is nobody's.
func TestPublishPanics(t *testing.T) {
	n := &topics{}
	ctx, publish := hooks(t, n).Collect(t.Context())
	hook.Kind(hook.Task).Happened(ctx, "a", "u", "1", says(`{}`))
	hook.Kind(hook.Task).Happened(ctx, "b", "u", "1", func() json.RawMessage { panic("no message") })
	publish()
	if len(n.published) != 1 {
		t.Errorf("published %q", n.published)
	}
}

func TestManyEvents(t *testing.T) {
	n := &topics{}
	ctx, publish := hooks(t, n).Collect(t.Context())
	for range hook.Most + 10 {
		hook.Kind(hook.Task).Happened(ctx, "a", "u", "1", says(`{}`))
	}
	publish()
	if len(n.published) != hook.Most {
		t.Errorf("published %d", len(n.published))
	}
}

// Publishing takes 2 s at most, and ends half a second before the handler must.
func TestPatience(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		0: 2 * time.Second, 10 * time.Second: 2 * time.Second, 1500 * time.Millisecond: time.Second, time.Millisecond: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			n := &topics{takes: 300 * time.Millisecond}
			ctx, stop := context.WithCancel(t.Context())
			if left > 0 {
				ctx, stop = context.WithTimeout(t.Context(), left)
			}
			defer stop()
			ctx, publish := hooks(t, n).Collect(ctx)
			for range 10 {
				hook.Kind(hook.Task).Happened(ctx, "a", "u", "1", says(`{}`))
			}
			began := time.Now()
			publish()
			if took := time.Since(began); took != want || len(n.published) != int(want/n.takes) {
				t.Errorf("%s left: took %s, published %d", left, took, len(n.published))
			}
		})
	}
}

// Of a message that is too long the longest members are null, and the others keep their bytes.
func TestTooLong(t *testing.T) {
	long := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for _, c := range []struct{ name, msg, want string }{
		{"fits", `{"a":` + long(hook.Longest-6) + `}`, `{"a":` + long(hook.Longest-6) + `}`},
		{"a byte over", `{"b":[ 1.50 ],"a":` + long(hook.Longest-18) + `}`, `{"b":[ 1.50 ],"a":null}`},
		{"one of two", `{"a":` + long(70<<10) + `,"b":` + long(60<<10) + `}`, `{"a":null,"b":` + long(60<<10) + `}`},
		{"both", `{"a":` + long(130<<10) + `,"b":` + long(121<<10) + `,"c":{"d":1}}`, `{"a":null,"b":null,"c":{"d":1}}`},
		{"a name", `{` + long(130<<10) + `:1}`, `{` + long(130<<10) + `:null}`},
		{"no object", long(130 << 10), long(130 << 10)},
	} {
		n := &topics{}
		ctx, publish := hooks(t, n).Collect(t.Context())
		hook.Kind(hook.Task).Happened(ctx, "a", "u", "1", says(c.msg))
		publish()
		if want := "task 1 hook.task|a|u 3: " + c.want; len(n.published) != 1 || n.published[0] != want {
			t.Errorf("%s: published %.100q, want %.100q", c.name, n.published, want)
		}
	}
}
