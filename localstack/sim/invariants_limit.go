package sim

// overLimit is the outcome of a call that would have gone beyond a limit: nothing came of it.
const overLimit = "error -32012"

// checkLimits holds a pipe, after each write to it, to the limits of pipes. (Clients create their pipes one after another, so that handlers which count at
// the same time are those of different sessions.)
func (w *world) checkLimits(of *pipeLife) {
	s := of.last()
	if !s.open() {
		return
	}
	if s.unread < 0 || s.unread > w.limits.Bytes || s.empty() && s.unread != 0 {
		w.failf("limits: %d bytes of the pipe %s are unread, at most %d may be: head %d, tail %d", s.unread, of.id, w.limits.Bytes, s.head, s.tail)
	}
	if len(s.waits) > w.limits.Reads {
		w.failf("limits: %d reads of the pipe %s wait, at most %d may", len(s.waits), of.id, w.limits.Reads)
	}
	open := 0
	for _, p := range w.pipes { // and not those of which nobody was told, since the response to their making was lost
		if l := w.pipeTrace[p.id]; l.owner == of.owner && l.last().open() {
			open++
		}
	}
	if open > w.limits.Pipes {
		w.failf("limits: the session %s has %d pipes, at most %d may be", of.owner, open, w.limits.Pipes)
	}
}
