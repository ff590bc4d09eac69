package user_test

import (
	"testing"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

func (b *bench) rename(from, to string) error {
	_, err := b.users.Rename(b.ctx, b.call(), user.Rename{User: from, New: to})
	return err
}

func TestRename(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.create("bob", "second")
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"n":1.50}}`))
	ana, bob := row("ana", "first", `{".":{"n":1.50}}`, "request-3"), row("bob", "second", `{}`, "request-2")
	b.want(ana + "\n" + bob)
	b.fails(b.rename("ana", "bob"), jsonrpc.UserExists, "bob")
	b.fails(b.rename("ana", "ana"), jsonrpc.UserExists, "ana")
	b.fails(b.rename("eve", "eva"), jsonrpc.InvalidUser, "eve")
	b.fails(b.rename("eve", "eve"), jsonrpc.InvalidUser, "eve")
	b.fails(b.rename("eve", "bob"), jsonrpc.InvalidUser, "eve")
	b.want(ana + "\n" + bob)

	// All goes over, and what is done to it afterwards goes on from there. The old name is free.
	b.On("TransactWriteItems").Lose(1)
	if err := b.rename("ana", "eva"); err != nil {
		t.Error(err)
	}
	b.want(bob + "\n" + row("eva", "first", `{".":{"n":1.50}}`, "request-9"))
	b.ok(b.setTags(b.call(), `{"user":"eva","prefix":".","tags":{"m":2}}`))
	b.create("ana", "second")
	b.want(row("ana", "second", `{}`, "request-11") + "\n" + bob + "\n" + row("eva", "first", `{".":{"m":2,"n":1.50}}`, "request-10"))
}

// TestRenameOvertaken puts something between the reading and the transaction. Nothing of it is lost.
func TestRenameOvertaken(t *testing.T) {
	for _, test := range []struct {
		name  string
		other func(b *bench)
		code  jsonrpc.Code // 0: the renaming works
		who   string
		want  string
	}{
		{"a change", func(b *bench) { b.ok(b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"late":1}}`)) },
			0, "", row("eva", "first", `{".":{"late":1}}`, "request-2")},
		{"a user of the new name", func(b *bench) { b.create("eva", "second") },
			jsonrpc.UserExists, "eva", row("ana", "first", `{}`, "request-1") + "\n" + row("eva", "second", `{}`, "request-3")},
		{"the deletion", func(b *bench) { b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"})) },
			jsonrpc.InvalidUser, "ana", ""},
		{"another renaming", func(b *bench) {
			if err := b.rename("ana", "mia"); err != nil {
				b.t.Error(err)
			}
		}, jsonrpc.InvalidUser, "ana", row("mia", "first", `{}`, "request-3")},
		{"one created anew", func(b *bench) {
			b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
			b.create("ana", "second")
		}, 0, "", row("eva", "second", `{}`, "request-2")},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.create("ana", "first")
			b.On("TransactWriteItems").Run(func() { test.other(b) })
			err := b.rename("ana", "eva")
			if test.code == 0 && err != nil {
				t.Error(err)
			} else if test.code != 0 {
				b.fails(err, test.code, test.who)
			}
			b.want(test.want)
		})
	}
}

// A change that meets a renaming finds no user of the old name, and makes none.
func TestAChangeMeetsARenaming(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.On("UpdateItem").Run(func() {
		if err := b.rename("ana", "eva"); err != nil {
			t.Error(err)
		}
	})
	_, err := b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"late":1}}`)
	b.fails(err, jsonrpc.InvalidUser, "ana")
	b.want(row("eva", "first", `{}`, "request-3"))
	if n := len(b.Table(store.Users)); n != 1 {
		t.Errorf("%d items", n)
	}
}
