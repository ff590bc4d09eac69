package lock_test

import (
	"strings"
	"testing"
	"time"

	"nexus/pkg/store"
)

// TestLateGrant: a grant that comes late is nobody's, also where the lock is free as it was when it was sent.
func TestLateGrant(t *testing.T) {
	for _, strays := range []int{1, 3} {
		b := newBench(t)
		cs := b.clients("ana", "bob")
		ana, bob := cs[0], cs[1]
		b.says(bob.lock("door"), "fence 1")
		b.says(bob.unlock("door"), ok)
		b.Advance(time.Second)
		arrive := b.granting().Stray(strays)
		if got := ana.lock("door"); strays == 1 {
			b.says(got, "fence 2")
			b.says(ana.unlock("door"), ok)
		} else if !strings.Contains(got, "EOF") {
			t.Errorf("three grants that got no response: %s", got)
		}
		b.InVain(store.Locks, arrive)
		b.Advance(time.Second)
		if got := bob.lock("door"); !strings.HasPrefix(got, "fence ") {
			t.Errorf("the lock is not free: %s", got)
		}
	}
}

// TestLateUnlock: it does not free what its session was granted since.
func TestLateUnlock(t *testing.T) {
	for _, strays := range []int{1, 3} {
		b := newBench(t)
		ana := b.clients("ana")[0]
		b.says(ana.lock("door"), "fence 1")
		b.Advance(time.Second)
		arrive := b.freeing().Stray(strays)
		if got := ana.unlock("door"); strays == 1 {
			b.says(got, ok)
		} else if !strings.Contains(got, "EOF") {
			t.Errorf("three unlocks that got no response: %s", got)
		}
		b.Advance(time.Second)
		if strays == 1 {
			b.says(ana.lock("door"), "fence 2")
		}
		b.InVain(store.Locks, arrive)
		b.says(ana.unlock("door"), ok)
	}
}

// TestLateTakeOver: a lock is taken over from who is gone, once.
func TestLateTakeOver(t *testing.T) {
	b := newBench(t)
	cs := b.clients("ana", "bob")
	ana, bob := cs[0], cs[1]
	b.says(ana.lock("door"), "fence 1")
	b.End(ana.Client)
	b.Advance(time.Second)
	arrive := b.granting().With(":gone").Stray(1)
	b.says(bob.lock("door"), "fence 2")
	b.InVain(store.Locks, arrive)
	b.says(bob.unlock("door"), ok)
}
