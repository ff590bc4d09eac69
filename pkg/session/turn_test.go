package session_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
)

const busy = "one login at a time on a connection"

// While a login is under way on a connection, another is refused before anything is hashed; on other connections it is not. Then it may.
func TestOneLoginAtATime(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	c, other := b.Connect().Connid, b.Connect().Connid
	hashed := 0
	b.On("GetItem", "nexus-users").Run(func() {
		before := b.On("GetItem", "nexus-users").Count()
		for range 3 {
			_, err := b.login(c, `{"user":"dora","pass":"dora"}`)
			b.fails(err, jsonrpc.LimitExceeded, busy)
		}
		hashed = b.On("GetItem", "nexus-users").Count() - before
		b.as(other, "dora")
	})
	b.as(c, "dora")
	if hashed != 0 {
		t.Errorf("%d users were read for logins that are refused", hashed)
	}
	b.as(c, "dora")
	for range 5 { // one that failed is over too
		_, err := b.login(c, `{"user":"dora","pass":"wrong"}`)
		b.fails(err, jsonrpc.PermissionDenied, "")
	}
	b.as(c, "dora")
	b.want(loggedIn(c, "dora", `{}`), loggedIn(other, "dora", `{}`))
}

// A connection that goes on is closed, once it was refused twenty times; what comes after that is told that the session has ended.
func TestAConnectionThatGoesOnIsClosed(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	c := b.Connect()
	told := map[string]int{}
	b.On("GetItem", "nexus-users").Run(func() {
		for range 400 {
			_, err := b.login(c.Connid, `{"user":"dora","pass":"dora"}`)
			e, _ := errors.AsType[*jsonrpc.Error](err)
			told[fmt.Sprint(int(e.Code))]++
			if told["-32012"] == 20 && c.Closed() {
				t.Error("closed too early")
			}
		}
	})
	_, err := b.login(c.Connid, `{"user":"dora","pass":"dora"}`)
	b.fails(err, jsonrpc.InvalidRequest, "session ended")
	if told["-32012"] != 21 || told["-32600"] != 379 || !c.Closed() {
		t.Errorf("told %v, closed %t", told, c.Closed())
	}
}

// A login whose handler died keeps others out for as long as it might have run, and no longer.
func TestATurnWhoseHandlerDied(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	c := b.Connect().Connid
	b.DiesAfter(b.On("UpdateItem", "#turn"), func() string {
		_, err := harness.Call(b.Context(), b.call(c), `{"user":"dora","pass":"dora"}`, session.ReadLogin, b.sessions.Login)
		return fmt.Sprint(err)
	})
	b.Advance(15 * time.Second)
	_, err := b.login(c, `{"user":"dora","pass":"dora"}`)
	b.fails(err, jsonrpc.LimitExceeded, busy)
	b.Advance(time.Millisecond)
	b.as(c, "dora")
}

// The request that took a turn may arrive once more, late: it takes none again.
func TestATurnIsNotTakenLate(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	for _, pass := range []string{"dora", "wrong"} {
		c := b.Connect().Connid
		arrive := b.On("UpdateItem", "#turn").Stray(1)
		if _, err := b.login(c, `{"user":"dora","pass":"`+pass+`"}`); (err == nil) != (pass == "dora") {
			t.Fatal(err)
		}
		b.InVain(store.Sessions, arrive)
		b.as(c, "dora")
	}
}
