package sim

import (
	"encoding/json"
	"time"
)

// checkPipes: a message that was acknowledged is read once, in the order of those awaited before it, or counted as dropped; one that was not is read
// at most once. A message counts as read when API Gateway took the answer that holds it.
func (h *history) checkPipes() {
	for _, p := range h.pipes {
		t := h.readings(p)
		sent, acknowledged := 0, 0
		for _, k := range h.calls {
			if may, must := h.brings(k, p); may {
				for _, n := range k.messages {
					if !t.has(n) {
						sent++
						if must {
							acknowledged++
						}
					}
				}
			}
			switch {
			case k.topic != "":
				h.checkPublisherOrder(p, t, k)
			case k.pipe == p && k.method == "pipe.write":
				h.checkWriteOrder(p, t, k)
			}
		}
		if p.drained == nil || p.drained.got() != "result" {
			continue
		}
		if int(t.drops) < acknowledged || int(t.drops) > sent {
			h.failf("pipes: %d messages of the pipe %s were dropped, %d that it must have had and %d that it may have had were not read", t.drops, p.id, acknowledged, sent)
		}
	}
}

// readings is what was read from a pipe.
type readings struct {
	counts map[int]int64 // the numbers under which messages were read, by the message
	by     map[int]*call
	drops  int64
}

func (t *readings) has(message int) bool { return t.by[message] != nil }

// readings goes through the answers to a pipe's reads.
func (h *history) readings(p *pipe) *readings {
	t := &readings{counts: map[int]int64{}, by: map[int]*call{}}
	under := map[int64]int{}
	for _, k := range h.calls {
		if k.pipe != p || k.read == nil || k.got() != "result" {
			continue
		}
		var d delivered
		if err := json.Unmarshal(k.posts[0].answer().Result, &d); err != nil || d.Waiting < 0 || d.Drops < 0 || len(d.Msgs) > k.read.max {
			h.failf("pipes: %s got %s", k, brief(k.posts[0].text))
			continue
		}
		t.drops += d.Drops
		last := int64(0)
		for _, m := range d.Msgs {
			n := m.Msg.number()
			switch {
			case t.has(n):
				h.failf("pipes: message %d was read by %s and by %s", n, t.by[n], k)
			case under[m.Count] != 0:
				h.failf("pipes: %s got message %d under the number %d, which message %d had", k, n, m.Count, under[m.Count])
			case m.Count <= last:
				h.failf("pipes: %s got number %d after %d", k, m.Count, last)
			case !h.meant(n, m.Msg.Topic, p):
				h.failf("pipes: %s got message %d, which nobody sent to the pipe", k, n)
			}
			last = m.Count
			t.counts[n], t.by[n], under[m.Count] = m.Count, k, n
		}
	}
	h.checkReadOrder(p, t)
	return t
}

// brings tells whether a call may have brought messages to a pipe, and whether it must have.
func (h *history) brings(k *call, p *pipe) (may, must bool) {
	switch {
	case k.topic != "":
		return h.may(k, p), h.must(k, p)
	case k.pipe == p && k.method == "pipe.write":
		return k.got() != overLimit, k.said() == "result"
	}
	return false, false
}

// meant tells whether a message that was read from a pipe was sent to it, as of a topic or not.
func (h *history) meant(n int, topic string, p *pipe) bool {
	k := h.sender[n]
	if k == nil || k.topic != topic {
		return false
	}
	may, _ := h.brings(k, p)
	return may
}

// checkReadOrder: a read that was sent when another had been answered got what comes after.
func (h *history) checkReadOrder(p *pipe, t *readings) {
	highest := map[*call]int64{}
	for n, k := range t.by {
		highest[k] = max(highest[k], t.counts[n])
	}
	for n := range h.messages + 1 {
		k := t.by[n]
		if k == nil {
			continue
		}
		for _, before := range h.calls[:k.n-1] {
			if before.pipe == p && before.read != nil && len(before.posts) > 0 && before.posts[0].at.Before(k.at) && highest[before] > t.counts[n] {
				h.failf("pipes: %s got number %d, but %s, answered before it was sent, got %d", k, t.counts[n], before, highest[before])
			}
		}
	}
}

