package session_test

import (
	"errors"
	"testing"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

func TestReload(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"n":1}}`)
	connid := b.Connect().Connid
	_, err := b.sessions.Reload(b.ctx, b.call(connid))
	b.fails(err, jsonrpc.InvalidRequest, "not logged in")
	b.want(nobody(connid))

	b.as(connid, "dora")
	b.set("dora", "tags", store.S(`{".":{"n":2.0}}`))
	b.want(loggedIn(connid, "dora", `{".":{"n":1}}`))
	for _, lose := range []bool{false, true} {
		if lose {
			b.On("UpdateItem").Lose(1)
		}
		got, err := b.sessions.Reload(b.ctx, b.call(connid))
		if got != jsonrpc.OK || err != nil {
			t.Errorf("%s %v, want ok", got, err)
		}
		b.want(loggedIn(connid, "dora", `{".":{"n":2.0}}`))
	}

	refused := func(code jsonrpc.Code, detail string) {
		t.Helper()
		_, err = b.sessions.Reload(b.ctx, b.call(connid))
		b.fails(err, code, detail)
		b.want(loggedIn(connid, "dora", `{".":{"n":2.0}}`))
	}
	b.set("dora", "tags", store.S(`{".":{"n":3}}`))
	b.set("dora", "disabled", store.Bool(true)) // which ends no session
	refused(jsonrpc.PermissionDenied, "dora is disabled")
	if _, err := b.users.Delete(b.ctx, b.call(connid), user.Delete{User: "dora"}); err != nil {
		t.Fatal(err)
	}
	refused(jsonrpc.InvalidRequest, "the user is no more")
	b.user("dora", `{".":{"@admin":true}}`) // another
	refused(jsonrpc.InvalidRequest, "the user is no more")

	if err := b.sessions.End(b.ctx, connid, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sessions.Reload(b.ctx, b.call(connid)); !errors.Is(err, session.ErrEnded) {
		t.Errorf("%v, want %v", err, session.ErrEnded)
	}
}

// TestReloadOvertaken puts something between the reload's reads and its write. The reload must not bring back what it read before.
func TestReloadOvertaken(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"n":1}}`)
	b.user("elsa", `{".":{"e":1}}`)
	connid := b.Connect().Connid
	b.as(connid, "dora")
	reload := func() error {
		_, err := b.sessions.Reload(b.ctx, b.call(connid))
		return err
	}
	for _, test := range []struct {
		name  string
		other func() error
		want  string
	}{
		{"a reload of newer tags", func() error {
			b.set("dora", "tags", store.S(`{".":{"n":2}}`))
			return reload()
		}, loggedIn(connid, "dora", `{".":{"n":2}}`)},
		{"a login", func() error {
			_, err := b.login(connid, `{"user":"elsa","pass":"elsa"}`)
			return err
		}, loggedIn(connid, "elsa", `{".":{"e":1}}`)},
	} {
		b.On("UpdateItem").Run(func() {
			if err := test.other(); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		})
		if err := reload(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		b.want(test.want)
	}

	b.On("UpdateItem").Run(func() {
		if err := b.sessions.End(b.ctx, connid, true); err != nil {
			t.Error(err)
		}
	})
	if err := reload(); !errors.Is(err, session.ErrEnded) {
		t.Errorf("%v, want %v", err, session.ErrEnded)
	}
	b.want(connid + ` ended user=elsa owner= tags={".":{"e":1}} wd=90`)
}

// TestOneRequestWritesTwice: the first write of a reload is there, is not heard of, is read by a second reload and overwritten by a third; then it
// writes again. The second, which had read the user before, must not take that for what it read.
func TestOneRequestWritesTwice(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"n":1}}`)
	connid := b.Connect().Connid
	b.as(connid, "dora")
	reload := func(c *call.Call) {
		if _, err := b.sessions.Reload(b.ctx, c); err != nil {
			t.Error(err)
		}
	}
	first, read, again, done := b.call(connid), make(chan struct{}), make(chan struct{}), make(chan struct{})
	writing := b.On("UpdateItem", `"nexus-sessions"`)
	writing.Lose(1)
	writing.Run(func() {
		writing.Run(func() { // before the second attempt
			close(read)
			<-again
		})
	})
	go func() {
		defer close(done)
		reload(first)
	}()
	<-read
	second, third := b.call(connid), b.call(connid)
	writing.Run(func() {
		b.set("dora", "tags", store.S(`{".":{"n":2}}`))
		reload(third)
		close(again)
		<-done
	})
	reload(second)
	b.want(loggedIn(connid, "dora", `{".":{"n":2}}`))
}
