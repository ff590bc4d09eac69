package sim

import "time"

// checkLocks: one session holds a lock at a time, from its grant until its own unlock or until it is gone; fences grow; and what callers are told of
// a lock was so while they called.
func (h *history) checkLocks() {
	for _, l := range h.lockOrder {
		highest := int64(0)
		for n, s := range l.snaps {
			switch {
			case l.granted(n):
				if s.fence <= highest {
					h.failf("locks: %s was granted to %s with fence %d after %d", l.name, h.by(s.owner), s.fence, highest)
				}
				highest = max(highest, s.fence)
				h.checkGrant(l, n)
			case l.freed(n):
				h.checkUnlock(l, n)
			}
		}
	}
	for _, k := range h.calls {
		if k.lock != "" && len(k.posts) > 0 {
			h.checkTold(k)
		}
	}
}

// checkGrant: a grant is its caller's, who was not told anything else before; and whoever held the lock is gone.
func (h *history) checkGrant(l *lockLife, n int) {
	s := l.snaps[n]
	k := h.byRequest[s.by]
	if k == nil || k.method != "sync.lock" || k.lock != l.name || k.client.connid != s.owner {
		h.failf("locks: %s was granted to %s by %s", l.name, h.by(s.owner), k)
		return
	}
	if answered(k, s.at) && k.got() != internalError {
		h.failf("locks: %s was granted %s at %v, after it was told %s", k, l.name, s.at.Sub(h.began), brief(k.posts[0].text))
	}
	if n == 0 || l.snaps[n-1].owner == "" {
		return
	}
	if holder := h.by(l.snaps[n-1].owner); !holder.gone(s.at) {
		h.failf("locks: %s was granted to %s while %s held it", l.name, k.client, holder)
	}
}

// checkUnlock: a lock is freed by its holder, with a call that is not over since before it was granted.
func (h *history) checkUnlock(l *lockLife, n int) {
	s, before := l.snaps[n], l.snaps[n-1]
	k, grant := h.byRequest[s.freed], h.byRequest[before.by]
	switch {
	case k == nil || k.method != "sync.unlock" || k.lock != l.name || k.client.connid != before.owner:
		h.failf("locks: %s of %s was freed by %s", l.name, h.by(before.owner), k)
	case grant != nil && answered(k, grant.at):
		h.failf("locks: %s, answered at %v, freed what was granted to %s", k, k.posts[0].at.Sub(h.began), grant)
	}
}

// answered tells whether a call was answered before a time.
func answered(k *call, at time.Time) bool { return len(k.posts) > 0 && k.posts[0].at.Before(at) }

const internalError = "error -32603"

// checkTold holds what a caller was told against what the lock was while it called.
func (h *history) checkTold(k *call) {
	post := k.posts[0]
	refused, fence, ok := lockOutcome(post.answer())
	if !ok {
		if got := k.got(); got != internalError && !(got == sessionEnded && !k.client.sessionEnded.IsZero()) {
			h.failf("locks: %s was told %s", k, brief(post.text))
		}
		return
	}
	l := h.lockTrace[k.lock]
	me := k.client.connid
	switch {
	case k.method == "sync.lock" && !refused:
		for n, s := range l.snaps {
			if l.granted(n) && s.by == k.request && s.fence == fence && !s.at.After(post.at) {
				return
			}
		}
		h.failf("locks: %s was told that it holds %s with fence %d, but was not granted it", k, k.lock, fence)
	case k.method == "sync.lock":
		if !h.wasSo(k, func(s *lockSnap) bool { return s.owner != "" && (s.owner == me || !h.by(s.owner).endKnown(k.at)) }) {
			h.failf("locks: %s was refused %s, which nobody held", k, k.lock)
		}
	case !refused:
		for n, s := range l.snaps {
			if l.freed(n) && s.freed == k.request && !s.at.After(post.at) {
				return
			}
		}
		h.failf("locks: %s was told that it freed %s, but did not", k, k.lock)
	default:
		if !h.wasSo(k, func(s *lockSnap) bool { return s.owner != me }) {
			h.failf("locks: %s was told that it does not hold %s, but does", k, k.lock)
		}
	}
}

// wasSo tells whether a lock was so at some time between a call and its answer.
func (h *history) wasSo(k *call, so func(*lockSnap) bool) bool {
	now := &lockSnap{}
	until := k.posts[0].at
	if l := h.lockTrace[k.lock]; l != nil {
		for _, s := range l.snaps {
			if s.at.After(until) {
				break
			}
			if s.at.After(k.at) && so(now) {
				return true
			}
			now = s
		}
	}
	return so(now)
}

// gone tells whether a client's connection or session had ended at a time.
func (c *client) gone(at time.Time) bool { return !c.alive(at) || c.endKnown(at) }

// endKnown tells whether the end of a client's session was known before a time.
func (c *client) endKnown(at time.Time) bool {
	return !c.sessionEnded.IsZero() && !c.sessionEnded.After(at)
}

// checkFreed: once all is settled a lock is held by whom it was granted if that client is there, and free if not.
func (h *history) checkFreed() {
	if h.inspector == nil || !h.inspector.alive(h.end.Add(-clearing)) {
		return
	}
	for _, k := range h.calls {
		if k.client != h.inspector {
			continue
		}
		if len(k.posts) == 0 {
			h.failf("locks: %s was not answered", k)
			continue
		}
		held := false
		for _, s := range h.lockTrace[k.lock].snaps {
			if s.at.Before(k.at) {
				held = s.owner != "" && h.by(s.owner).alive(k.at)
			}
		}
		if refused, _, ok := lockOutcome(k.posts[0].answer()); !ok || refused != held {
			h.failf("locks: %s is held: %v, but %s was told %s", k.lock, held, k, brief(k.posts[0].text))
		}
	}
}
