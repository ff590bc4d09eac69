package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

func TestLogin(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"n":1.50,"s":"<é>"},"elsa":{"@admin":true}}`)
	b.user("elsa", `{}`)
	b.set("elsa", "templates", store.Strings([]string{"dora"}))
	connid := b.Connect().Connid
	b.want(nobody(connid))
	for _, test := range []struct{ params, name, tags string }{
		{`{"user":"DORA","pass":"dora"}`, "dora", `{".":{"n":1.50,"s":"<é>"},"elsa":{"@admin":true}}`},
		{`{"method":"basic","user":"elsa","pass":"elsa"}`, "elsa", `{".":{"n":1.50,"s":"<é>"},"elsa":{"@admin":true}}`},
		{`{"user":"dora>elsa","pass":"dora"}`, "elsa", `{".":{"n":1.50,"s":"<é>"},"elsa":{"@admin":true}}`},
	} {
		got, err := b.login(connid, test.params)
		want := jsonrpc.Outcome(`"result":{"ok":true,"connid":"` + connid + `","user":"` + test.name + `","tags":` + test.tags + `,"metadata":null}`)
		if got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", test.params, got, err, want)
		}
		b.want(loggedIn(connid, test.name, test.tags))
		in, err := b.sessions.Load(b.ctx, connid)
		if string(in.Tags.JSON()) != test.tags || in.User != test.name || err != nil {
			t.Errorf("in force: %s %s %v", in.User, in.Tags.JSON(), err)
		}
	}
}

func TestReadLogin(t *testing.T) {
	tests := []struct {
		params string
		want   session.Login
		detail string
	}{
		{`{"user":"Ana","pass":"Secret"}`, session.Login{Method: "basic", User: "ana", As: "ana", Pass: "Secret"}, ""},
		{`{"method":"basic","user":"ana","pass":""}`, session.Login{Method: "basic", User: "ana", As: "ana"}, ""},
		{`{"method":null,"user":"ana>Bob","pass":"x"}`, session.Login{Method: "basic", User: "ana", As: "bob", Pass: "x"}, ""},
		{`{"method":"ldap","token":1}`, session.Login{Method: "ldap", Path: "sys.login.ldap.", Task: "login", Params: `{"method":"ldap","token":1}`}, ""},
		{`{"method":"LDAP.two"}`, session.Login{Method: "ldap.two", Path: "sys.login.ldap.two.", Task: "login", Params: `{"method":"LDAP.two"}`}, ""},
		{`{"method":"BASIC","user":"ana","pass":"x"}`, session.Login{Method: "basic", User: "ana", As: "ana", Pass: "x"}, ""},
		{`{"method":"","user":"ana","pass":"x"}`, session.Login{Method: "basic", User: "ana", As: "ana", Pass: "x"}, ""},
		{`{"method":"a b"}`, session.Login{}, "method: holds white space"},
		{`{"method":"a..b"}`, session.Login{}, "method: empty label"},
		{`{"method":1,"user":"ana","pass":"x"}`, session.Login{}, "method"},
		{`{"pass":"x"}`, session.Login{}, "user"},
		{`{"user":"ana"}`, session.Login{}, "pass"},
		{`{"user":"ana","pass":null}`, session.Login{}, "pass"},
		{`{"user":5,"pass":"x"}`, session.Login{}, "user"},
		// Names that no user has are as wrong as any other.
		{`{"user":"a","pass":"x"}`, session.Login{Method: "basic", User: " a", As: " a", Pass: "x"}, ""},
		{`{"user":"","pass":""}`, session.Login{Method: "basic", User: " ", As: " "}, ""},
		{`{"user":" ana","pass":"x"}`, session.Login{Method: "basic", User: "  ana", As: "  ana", Pass: "x"}, ""},
		{`{"user":"ana>","pass":"x"}`, session.Login{Method: "basic", User: "ana", As: " ", Pass: "x"}, ""},
		{`{"user":">ana","pass":"x"}`, session.Login{Method: "basic", User: " ", As: "ana", Pass: "x"}, ""},
		{`{"user":"ana > bob","pass":"x"}`, session.Login{Method: "basic", User: " ana ", As: "  bob", Pass: "x"}, ""},
		{`{"user":"ana>bob>eva","pass":"x"}`, session.Login{Method: "basic", User: "ana", As: " bob>eva", Pass: "x"}, ""},
		{`{"user":"` + strings.Repeat("é", 300) + `","pass":"x"}`, session.Login{Method: "basic", User: " " + strings.Repeat("é", 50), As: " " + strings.Repeat("é", 50), Pass: "x"}, ""},
	}
	for _, test := range tests {
		p := jsonrpc.ReadParams([]byte(test.params))
		got := session.ReadLogin(p)
		err := p.Err()
		if test.detail != "" {
			if err == nil || err.Error() != "-32602 Invalid params:["+test.detail+"]" {
				t.Errorf("%s: %v, want %s", test.params, err, test.detail)
			}
			continue
		}
		if got != test.want || err != nil {
			t.Errorf("%s: %+v %v, want %+v", test.params, got, err, test.want)
		}
	}
}

// TestFailedLogin tries every way to fail on a session that is logged in already: it stays so.
func TestFailedLogin(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"kept":true}}`)
	b.user("elsa", `{}`)
	b.user("huge", `{".":{"x":"`+strings.Repeat("x", session.MaxTags)+`"}}`)
	b.set("elsa", "disabled", store.Bool(true))
	connid := b.Connect().Connid
	b.as(connid, "dora")
	before := loggedIn(connid, "dora", `{".":{"kept":true}}`)
	b.want(before)
	for _, test := range []struct {
		params string
		code   jsonrpc.Code
		detail string
	}{
		{`{"user":"dora","pass":"wrong"}`, jsonrpc.PermissionDenied, ""},
		{`{"user":"ghost","pass":"ghost"}`, jsonrpc.PermissionDenied, ""},
		{`{"user":"elsa","pass":"elsa"}`, jsonrpc.PermissionDenied, "elsa is disabled"},
		{`{"user":"dora>elsa","pass":"dora"}`, jsonrpc.PermissionDenied, "@admin on elsa"},
		{`{"user":"huge","pass":"huge"}`, jsonrpc.InvalidParams, "user: tags, with those of its templates, over 120 KB"},
	} {
		_, err := b.login(connid, test.params)
		b.fails(err, test.code, test.detail)
		b.want(before)
	}
}

