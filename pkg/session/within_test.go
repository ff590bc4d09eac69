package session_test

import (
	"slices"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/session"
	"nexus/pkg/timer"
)

// within is how long the connections of these tests may be there without a login.
const within = 30 * time.Second

func sorted(lines ...string) []string { return slices.Sorted(slices.Values(lines)) }

func endedOf(connid string) string { return connid + " ended user=nobody owner= tags={} wd=90" }

// Who has not logged in by then is closed; who has, who did as somebody who is gone, and who left by himself is let alone.
func TestWhoDoesNotLogInIsClosed(t *testing.T) {
	b := newBench(t)
	b.sessions.LoginWithin = within
	b.user("ann", "{}")
	silent, in, left := b.Connect(), b.Connect(), b.Connect()
	b.as(in.Connid, "ann")
	b.End(left)
	b.Pass(within - 1)
	if silent.Closed() || in.Closed() {
		t.Error("closed before its time")
	}
	b.Pass(1)
	if !silent.Closed() || in.Closed() {
		t.Errorf("closed %t, who has logged in %t", silent.Closed(), in.Closed())
	}
	b.want(sorted(endedOf(silent.Connid), loggedIn(in.Connid, "ann", "{}"), endedOf(left.Connid))...)
	if n := b.On("DeleteConnection").Count(); n != 1 {
		t.Errorf("%d connections were closed", n)
	}
	// A call that was taken before is carried out still, as nobody's.
	if was, err := b.sessions.LoadEnded(b.ctx, silent.Connid, b.Now()); err != nil || was.User != "nobody" {
		t.Errorf("a call from before the end: %v, %v", was, err)
	}
	if _, err := b.sessions.LoadEnded(b.ctx, silent.Connid, b.Now().Add(time.Millisecond)); err != session.ErrEnded {
		t.Errorf("a call from behind the end: %v", err)
	}
	b.Pass(2 * time.Minute)
	b.want(sorted(endedOf(silent.Connid), loggedIn(in.Connid, "ann", "{}"), endedOf(left.Connid))...)
}

// A login that is written ahead of the end wins, one behind it is told that the session has ended.
func TestALoginAsTheTimeIsOver(t *testing.T) {
	b := newBench(t)
	b.user("ann", "{}")
	wake := func(c *harness.Client) error {
		return b.sessions.WokenToLogin(b.ctx, timer.Wake{Kind: session.WakeLogin, Key: []string{c.Connid}})
	}
	ahead, behind := b.Connect(), b.Connect()
	b.On("UpdateItem", session.WakeLogin).Run(func() { b.as(ahead.Connid, "ann") })
	b.Try(wake(ahead))
	b.On("UpdateItem", ":login").Run(func() { b.Try(wake(behind)) })
	_, err := b.login(behind.Connid, `{"user":"ann","pass":"ann"}`)
	if err != session.ErrEnded {
		t.Errorf("the login behind it: %v", err)
	}
	if ahead.Closed() || !behind.Closed() {
		t.Errorf("closed %t, the one behind %t", ahead.Closed(), behind.Closed())
	}
	b.want(sorted(loggedIn(ahead.Connid, "ann", "{}"), endedOf(behind.Connid))...)
}

// A handler may die anywhere: the message, which comes again, has the connection closed.
func TestACloserThatDies(t *testing.T) {
	for _, operation := range []string{"UpdateItem", "SendMessageBatch", "DeleteConnection"} {
		t.Run(operation, func(t *testing.T) {
			b := newBench(t)
			c := b.Connect()
			wake := func() error {
				return b.sessions.WokenToLogin(b.Context(), timer.Wake{Kind: session.WakeLogin, Key: []string{c.Connid}})
			}
			b.DiesAfter(b.On(operation), func() string { _ = wake(); return "" }) // who dies tells nobody
			b.Try(wake())
			b.want(endedOf(c.Connid))
			if !c.Closed() {
				t.Error("the connection is open")
			}
		})
	}
}

// The message is sent beside the session; without it nobody is connected.
func TestAConnectionWithoutItsMessageIsRefused(t *testing.T) {
	b := newBench(t)
	b.sessions.LoginWithin = within
	b.On("SendMessage").Fail(harness.Attempts)
	if err := b.sessions.Connect(b.ctx, "refused=", harness.IP, "wss"); err == nil {
		t.Error("connected")
	}
}

// A message that comes for what never became a session makes none.
func TestNobodyToClose(t *testing.T) {
	b := newBench(t)
	b.Try(b.sessions.WokenToLogin(b.ctx, timer.Wake{Kind: session.WakeLogin, Key: []string{"never="}}))
	b.want("")
	if err := b.sessions.WokenToLogin(b.ctx, timer.Wake{Kind: session.WakeLogin}); err == nil {
		t.Error("a message without a connid")
	}
}
