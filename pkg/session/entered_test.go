package session_test

import (
	"testing"

	"nexus/pkg/session"
	"nexus/pkg/store"
)

// Whether a connection has logged in is read until it has, and then once by each execution environment: that of the login knows.
func TestEnteredIsReadOnce(t *testing.T) {
	b := newBench(t)
	b.user("ann", "{}")
	reads := b.On("GetItem", "nexus-sessions")
	expect := func(connid string, want bool, read int) {
		t.Helper()
		before := reads.Count()
		in, tags, err := b.sessions.Entered(b.ctx, connid)
		if in != want || len(tags) != 0 || err != nil || reads.Count()-before != read {
			t.Errorf("%t %v %v with %d reads; want %t with %d", in, tags, err, reads.Count()-before, want, read)
		}
	}
	c := b.Connect().Connid
	expect(c, false, 1)
	expect(c, false, 1)
	b.as(c, "ann")
	expect(c, true, 0)
	_, err := b.DB.Do(b.ctx, store.Write{Table: store.Sessions, Item: store.Item{"id": store.S("other="), "state": store.S("live"), "user": store.S("ann"), "tags": store.S("{}")}})
	b.Try(err)
	expect("other=", true, 1) // as another environment would
	expect("other=", true, 0)
}

// Nobody is logged in on what has ended, or never was, and one that ended here is remembered no more.
func TestEnteredOfWhatHasEnded(t *testing.T) {
	b := newBench(t)
	b.user("ann", "{}")
	in, out := b.Connect(), b.Connect()
	b.as(in.Connid, "ann")
	b.End(in)
	b.End(out)
	for _, connid := range []string{in.Connid, out.Connid, "never="} {
		if _, _, err := b.sessions.Entered(b.ctx, connid); err != session.ErrEnded {
			t.Errorf("%s: %v", connid, err)
		}
	}
}
