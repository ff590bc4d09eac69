package nxgo_test

import (
	"sync"
	"testing"

	"github.com/jaracil/ei"
	"github.com/nayarsystems/nxgo/nxcore"
)

func TestLock(t *testing.T) {
	b := newBus(t)
	one, two := b.root(), b.root()
	first, err := one.Lock("Door")
	if err != nil || !ei.N(first).M("ok").BoolZ() {
		t.Fatal(first, err)
	}
	b.refused(nxcore.ErrLockNotOwned)(two.Lock("door"))
	b.refused(nxcore.ErrLockNotOwned)(one.Lock("door"))
	b.refused(nxcore.ErrLockNotOwned)(two.Unlock("door"))
	b.want(ok)(one.Unlock("door"))
	b.refused(nxcore.ErrLockNotOwned)(one.Unlock("door"))
	second, err := two.Lock("door")
	if err != nil || ei.N(second).M("fence").Float64Z() <= ei.N(first).M("fence").Float64Z() {
		t.Errorf("%v %v, after %v", second, err, first)
	}
	two.Close()
	b.until("the lock is free", func() bool { return done(one.Lock("door")) })
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Lock("door"))
	b.refused(nxcore.ErrInvalidParams)(one.Lock("a..b"))
}

func TestLockList(t *testing.T) {
	b := newBus(t)
	one, two := b.root(), b.root()
	for _, name := range []string{"a.b", "a.b.c", "z"} {
		if _, err := one.Lock(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := two.Lock("a.x"); err != nil {
		t.Fatal(err)
	}
	list, err := one.LockList("a", 0, 0)
	if want := []nxcore.LockInfo{{Id: "a.b", Owner: one.Id()}, {Id: "a.b.c", Owner: one.Id()}, {Id: "a.x", Owner: two.Id()}}; err != nil || len(list) != 3 ||
		list[0] != want[0] || list[1] != want[1] || list[2] != want[2] {
		t.Errorf("%v %v, expected %v", list, err, want)
	}
	list, err = one.LockList("a", 1, 1, &nxcore.ListOpts{LimitByDepth: true, Depth: 1})
	if err != nil || len(list) != 1 || list[0].Id != "a.x" {
		t.Errorf("%v %v", list, err)
	}
	list, err = one.LockList("", 0, 0, &nxcore.ListOpts{Filter: "^z|c$"})
	if err != nil || len(list) != 2 || list[0].Id != "a.b.c" || list[1].Id != "z" {
		t.Errorf("%v %v", list, err)
	}
	b.want(`{"count":4}`)(one.LockCount(""))
	b.want(`{"count":1}`)(one.LockCount("a", &nxcore.CountOpts{Filter: "x"}))
	b.want(`[{"count":2,"prefix":"a.b"},{"count":1,"prefix":"a.x"}]`)(one.LockCount("a", &nxcore.CountOpts{Subprefixes: true}))
}

// What locks are for: clients that try until they have it are never two at once.
func TestLockExcludes(t *testing.T) {
	b := newBus(t)
	held := make(chan struct{}, 1)
	var clients sync.WaitGroup
	for range 5 {
		c := b.root()
		clients.Go(func() {
			for range 5 {
				b.until("a turn", func() bool { return done(c.Lock("turn")) })
				select {
				case held <- struct{}{}:
				default:
					t.Error("two hold it")
					return
				}
				<-held
				b.want(ok)(c.Unlock("turn"))
			}
		})
	}
	clients.Wait()
}
