package harness

import (
	"cmp"
	"context"
	"time"

	"nexus/pkg/handler"
	"nexus/pkg/timer"
)

// Attempts is how often the SDK tries a request.
const Attempts = handler.Attempts

// Context is that of the next handler: the test's, or, once, that of one which is to die.
func (h *Harness) Context() context.Context {
	h.mu.Lock()
	defer h.mu.Unlock()
	ctx := cmp.Or(h.dying, h.t.Context())
	h.dying = nil
	return ctx
}

// DiesAfter carries out a call whose handler, which takes its Context, dies when a request of a kind has taken effect: nothing that it does then
// happens.
func (h *Harness) DiesAfter(kind Kind, run func() string) {
	h.t.Helper()
	h.dies(kind.Then, run)
}

// DiesBefore is DiesAfter, without the effect.
func (h *Harness) DiesBefore(kind Kind, run func() string) {
	h.t.Helper()
	h.dies(kind.Run, run)
}

func (h *Harness) dies(when func(func()), run func() string) {
	h.t.Helper()
	dying, cancel := context.WithCancel(h.t.Context())
	h.mu.Lock()
	h.dying = dying
	h.mu.Unlock()
	when(cancel)
	run()
}

// Pass lets time pass, and each message of the delay queue come when it is due.
func (h *Harness) Pass(d time.Duration) {
	h.t.Helper()
	end := h.Now().Add(d)
	for {
		list := h.Messages()
		if len(list) == 0 || list[0].Due.After(end) {
			break
		}
		h.Advance(max(list[0].Due.Sub(h.Now()), 0))
		for _, m := range h.Due() {
			w, err := timer.Parse(m.Body)
			h.Try(err)
			h.Try(h.Bus.Woken(h.Context(), w))
		}
	}
	h.Advance(end.Sub(h.Now()))
}
