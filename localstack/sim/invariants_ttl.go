package sim

// checkTTL: ttl counts real returns. A task is handed to at most ttl pulls; it costs a ttl only where the worker can have seen it or somebody
// rejected it; a hand-over that met 410 costs nothing. (Where the response of a post is lost and the connection then ends, the repeated post meets
// 410 although the first arrived: such a hand-over costs nothing either.)
func (h *history) checkTTL() {
	for _, l := range h.trace.order {
		handed := h.handed[l.taskid()]
		if len(handed) == 0 || l.path() == methodPath {
			continue
		}
		certain := int64(0)
		for _, o := range handed {
			if !o.post.inv.hurt {
				certain++
			}
		}
		if push := h.calls[handed[0].task.Params.Push-1].push; certain > push.ttl {
			h.failf("ttl: %s, of ttl %d, was handed out %d times", l.taskid(), push.ttl, certain)
		}
	}
	for _, l := range h.trace.order {
		for n, s := range l.snaps {
			if n == 0 || !l.snaps[n-1].works() || s.works() {
				continue
			}
			before := l.snaps[n-1]
			ended := s.done() && h.byRequest[s.fin] == nil && !h.tooBig(before) && s.deadline.After(s.at.Add(h.apart()))
			spent := s.waits() && s.ttl < before.ttl || ended && (s.detached || !h.by(s.pusher).gone(s.at))
			returned := s.waits()
			seen, certainly := h.seen(l, before)
			switch {
			case spent && !seen && h.byRequest[s.ret] == nil && !h.claimer(l, before).hurt:
				h.failf("ttl: %s lost a ttl at %v for a hand-over that was never posted", l.taskid(), s.at.Sub(h.began))
			case returned && !spent && certainly:
				h.failf("ttl: %s returned at %v without losing a ttl, but its worker was handed it", l.taskid(), s.at.Sub(h.began))
			}
		}
	}
}

// seen tells whether the hand-over that a working task is in was posted, and whether its handler knew.
func (h *history) seen(l *life, s *snap) (seen, certainly bool) {
	for _, o := range h.handed[l.taskid()] {
		if o.to.client.connid == s.worker && o.to.id == s.workerID {
			return true, !o.post.inv.hurt
		}
	}
	return false, false
}

// claimer is the invocation that bound a task to the worker that it has in s.
func (h *history) claimer(l *life, s *snap) *invocation {
	for _, o := range l.snaps {
		if o.works() && o.attempt == s.attempt {
			return o.inv
		}
	}
	return s.inv
}
