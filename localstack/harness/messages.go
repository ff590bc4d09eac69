package harness

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nexus/pkg/timer"
)

// Message is a message of the delay queue.
type Message struct {
	Due  time.Time
	Body string
}

// sent is a SendMessage, or an entry of a SendMessageBatch.
type sent struct {
	MessageBody  string
	DelaySeconds int64
}

// keep notes the messages that a request has sent.
func (w *wire) keep(operation string, body []byte) {
	if operation != "SendMessage" && operation != "SendMessageBatch" {
		return
	}
	var in struct {
		sent
		Entries []sent
	}
	if json.Unmarshal(body, &in) != nil {
		return // the service has refused it
	}
	if operation == "SendMessage" {
		in.Entries = []sent{in.sent}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range in.Entries {
		w.messages = append(w.messages, Message{w.now().Add(time.Duration(m.DelaySeconds) * time.Second), m.MessageBody})
	}
	slices.SortStableFunc(w.messages, func(a, b Message) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Body, b.Body)) })
}

// Messages returns what is in the delay queue, the next to come first.
func (h *Harness) Messages() []Message {
	h.wire.mu.Lock()
	defer h.wire.mu.Unlock()
	return slices.Clone(h.wire.messages)
}

// Timers is what is in the delay queue in words: when it comes, in time since Start, its kind, and its key.
func (h *Harness) Timers() []string {
	h.t.Helper()
	var list []string
	for _, m := range h.Messages() {
		w, err := timer.Parse(m.Body)
		h.Try(err)
		list = append(list, fmt.Sprintf("%s %s %s", m.Due.Sub(Start()), w.Kind, strings.Join(w.Key, " ")))
	}
	return list
}

// Due takes out of the delay queue what is due.
func (h *Harness) Due() []Message {
	h.wire.mu.Lock()
	defer h.wire.mu.Unlock()
	n := 0
	for n < len(h.wire.messages) && !h.wire.messages[n].Due.After(h.clock.Now()) {
		n++
	}
	due := h.wire.messages[:n:n]
	h.wire.messages = h.wire.messages[n:]
	return due
}

// Discard loses all messages of the delay queue.
func (h *Harness) Discard() {
	h.wire.mu.Lock()
	defer h.wire.mu.Unlock()
	h.wire.messages = nil
}
