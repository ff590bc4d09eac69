package sim

// slowEnds says that the bus ends the connection of a client that goes on not to read what it is owed. Until it does, what such a client is owed
// stays where it is.
const slowEnds = true

// excused tells whether one of some sessions, if they are told, is of a client that reads nothing and is still connected.
func (w *world) excused(connids ...string) bool {
	for _, connid := range connids {
		if c := w.by(connid); c != nil && c.slow && c.open && !slowEnds {
			return true
		}
	}
	return false
}

// callers are the sessions that an item is bound to, and that of the call that finished it.
func (w *world) callers(s *snap) []string {
	connids := append([]string{s.worker, s.pusher}, s.owed...)
	if k := w.byRequest[s.fin]; k != nil {
		connids = append(connids, k.client.connid)
	}
	return connids
}

// callers are the sessions that a pipe is bound to or owes something.
func (s *pipeSnap) callers() []string {
	connids := []string{s.owner}
	for _, o := range s.owed {
		connids = append(connids, o.connid)
	}
	return connids
}
