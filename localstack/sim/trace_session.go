package sim

import (
	"strings"
	"time"
)

// sessionSnap is a session after a write to it.
type sessionSnap struct {
	at         time.Time
	inv        *invocation // nil for what the harness wrote
	user, tags string
	stamp      string // of the write that wrote the tags last (store.Stamp)
	req        string // the request whose it is
}

// userSnap is a user after a write to it.
type userSnap struct {
	at    time.Time
	there bool
	tags  string
	stamp string // of the write that wrote it last
}

// sessionWritten takes a snap of a session and notes its end, which may come before its connection's.
func (w *world) sessionWritten(r *request, key itemKey, i rawItem) {
	const ended = "ended"
	if i["state"].S != ended {
		s := &sessionSnap{at: time.Now(), inv: r.inv, user: i["user"].S, tags: i["tags"].S, stamp: i["req"].S}
		s.req, _, _ = strings.Cut(s.stamp, "#")
		w.sessionTrace[key[0]] = append(w.sessionTrace[key[0]], s)
		w.logf("session %s: %s %s by %s", key[0], s.user, s.tags, s.stamp)
		return
	}
	if c := w.by(key[0]); c != nil && c.sessionEnded.IsZero() {
		c.sessionEnded, c.endedBy = time.Now(), r.inv
		w.logf("the session of %s has ended", c)
		w.soon(released, func() { w.checkReleased(c) })
	}
}

// userWritten takes a snap of a user.
func (w *world) userWritten(_ *request, key itemKey, i rawItem) {
	s := &userSnap{at: time.Now(), there: i != nil, tags: i["tags"].S, stamp: i["req"].S}
	w.userTrace[key[0]] = append(w.userTrace[key[0]], s)
	w.logf("user %s: there %v %s by %s", key[0], s.there, s.tags, s.stamp)
}