// TestLoginAfterEnd finds that a login makes no session.
func TestLoginAfterEnd(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	connid := b.Connect().Connid
	if err := b.sessions.End(b.ctx, connid, true); err != nil {
		t.Fatal(err)
	}
	ended := connid + " ended user=nobody owner= tags={} wd=90"
	b.want(ended)
	for _, id := range []string{connid, b.Connid("never")} {
		if _, err := b.login(id, `{"user":"dora","pass":"dora"}`); !errors.Is(err, session.ErrEnded) {
			t.Errorf("%v, want %v", err, session.ErrEnded)
		}
	}
	b.want(ended)
}

// TestMaxSessions counts the live sessions of a user, and only those.
func TestMaxSessions(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	b.user("elsa", `{}`)
	b.set("dora", "maxsessions", store.N(2))
	gone := b.Connect()
	one := gone.Connid
	two := b.Connect().Connid
	other := b.Connect().Connid
	three := b.Connect().Connid
	b.as(one, "dora")
	b.as(two, "dora")
	b.as(other, "elsa")
	b.as(two, "dora") // its own session does not count
	if n := b.On("GetConnection").Count(); n != 0 {
		t.Errorf("%d connections were asked for while there was room", n)
	}
	full := []string{loggedIn(one, "dora", "{}"), loggedIn(two, "dora", "{}"), loggedIn(other, "elsa", "{}"), nobody(three)}
	b.want(full...)
	_, err := b.login(three, `{"user":"dora","pass":"dora"}`)
	b.fails(err, jsonrpc.PermissionDenied, "too many sessions of dora")
	b.want(full...)
	if n := b.On("GetConnection").Count(); n != 2 {
		t.Errorf("%d connections were asked for, want both", n)
	}

	// The first is gone, and nobody said so: it is ended, and there is room.
	gone.Lost()
	b.as(three, "dora")
	b.want(one+" ended user=dora owner= tags={} wd=90", loggedIn(two, "dora", "{}"), loggedIn(other, "elsa", "{}"), loggedIn(three, "dora", "{}"))

	// Below 1 is no limit.
	b.set("dora", "maxsessions", store.N(0))
	four := b.Connect().Connid
	b.as(four, "dora")
}

// TestMaxSessionsOfManyDead ends more dead sessions than are asked for at a time.
func TestMaxSessionsOfManyDead(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	b.set("dora", "maxsessions", store.N(0))
	const n = 40
	for range n {
		conn := b.Connect()
		connid := conn.Connid
		b.as(connid, "dora")
		conn.Lost()
	}
	b.set("dora", "maxsessions", store.N(1))
	connid := b.Connect().Connid
	b.as(connid, "dora")
	if got := strings.Count(b.table(), " ended "); got != n {
		t.Errorf("%d sessions ended, want %d", got, n)
	}
	next := b.Connect().Connid
	_, err := b.login(next, `{"user":"dora","pass":"dora"}`)
	b.fails(err, jsonrpc.PermissionDenied, "too many sessions of dora")
}

// TestMaxSessionsLongAgo leaves out what the index still holds of a session whose time is over.
func TestMaxSessionsLongAgo(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	b.set("dora", "maxsessions", store.N(1))
	one := b.Connect().Connid
	b.as(one, "dora")
	b.Advance(session.Lifetime + session.Tombstone + time.Second)
	two := b.Connect().Connid
	b.as(two, "dora")
	if n := b.On("GetConnection").Count(); n != 0 {
		t.Errorf("%d connections were asked for", n)
	}
}

// TestLoginLostResponse repeats the write of the session.
func TestLoginLostResponse(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{"a":{"b":1}}`)
	connid := b.Connect().Connid
	for _, write := range []string{"#turn", "#login"} { // that begins a login, and that ends it
		b.On("UpdateItem", write).Lose(1)
		b.as(connid, "dora")
		b.want(loggedIn(connid, "dora", `{"a":{"b":1}}`))
	}
}

// A login that another got in the way of begins again with the user that it was for: not with another of the name, whose password nobody gave.
func TestLoginAsTheNamePassesOn(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{"a":{"b":1}}`)
	b.user("elsa", `{}`)
	connid := b.Connect().Connid
	b.On("UpdateItem", "#login").Run(func() {
		b.Advance(16 * time.Second) // or the other would be refused, for one is under way
		b.as(connid, "elsa")
		if _, err := b.users.Delete(b.ctx, b.call(""), user.Delete{User: "dora"}); err != nil {
			t.Error(err)
		}
		b.user("dora", `{".":{"@admin":true}}`)
	})
	_, err := b.login(connid, `{"user":"dora","pass":"dora"}`)
	b.fails(err, jsonrpc.PermissionDenied, "")
	b.want(loggedIn(connid, "elsa", `{}`))
}
