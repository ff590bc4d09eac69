package sim

import "slices"

// checkLives holds every item to the state machine of pkg/task: each write of it is one of the arrows, and a task is over for a reason.
func (h *history) checkLives() {
	for _, l := range h.trace.order {
		before := &snap{}
		for n, s := range l.snaps {
			if !h.arrow(before, s, n == 0) {
				h.failf("lives: %s went from %s %s to %s %s (there: %v) at %v", l.taskid(), before.kind, before.state, s.kind, s.state, s.there, s.at.Sub(h.began))
			}
			if s.done() && before.task() && !before.done() && !h.mayEnd(before, s) {
				h.failf("lives: %s ended without a reason", l.taskid())
			}
			before = s
		}
	}
}

// checkBindings: a pull is bound to one task (again, if the task was given back while the claim was being repeated); a task is handed only to the
// pulls that it was bound to; and not past its deadline.
func (h *history) checkBindings() {
	type pullKey struct{ connid, id string }
	bound := map[pullKey]string{}
	for _, l := range h.trace.order {
		attempt := int64(0)
		mine := map[pullKey]bool{}
		for _, s := range l.snaps {
			if !s.task() || !s.works() || s.attempt == attempt {
				continue
			}
			attempt = s.attempt
			if !s.deadline.Add(h.apart()).After(ms(s.inv.began.UnixMilli())) {
				h.failf("bindings: %s was bound at %v by %s, which began after its deadline", l.taskid(), s.at.Sub(h.began), s.inv)
			}
			to := pullKey{s.worker, s.workerID}
			mine[to] = true
			if other := bound[to]; other != "" && (other != l.taskid() || !s.inv.hurt) {
				h.failf("bindings: pull %s of %s is bound to %s and to attempt %d of %s", to.id, h.by(to.connid), other, attempt, l.taskid())
			}
			bound[to] = l.taskid()
		}
		for _, o := range h.handed[l.taskid()] {
			if !mine[pullKey{o.to.client.connid, o.to.id}] {
				h.failf("bindings: %s was handed to %s, to which it was never bound", l.taskid(), o.to)
			}
		}
	}
	for _, k := range h.calls {
		if k.pull == nil || k.got() != timedOut || bound[pullKey{k.client.connid, k.id}] != "" {
			continue
		}
		if at := k.posts[0].at; k.pull.timeout == 0 || at.Add(h.apart()).Before(ms(k.at.Add(k.pull.timeout).UnixMilli())) {
			h.failf("bindings: %s timed out at %v, too early", k, at.Sub(h.began))
		}
	}
}

// arrow tells whether the state machine has an arrow from one snap to the next.
func (h *history) arrow(from, to *snap, first bool) bool {
	switch {
	case first: // or it is in the place of what must not be made any more
		return to.waits() || to.kind == "none" && to.done()
	case !from.there: // nobody writes an item a second time
		return !to.there
	case !to.there: // cleared away, or a pull withdrawn whose session is gone
		return from.done() || from.kind == "pull" && from.waits() && h.by(from.worker).gone(to.at)
	case from.done():
		return to.done()
	case from.kind == "pull" && from.waits() && to.task():
		return to.works() && to.attempt == 1
	case from.kind != to.kind:
		return false
	case from.waits() && to.works():
		return to.task() && to.attempt == from.attempt+1 && to.ttl == from.ttl
	case from.works() && to.waits():
		return to.attempt == from.attempt && (to.ttl == from.ttl || to.ttl == from.ttl-1) && to.ttl > 0
	case from.state == to.state: // armed, or a debt paid
		return to.attempt == from.attempt && to.ttl == from.ttl
	}
	return to.done()
}

// mayEnd tells whether a task may be over: a client's call ended it, or its deadline passed, its ttl is spent or its pusher is gone.
func (h *history) mayEnd(before, s *snap) bool {
	if k := h.byRequest[s.fin]; k != nil {
		return slices.Contains([]string{"task.result", "task.error", "task.cancel"}, k.method) || k.method == "task.reject" && before.works() && before.ttl == 1
	}
	switch {
	case !s.deadline.After(s.at.Add(h.apart())), h.tooBig(before):
		return true
	case before.works() && before.ttl == 1:
		return true
	}
	return !s.detached && h.by(s.pusher).gone(s.at)
}

// checkPushes: each acknowledged push (stored, if detached; else seen by a pull or answered) becomes one task. That a push makes no two, history
// has seen already; that its task does not get lost, checkLives.
func (h *history) checkPushes() {
	byNumber := map[int]string{}
	for _, k := range h.calls {
		if k.push == nil {
			continue
		}
		l := h.tasks[k.request]
		for _, p := range k.posts {
			if a := p.answer(); l == nil && (a.Error == nil || a.outcome() == timedOut || a.outcome() == expired || a.outcome() == cancelled) {
				h.failf("pushes: %s was answered %s, but there was never a task", k, a.outcome())
			}
		}
		if l != nil && k.push.detached && len(k.posts) > 0 && k.posts[0].at.Before(l.snaps[0].at) {
			h.failf("pushes: %s was answered before it was stored", k)
		}
	}
	for _, l := range h.trace.order {
		for _, o := range h.handed[l.taskid()] {
			n := o.task.Params.Push
			if l.path() == methodPath {
				continue // its params are those of a login
			}
			if first, seen := byNumber[n]; seen && first != l.taskid() {
				h.failf("pushes: push %d was handed out as %s and as %s", n, first, l.taskid())
			}
			byNumber[n] = l.taskid()
			if n < 1 || n > len(h.calls) || h.tasks[h.calls[n-1].request] != l {
				h.failf("pushes: %s was handed out with the params of push %d", l.taskid(), n)
			}
		}
	}
}
