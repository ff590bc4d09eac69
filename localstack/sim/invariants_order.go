package sim

// checkOvertaking is told of each snap as it is taken: no task overtakes an acknowledged equal. When a task is bound to a pull, none may wait in its
// partition that has its priority or a higher one, that waited already when the push of the task was sent, that has waited ever since, and whose
// deadline is ahead: whoever looked since then saw it, before the task. (A client knows less: that the push of the other was acknowledged.)
// Over the shards of a path the order is approximate: a look queries them one after another.
func (w *world) checkOvertaking(l *life) {
	s := l.last()
	if !s.task() || !s.works() || len(l.snaps) > 1 && l.snaps[len(l.snaps)-2].works() {
		return
	}
	k := w.byRequest[s.push]
	if k == nil {
		return
	}
	for _, o := range w.trace.order {
		if o == l || o.since.IsZero() || o.key[0] != l.key[0] {
			continue
		}
		other := o.last()
		if other.prio >= s.prio && o.since.Add(w.apart()).Before(k.at) && other.deadline.After(s.at.Add(w.apart())) {
			w.failf("order: %s (prio %d, %s) was handed out at %v before %s (prio %d), which had waited since %v", l.taskid(), s.prio, k, s.at.Sub(w.began), o.taskid(),
				other.prio, o.since.Sub(w.began))
		}
	}
}