// checkWriteOrder: what was acknowledged before a write was sent is read before what it brings, and what it brings in its order.
func (h *history) checkWriteOrder(p *pipe, t *readings, k *call) {
	last := int64(0)
	for _, n := range k.messages {
		if t.has(n) && t.counts[n] <= last {
			h.failf("pipes: message %d of %s has the number %d, the one before it %d", n, k, t.counts[n], last)
		}
		last = t.counts[n]
	}
	for _, before := range h.calls[:k.n-1] {
		if before.pipe != p || before.method != "pipe.write" || before.got() != "result" || !before.posts[0].at.Before(k.at) {
			continue
		}
		for _, first := range before.messages {
			for _, then := range k.messages {
				if t.has(first) && t.has(then) && t.counts[first] > t.counts[then] {
					h.failf("pipes: message %d of %s is read before %d of %s, which was acknowledged before", then, k, first, before)
				}
			}
		}
	}
}

// checkPipesApart: no read waits beside messages for longer than a handler takes to see to it.
func (h *history) checkPipesApart() {
	for _, l := range h.pipeOrder {
		for n, s := range l.snaps {
			if !s.open() || len(s.waits) == 0 || s.empty() {
				continue
			}
			until := h.end
			if n+1 < len(l.snaps) {
				until = l.snaps[n+1].at
			}
			if limit := later(s.at, h.disturbed).Add(h.bound()); until.After(limit) && h.by(l.owner).alive(limit) {
				h.failf("pipes: the pipe %s had messages and a read that waited from %v to %v", l.id, s.at.Sub(h.began), until.Sub(h.began))
			}
		}
	}
}

// checkRefusedPipes: who met no fault is told that there is no such pipe only where it is closed or its session ended.
func (h *history) checkRefusedPipes() {
	const refused = "error -32003"
	for _, k := range h.calls {
		if k.pipe == nil || k.got() != refused {
			continue
		}
		closed := k.pipe.closing != nil && k.pipe.closing.at.Before(k.posts[0].at)
		if owner := k.pipe.owner; !closed && owner.alive(k.posts[0].at) && owner.sessionEnded.IsZero() {
			h.failf("pipes: %s was told that there is no such pipe", k)
		}
	}
}

// duePipe tells of a call about a pipe whether the pipe holds what it is owed, and since when it is due.
func (h *history) duePipe(k *call) (due time.Time, recorded bool) {
	l := h.pipeTrace[k.pipe.id]
	if l == nil {
		return time.Time{}, false
	}
	for _, s := range l.snaps {
		if k.read == nil {
			for _, o := range s.owed {
				if o == (owed{k.client.connid, k.id}) {
					return s.at, true
				}
			}
			continue
		}
		if l.owner != k.client.connid {
			return time.Time{}, false
		}
		for _, id := range s.handed {
			if id == k.id {
				return s.at, true
			}
		}
		for _, w := range s.waits {
			if w.id == k.id {
				due, recorded = w.deadline, true
				if s.closed {
					return s.at, true
				}
			}
		}
	}
	if due.After(h.end) {
		return time.Time{}, recorded
	}
	return due, recorded
}

// checkPipe holds a pipe that nobody has touched for a long time to what repair owes it.
func (w *world) checkPipe(l *pipeLife) {
	s := l.last()
	switch {
	case !s.there || w.excused(s.callers()...):
	case s.closed:
		w.failf("stuck: the pipe %s is closed and still there: %+v", l.id, *s)
	case !w.by(l.owner).open:
		w.failf("stuck: the pipe %s is there, but the session of %s has ended", l.id, w.by(l.owner))
	case len(s.handed)+len(s.owed) > 0:
		w.failf("stuck: the pipe %s owes %v and %v", l.id, s.handed, s.owed)
	case len(s.waits) > 0 && !s.empty():
		w.failf("stuck: the pipe %s has messages and reads that wait", l.id)
	}
	for _, one := range s.waits {
		if s.open() && one.deadline.Before(time.Now().Add(-2*time.Minute)) {
			w.failf("stuck: read %s of the pipe %s waits although its deadline was at %v", one.id, l.id, one.deadline.Sub(w.began))
		}
	}
}
