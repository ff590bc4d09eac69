package sim

import (
	"encoding/json"
	"strings"

	"nexus/pkg/store"
)

// What a publication reaches is decided by when API Gateway took the calls, in milliseconds.

// taken is when API Gateway took a call.
func (k *call) taken() int64 { return k.at.UnixMilli() }

// awaited tells whether a call was sent when the client of another had its good answer.
func (k *call) awaited(before *call) bool {
	return before.got() == "result" && before.posts[0].at.Before(k.at)
}

// may tells whether a publication may be in a pipe: somebody asked for a subscription that takes it, not later, and it was not surely ended before.
func (h *history) may(k *call, p *pipe) bool {
	for _, s := range h.calls {
		if s.method == "topic.sub" && s.sub.pipe == p && s.sub.matches(k.topic) && s.taken() <= k.taken() && !h.over(s, k) {
			return true
		}
	}
	return false
}

// over tells whether a subscription that was asked for had surely ended when a publication was sent.
func (h *history) over(s, k *call) bool {
	over := false
	for _, e := range h.calls {
		if e.method != "topic.unsub" || *e.sub != *s.sub {
			continue
		}
		if e.taken() == k.taken() {
			return false // too close to be ordered
		}
		over = over || e.taken() < k.taken() && k.awaited(e) && e.awaited(s)
	}
	return over
}

// must tells whether a publication must be in a pipe: it was acknowledged, and no dead letter.
func (h *history) must(k *call, p *pipe) bool {
	if k.said() != "result" || h.deadLetters[deadLetter{p.id, k.messages[0]}] {
		return false
	}
	for _, s := range h.calls {
		if s.method == "topic.sub" && s.sub.pipe == p && s.sub.matches(k.topic) && h.there(s, k) {
			return true
		}
	}
	return false
}

// there tells whether a subscription that was asked for was surely there when a publication was sent: it was acknowledged before, and nobody has asked
// for its end in between.
func (h *history) there(s, k *call) bool {
	if !k.awaited(s) {
		return false
	}
	for _, e := range h.calls {
		if e.method == "topic.unsub" && *e.sub == *s.sub && s.taken() <= e.taken() && e.taken() < k.taken() && !s.awaited(e) {
			return false
		}
	}
	return true
}

// checkSent: a publisher is told of the subscriptions that were surely there, and of no more than those that may have been.
func (h *history) checkSent() {
	for _, k := range h.calls {
		var answer struct{ Sent *int }
		if k.topic == "" || k.got() != "result" || json.Unmarshal(k.posts[0].answer().Result, &answer) != nil || answer.Sent == nil {
			continue
		}
		there, may := map[subscription]bool{}, map[subscription]bool{}
		for _, s := range h.calls {
			if s.method != "topic.sub" || !s.sub.matches(k.topic) || s.taken() > k.taken() {
				continue
			}
			if !h.over(s, k) {
				may[*s.sub] = true
			}
			p := s.sub.pipe
			if closed := p.closing != nil && p.closing.at.Before(k.posts[0].at); !closed && p.owner.alive(k.posts[0].at) && p.owner.sessionEnded.IsZero() && h.there(s, k) {
				there[*s.sub] = true
			}
		}
		if n := *answer.Sent; n < len(there) || n > len(may) {
			h.failf("topics: %s was told of %d subscriptions, %d were there and %d may have been", k, n, len(there), len(may))
		}
	}
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
