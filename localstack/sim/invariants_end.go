package sim

import (
	"encoding/json"
	"strings"
	"time"

	"nexus/pkg/store"
)

// path is the path of an item's partition.
func (l *life) path() string {
	path, _, _ := strings.Cut(l.key[0], " ")
	return path
}

// checkSettled: nothing is stuck once the weather has settled: no pull waits beside a task that waits, nothing is bound to a session that ended, and
// nothing that is over is left.
func (w *world) checkSettled() {
	now := time.Now()
	pulls, tasks := map[string]*life{}, map[string]*life{}
	for _, l := range w.trace.order {
		s := l.last()
		if !s.there {
			continue
		}
		if s.waits() && s.deadline.After(now) {
			if s.task() {
				tasks[l.path()] = l
			} else {
				pulls[l.path()] = l
			}
		}
		w.checkFree(l, s)
		if s.deadline.Before(now.Add(-2*time.Minute)) && !s.done() && !s.detached && !w.excused(w.callers(s)...) {
			w.failf("stuck: %s is %s although its deadline was at %v", l.taskid(), s.state, s.deadline.Sub(w.began))
		}
	}
	for _, l := range w.pipeOrder {
		w.checkPipe(l)
	}
	for _, c := range w.clients {
		if c.open && !c.sessionEnded.IsZero() {
			w.failf("stuck: the session of %s ended at %v, its connection did not", c, c.sessionEnded.Sub(w.began))
		}
	}
	for _, path := range w.paths {
		if p, t := pulls[path], tasks[path]; p != nil && t != nil {
			w.failf("stuck: the pull %s and the task %s wait side by side", p.taskid(), t.taskid())
		}
	}
}

// checkApart: no pull waits beside a task that waits once the handlers that made them wait have ended: both sides write and then look, so that one of
// them sees the other. If one of these was killed or met a fault, repair has its time to find them.
func (h *history) checkApart() {
	var pulls, tasks []stay
	for _, l := range h.trace.order {
		for n, s := range l.snaps {
			if !s.waits() || n > 0 && l.snaps[n-1].waits() {
				continue
			}
			is := stay{l, s.inv.ended, earlier(h.end, s.deadline)}
			if s.inv.hurt {
				is.from = later(s.at, h.disturbed).Add(h.bound())
			}
			for _, then := range l.snaps[n+1:] {
				if !then.waits() {
					is.to = earlier(is.to, then.at)
					break
				}
			}
			if c := h.by(s.worker); c != nil && l.path() == methodPath && !c.sessionEnded.IsZero() {
				is.to = earlier(is.to, c.sessionEnded) // a login is given to none whose session has ended
			}
			if s.task() {
				tasks = append(tasks, is)
			} else {
				pulls = append(pulls, is)
			}
		}
	}
	for _, p := range pulls {
		for _, t := range tasks {
			if from, to := later(p.from, t.from), earlier(p.to, t.to); p.life.path() == t.life.path() && from.Before(to) {
				h.failf("apart: the pull %s and the task %s waited side by side from %v to %v", p.life.taskid(), t.life.taskid(), from.Sub(h.began), to.Sub(h.began))
			}
		}
	}
}

// stay is a time through which an item waits although nobody is about to look for its counterpart.
type stay struct {
	life     *life
	from, to time.Time
}

// checkFree holds an item that nobody has touched for a long time to what repair owes it.
func (w *world) checkFree(l *life, s *snap) {
	switch {
	case w.excused(w.callers(s)...):
	case s.done():
		w.failf("stuck: %s is over and still there (posted: %v, debts: %d)", l.taskid(), s.posted, s.debts)
	case s.debts > 0:
		w.failf("stuck: %s owes %d answers", l.taskid(), s.debts)
	case s.works() && !w.by(s.worker).open:
		w.failf("stuck: %s works for the ended session of %s", l.taskid(), w.by(s.worker))
	case s.kind == "pull" && !w.by(s.worker).open:
		w.failf("stuck: the pull %s waits for the ended session of %s", l.taskid(), w.by(s.worker))
	case s.task() && !s.detached && !w.by(s.pusher).open:
		w.failf("stuck: %s is there, but its pusher %s has ended", l.taskid(), w.by(s.pusher))
	}
}

