package sim

import (
	"time"

	"nexus/pkg/task"
)

// How late an answer may be, after it was due or after the last fault.
const (
	// promptly is for calm weather.
	promptly = 5 * time.Second
	// afterDeath is for one death: 60 s and what is prompt. Repair waits for 30 s, and once more where a deadline ended the item meanwhile.
	afterDeath = 60 * time.Second
	// afterStorm is for many faults, which may hit repair itself: a message of the queue is seen again after 60 s, and repair waits for 30 s.
	afterStorm = 100 * time.Second
)

func (w *world) bound() time.Duration {
	switch w.weather.name {
	case "calm":
		return promptly
	case "one death":
		return afterDeath
	}
	return afterStorm
}

// checkAnswers: every call whose first write happened is answered in time, while its connection lives: a push by its deadline or when its task is
// over, a pull or read by its deadline or when something is handed to it, the others when their write happened. What leaves nothing to be seen is
// answered by its handler, if that lives and its posts arrive.
func (h *history) checkAnswers() {
	for _, k := range h.calls {
		if k.id == "" {
			if len(k.posts) > 0 {
				h.failf("answers: %s is a notification and was answered", k)
			}
			continue
		}
		if k.client.slow {
			continue
		}
		due, recorded := h.due(k)
		if !recorded {
			if k.inv != nil && !k.inv.ended.IsZero() && !k.inv.mute && len(k.posts) == 0 && k.client.alive(k.at.Add(30*time.Second)) {
				h.failf("answers: %s was not answered by its handler, which alone could", k)
			}
			continue
		}
		if due.IsZero() {
			continue
		}
		base, answered := due, h.end
		if len(k.posts) > 0 {
			answered = k.posts[0].at
		}
		if h.disturbed.After(base) {
			base = h.disturbed
		}
		limit := base.Add(h.bound())
		if answered.After(limit) && k.client.alive(limit) && limit.Before(h.end) {
			h.failf("answers: %s was due at %v and answered at %v (%d posts)", k, due.Sub(h.began), answered.Sub(h.began), len(k.posts))
		}
	}
}

// due tells whether a call is recorded, and when its answer is due: the zero time if not before the end of the run.
func (h *history) due(k *call) (due time.Time, recorded bool) {
	if k.pipe != nil {
		return h.duePipe(k)
	}
	if _, recorded = h.written[k.request]; !recorded || k.request == "" {
		return time.Time{}, false
	}
	switch {
	case k.login != nil && k.login.method:
		if l := h.tasks[k.request]; l != nil {
			for _, s := range l.snaps {
				if due = s.deadline; s.done() {
					return earlier(s.at, s.deadline), true
				}
			}
		}
	case k.push != nil:
		l := h.tasks[k.request]
		if k.push.detached {
			return h.written[k.request], true
		}
		for _, s := range l.snaps {
			if s.push != k.request {
				continue
			}
			if s.done() {
				return earlier(s.at, s.deadline), true
			}
			due = s.deadline
		}
	case k.pull != nil:
		for _, l := range h.trace.order {
			for n, s := range l.snaps {
				mine := s.worker == k.client.connid && s.workerID == k.id
				switch {
				case !mine:
				case s.task():
					// A task that somebody rejects while it is being handed over owes the pull its answer, which repair pays.
					for _, then := range l.snaps[n+1:] {
						if then.debts > 0 {
							return then.at.Add(task.RepairAge), true
						}
					}
					return s.at, true
				case s.done() && s.fin != "":
					return s.at, true
				case s.waits():
					due = s.deadline
				}
			}
		}
	default:
		return h.written[k.request], true
	}
	if due.After(h.end) {
		return time.Time{}, true
	}
	return due, true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// checkTwice: no request is answered twice, unless the handler that answered first died, or a request of it failed or lost its response: then it, or
// repair, may have posted again what it could not know to have arrived. (One row marks the two posts of a push that meets a pull: where one of
// them fails, repair repeats both.) The bytes are the same then, with the exceptions of doc.go.
func (h *history) checkTwice() {
	for _, k := range h.calls {
		if len(k.posts) < 2 {
			continue
		}
		first := k.posts[0]
		for _, p := range k.posts[1:] {
			if k.forgotten(p) {
				continue
			}
			if !first.inv.hurt {
				h.failf("twice: %s was answered by %s and again by %s", k, first.inv, p.inv)
			}
			if p.text != first.text && (k.pull == nil || p.answer().outcome() != timedOut) {
				h.failf("twice: %s was answered %s by %s and then %s by %s", k, brief(first.text), first.inv, brief(p.text), p.inv)
			}
		}
	}
}

// forgotten tells whether a second answer is that of a read whose own handler, which lost a response, finds nothing of it any more.
func (k *call) forgotten(p *post) bool {
	return k.read != nil && p.inv == k.inv && k.inv.hurt && p.answer().Error != nil && p.inv != k.posts[0].inv
}
