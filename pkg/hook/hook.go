package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Topics is what hooks ask of topics.
type Topics interface {
	// Heard reports whether anybody may be subscribed who takes an event of some parts. It is asked for each event, and reads seldom.
	Heard(ctx context.Context, parts []string) (bool, error)
	// Publish publishes a message on a topic, whose parts go to Patterns. Those of one publisher, each awaited, keep their order.
	Publish(ctx context.Context, publisher, topic string, parts []string, msg json.RawMessage) error
}

// Hooks publishes events. It is safe for concurrent use.
type Hooks struct {
	Topics Topics
	Log    *slog.Logger
}

const (
	// most is how many events of one handler are published: the end of a session may drop thousands of tasks.
	most = 1000
	// patience is how long publishing may take that a handler's end waits for, and spare what it leaves of the handler's time.
	patience = 2 * time.Second
	spare    = 500 * time.Millisecond
)

// outbox is the events of one handler.
type outbox struct {
	mu      sync.Mutex
	events  []event
	dropped int
}

type event struct {
	parts     []string
	publisher string
	msg       func() json.RawMessage
}

type outboxKey struct{}

// Collect returns a context in which events are noted, and what publishes them: to be called once, when everything else is done. It returns no error,
// since nothing may depend on it. What is noted in no such context is not published.
func (h *Hooks) Collect(ctx context.Context) (with context.Context, publish func()) {
	box := &outbox{}
	return context.WithValue(ctx, outboxKey{}, box), func() { h.publish(ctx, box) }
}

// Kind notes events of one kind.
type Kind string

// Happened notes an event: what happened to what path names, by a user. It is published later, if anybody is subscribed, and only then msg is called.
// Events of one id keep their order.
func (k Kind) Happened(ctx context.Context, path, user, id string, msg func() json.RawMessage) {
	box, ok := ctx.Value(outboxKey{}).(*outbox)
	if !ok {
		return
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if len(box.events) == most {
		box.dropped++
		return
	}
	box.events = append(box.events, event{[]string{string(k), path, user}, string(k) + " " + id, msg})
}

// publish publishes what was noted. Whatever fails is logged, and no more.
func (h *Hooks) publish(ctx context.Context, box *outbox) {
	box.mu.Lock()
	events, dropped := box.events, box.dropped
	box.mu.Unlock()
	if len(events) == 0 {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("hooks", "error", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	end, limited := ctx.Deadline()
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if limited {
		ctx, stop = context.WithDeadline(ctx, end.Add(-spare))
		defer stop()
	}
	if dropped > 0 {
		h.Log.Debug("hooks: too many events at a time", "dropped", dropped)
	}
	for n, e := range events {
		if ctx.Err() != nil {
			h.Log.Debug("hooks: no time", "dropped", len(events)-n)
			return
		}
		heard, err := h.Topics.Heard(ctx, e.parts)
		if err != nil {
			h.Log.Debug("hooks: ask for subscriptions", "events", len(events)-n, "error", err)
			return
		}
		if !heard {
			continue
		}
		if err := h.Topics.Publish(ctx, e.publisher, topic(e.parts), e.parts, fit(e.msg())); err != nil {
			h.Log.Debug("hooks: publish", "topic", topic(e.parts), "error", err)
		}
	}
}