// released is how long after the end of a session nothing may be bound to it any more.
const released = 2 * time.Minute

// checkReleased: two minutes after a session's end was written, or after the last fault, nothing is bound to it.
func (w *world) checkReleased(c *client) {
	if due := later(w.disturbed, w.downUntil).Add(released); due.After(time.Now()) {
		w.agenda.add(due, func() { w.checkReleased(c) })
		return
	}
	for _, l := range w.trace.order {
		s := l.last()
		if !s.there || s.done() || w.excused(w.callers(s)...) {
			continue
		}
		works, pushed := s.worker == c.connid, s.task() && !s.detached && s.pusher == c.connid
		if works || pushed {
			w.failf("released: %s is still %s, bound to the session of %s, which ended at %v", l.taskid(), s.state, c, c.sessionEnded.Sub(w.began))
		}
	}
	if c.open {
		w.failf("zombie: the session of %s ended at %v, its connection is open", c, c.sessionEnded.Sub(w.began))
	}
	w.checkUnsubscribed(c)
	for _, l := range w.pipeOrder {
		if l.owner == c.connid && l.last().there && !w.excused(l.last().callers()...) {
			w.failf("released: the pipe %s is still there; the session of %s ended at %v", l.id, c, c.sessionEnded.Sub(w.began))
		}
	}
}

// checkEmpty: two minutes after all sessions' ends were known, the tables hold ended sessions and detached tasks that wait, and nothing besides.
func (h *history) checkEmpty() {
	for _, i := range h.scan(store.Tasks) {
		key := itemKey{i["part"].S, i["id"].S}
		if ownPart(key[0]) {
			continue
		}
		l := h.trace.lives[key]
		if l == nil {
			h.failf("empty: nobody has seen the item %v being written", key)
			continue
		}
		h.checkFree(l, l.last())
	}
	for _, i := range h.scan(store.Pipes) {
		if i["row"].S == metaRow {
			h.failf("empty: the pipe %s is there", i["pipeid"].S)
		}
	}
	for _, i := range h.scan(store.Sessions) {
		if state := i["state"].S; state != "ended" && state != "" { // none: what execution environments tell of their load
			h.failf("empty: the session %s is %s", i["id"].S, state)
		}
	}
}

// checkLists: task.list never fails where no fault touched it, and shows nothing that makes no sense.
func (h *history) checkLists() {
	for _, k := range h.calls {
		if k.method != "task.list" || len(k.posts) == 0 || k.inv.hurt {
			continue
		}
		a := k.posts[0].answer()
		if a.outcome() == sessionEnded && !k.client.sessionEnded.IsZero() {
			continue
		}
		var listed []struct {
			ID, State, Path, Method string
		}
		if a.Error != nil || json.Unmarshal(a.Result, &listed) != nil {
			h.failf("lists: %s got %s", k, brief(k.posts[0].text))
			continue
		}
		seen := map[string]bool{}
		for _, one := range listed {
			if one.Path == methodPath && one.ID == "" {
				continue // whoever knew it could vouch
			}
			id, path, _ := strings.Cut(withoutSession(one.ID), "-")
			l := h.trace.lives[itemKey{path, id}]
			if l == nil || seen[one.ID] || one.State != "waiting" && one.State != "working" || one.State == "working" && one.Method == "" || one.Path != l.path() || one.Path == methodPath {
				h.failf("lists: %s shows %+v", k, one)
			}
			seen[one.ID] = true
		}
	}
	for _, k := range h.calls {
		if k.inv != nil && !k.inv.hurt && k.got() == "error -32603" {
			h.failf("internal error: %s", k)
		}
	}
}
