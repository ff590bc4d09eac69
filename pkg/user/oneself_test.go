package user_test

import (
	"testing"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// self is a call that is allowed as one on oneself only, by a session of the user ana as she is now.
func (b *bench) self() *call.Call {
	c := b.call()
	c.Oneself, c.Session = true, call.Session{User: "ana", UID: b.item("ana").Str("uid")}
	return c
}

// What becomes of the user between the permission and the reading, and between the reading and the write: the password is set on who logged in, or on nobody.
func TestOneself(t *testing.T) {
	remove := func(b *bench) { b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"})) }
	for _, test := range []struct {
		name   string
		other  func(b *bench)
		denied bool
	}{
		{"nothing", func(*bench) {}, false},
		{"other tags", func(b *bench) { b.ok(b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"late":1}}`)) }, false},
		{"disabled", func(b *bench) {
			b.ok(b.users.SetDisabled(b.ctx, b.call(), user.SetDisabled{User: "ana", Disabled: true}))
		}, true},
		{"deleted", remove, true},
		{"created anew", func(b *bench) { remove(b); b.create("ana", "first") }, true},
		{"renamed", func(b *bench) { b.Try(b.rename("ana", "eva")) }, true},
		{"renamed and back", func(b *bench) { b.Try(b.rename("ana", "eva")); b.Try(b.rename("eva", "ana")) }, true},
	} {
		for _, when := range []string{"GetItem", "UpdateItem"} {
			t.Run(test.name+" before "+when, func(t *testing.T) {
				b := newBench(t)
				b.create("ana", "first")
				c := b.self()
				b.On(when).Run(func() { test.other(b) })
				_, err := b.users.SetPass(b.ctx, c, user.SetPass{User: "ana", Pass: "second"})
				if test.denied {
					b.fails(err, jsonrpc.PermissionDenied, "")
				} else {
					b.Try(err)
				}
				for _, name := range []string{"ana", "eva"} {
					if b.item(name) == nil {
						continue
					}
					_, first := b.users.Authenticate(b.ctx, name, "first")
					_, second := b.users.Authenticate(b.ctx, name, "second")
					if (first == nil) != test.denied || (second == nil) == test.denied {
						t.Errorf("%s: with the first password %v, with the second %v", name, first, second)
					}
				}
			})
		}
	}
}

// What is read of oneself is read of who logged in.
func TestReadingOneself(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	c := b.self()
	read := func(want bool) {
		t.Helper()
		_, tags := b.users.GetTags(b.ctx, c, user.GetTags{User: "ana"})
		_, effective := b.users.GetEffectiveTags(b.ctx, c, user.GetEffectiveTags{User: "ana"})
		if (tags == nil) != want || (effective == nil) != want {
			t.Errorf("%v, %v", tags, effective)
		}
	}
	read(true)
	b.set("ana", "disabled", store.Bool(true))
	read(false)
	b.set("ana", "disabled", store.Bool(false))
	read(true)
	b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
	read(false)
	b.create("ana", "first")
	read(false)
}
