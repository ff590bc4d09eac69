package sim

import (
	"encoding/json"
	"strings"

	"nexus/pkg/store"
)

// may tells whether a publication may be in a pipe: somebody asked for a subscription that takes it.
func (h *history) may(k *call, p *pipe) bool {
	for _, s := range h.calls {
		if s.method == "topic.sub" && s.sub.pipe == p && s.sub.matches(k.topic) {
			return true
		}
	}
	return false
}

// must tells whether a publication must be in a pipe: it was acknowledged, and since before it was sent the pipe is subscribed to it, which nobody
// has asked to end.
func (h *history) must(k *call, p *pipe) bool {
	if k.got() != "result" || h.deadLetters[deadLetter{p.id, k.messages[0]}] {
		return false
	}
	for _, s := range h.calls {
		if s.method == "topic.sub" && s.sub.pipe == p && s.sub.matches(k.topic) && s.got() == "result" && s.posts[0].at.Before(k.at) && !h.ends(s) {
			return true
		}
	}
	return false
}

// ends tells whether somebody asked to end a subscription, when it may have been there.
func (h *history) ends(s *call) bool {
	for _, k := range h.calls {
		if k.method == "topic.unsub" && *k.sub == *s.sub && (len(k.posts) == 0 || k.posts[0].at.After(s.at) || k.inv == nil || k.inv.hurt) {
			return true
		}
	}
	return false
}

// checkPublisherOrder: what one publisher was told to have published before it sent another comes before it in each pipe.
func (h *history) checkPublisherOrder(p *pipe, t *readings, k *call) {
	n := k.messages[0]
	if !t.has(n) {
		return
	}
	for _, before := range h.calls[:k.n-1] {
		if before.topic == "" || before.client != k.client || before.got() != "result" || !before.posts[0].at.Before(k.at) {
			continue
		}
		if first := before.messages[0]; t.has(first) && t.counts[first] > t.counts[n] {
			h.failf("topics: message %d of %s comes before %d of %s, published before, in the pipe %s", n, k, first, before, p.id)
		}
	}
}

// checkUnsubscribed: of the pipes of a session no subscription is left. A nil client stands for all.
func (w *world) checkUnsubscribed(c *client) {
	const byTopic, byPipe = "s#", "q#" // pkg/topic's partitions
	for _, i := range w.scan(store.Topics) {
		part, row := i["part"].S, i["row"].S
		pipeid, found := strings.CutPrefix(part, byPipe)
		if _, topic := strings.CutPrefix(part, byTopic); topic {
			pipeid, found = row, true
		}
		if l := w.pipeTrace[pipeid]; found && (c == nil || l != nil && l.owner == c.connid) {
			w.failf("released: the subscription %s %s is still there", part, row)
		}
	}
}

// deadLetter is a message that could not be given to a pipe.
type deadLetter struct {
	pipeid  string
	message int
}

// buried notes what goes to the dead-letter queue of a fan-out that five attempts did not help.
func (w *world) buried(r *request) {
	for _, m := range wakes(r) {
		const gaveUp = "topic.append"
		if m.Kind != gaveUp || len(m.Key) == 0 {
			continue
		}
		var c content
		text := m.Cursor["message"]
		if body := m.Cursor["body"]; body != "" {
			i, err := w.read(store.Bodies, itemKey{body})
			if err != nil {
				w.failf("%s: %v", r, err)
			}
			text = i["out"].S
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			w.failf("%s: %v", r, err)
		}
		w.deadLetters[deadLetter{m.Key[0], c.number()}] = true
		w.logf("dead letter: message %d for the pipe %s", c.number(), m.Key[0])
	}
}
