package lock_test

import (
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/lock"
	"nexus/pkg/store"
)

// held is a lock that ana holds, and who else wants it.
func held(t *testing.T) (b *bench, ana, bob, eve client) {
	b = newBench(t)
	cs := b.clients("ana", "bob", "eve")
	ana, bob, eve = cs[0], cs[1], cs[2]
	b.says(ana.lock("door"), "fence 1")
	return b, ana, bob, eve
}

func (b *bench) asking() harness.Kind { return b.On("GetConnection") }

// asked checks how often API Gateway was asked for a connection.
func (b *bench) asked(want int) {
	b.t.Helper()
	if n := b.asking().Count(); n != want {
		b.t.Errorf("asked for a connection %d times, want %d", n, want)
	}
}

// state is that of a client's session.
func (c client) state() string {
	item, err := c.b.DB.Get(c.b.t.Context(), store.Sessions, store.Item{"id": store.S(c.Connid)})
	if err != nil {
		c.b.t.Fatal(err)
	}
	return item.Str("state")
}

// write changes a client's session behind the bus' back.
func (c client) write(w store.Write) {
	c.b.t.Helper()
	w.Table, w.Key = store.Sessions, store.Item{"id": store.S(c.Connid)}
	if _, err := c.b.DB.Do(c.b.t.Context(), w); err != nil {
		c.b.t.Fatal(err)
	}
}

// dies ends a client's session and does nothing else: whoever ended it died behind that write, and nobody cleans up.
func (c client) dies() {
	c.b.t.Helper()
	c.write(store.Write{Update: "SET #state = :ended", If: "#state = :live", Values: store.Item{":ended": store.S("ended"), ":live": store.S("live")}})
}

// A lock is free once its holder's session has ended, though nobody cleaned up.
func TestHolderEnded(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.dies()
	b.says(bob.lock("door"), "fence 2")
	b.want("door fence=2 owner=bob by=r2 asked=0s,r2 exp=27h0m0s")
	b.asked(0)
	b.says(ana.unlock("door"), notOwned) // a handler of hers that was under way
	b.says(bob.unlock("door"), ok)
}

// A session of which nothing is known is gone.
func TestHolderMissing(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.write(store.Write{})
	b.says(bob.lock("door"), "fence 2")
	b.asked(0)
}

// A lock is free once its holder's connection is gone, though nobody said so.
func TestHolderLost(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.Lost()
	if ana.state() != "live" {
		t.Fatal("somebody heard of it")
	}
	b.says(bob.lock("door"), "fence 2")
	b.asked(1)
	if ana.state() != "ended" {
		t.Error("her session was not ended")
	}
	b.want("door fence=2 owner=bob by=r2 asked=0s,r2 exp=27h0m0s")
}

// For one lock API Gateway is asked at most every 5 s, whoever holds it and whoever wants it.
func TestAskedEvery5s(t *testing.T) {
	b, ana, bob, eve := held(t)
	b.says(bob.lock("door"), notOwned)
	b.says(eve.lock("door"), notOwned)
	b.asked(1)
	b.want("door fence=1 owner=ana by=r1 asked=0s,r2 exp=27h0m0s")

	b.says(ana.unlock("door"), ok)
	b.says(eve.lock("door"), "fence 2")
	b.Advance(lock.AskEvery - time.Millisecond)
	b.says(bob.lock("door"), notOwned)
	b.asked(1)
	b.want("door fence=2 owner=eve by=r5 freed=r4 asked=0s,r2 exp=27h0m0s")

	eve.Lost()
	b.says(bob.lock("door"), notOwned) // 5 s after the last time at the latest
	b.asked(1)
	b.Advance(time.Millisecond)
	b.says(bob.lock("door"), "fence 3")
	b.asked(2)
	b.want("door fence=3 owner=bob by=r8 freed=r4 asked=5s,r8 exp=27h0m5s")
}

// Of those who want the lock at once one asks.
func TestOneAsks(t *testing.T) {
	b, _, bob, eve := held(t)
	b.On("UpdateItem", "#asked = :now").Run(func() { b.says(eve.lock("door"), notOwned) })
	b.says(bob.lock("door"), notOwned)
	b.asked(1)
	b.Advance(lock.AskEvery)
	b.On("UpdateItem", "#asked = :now").Run(func() { b.says(eve.lock("door"), notOwned) })
	b.says(bob.lock("door"), notOwned)
	b.asked(2)
	b.want("door fence=1 owner=ana by=r1 asked=5s,r5 exp=27h0m0s")
}

// Whose claim to ask was written but not answered asks.
func TestAskingWithALostResponse(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.Lost()
	b.On("UpdateItem", "#asked = :now").Lose(1)
	b.says(bob.lock("door"), "fence 2")
	b.asked(1)
}

// A holder of whom nothing can be learned holds on.
func TestAskingFails(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.Lost()
	b.asking().Fail(tries)
	b.says(bob.lock("door"), notOwned)
	b.Advance(lock.AskEvery)
	b.says(bob.lock("door"), "fence 2")
}

// A lock whose holder's connection is gone is taken over though the session could not be ended.
func TestEndingFails(t *testing.T) {
	b, ana, bob, _ := held(t)
	ana.Lost()
	b.On("SendMessageBatch").Fail(tries)
	b.says(bob.lock("door"), "fence 2")
	if ana.state() != "live" {
		t.Error("the session was ended after all")
	}
	b.want("door fence=2 owner=bob by=r2 asked=0s,r2 exp=27h0m0s")
}

// overtaking is the write that takes a lock over.
func (b *bench) overtaking() harness.Kind { return b.granting().With(":gone") }

// What becomes of a lock between the look at its holder's session and the write that takes it over.
func TestOvertaking(t *testing.T) {
	t.Run("another is first", func(t *testing.T) {
		b, ana, bob, eve := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.says(eve.lock("door"), "fence 2") })
		b.says(bob.lock("door"), notOwned)
		b.want("door fence=2 owner=eve by=r3 asked=0s,r2 exp=27h0m0s")
	})
	t.Run("another is first, and has unlocked it", func(t *testing.T) {
		b, ana, bob, eve := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.says(eve.lock("door"), "fence 2"); b.says(eve.unlock("door"), ok) })
		b.says(bob.lock("door"), "fence 3")
		b.want("door fence=3 owner=bob by=r2 freed=r4 asked=0s,r2 exp=27h0m0s")
	})
	t.Run("another is first, and dies", func(t *testing.T) {
		b, ana, bob, eve := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.says(eve.lock("door"), "fence 2"); eve.dies() })
		b.says(bob.lock("door"), "fence 3")
	})
	t.Run("its holder unlocks it", func(t *testing.T) {
		b, ana, bob, _ := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.says(ana.unlock("door"), ok) })
		b.says(bob.lock("door"), "fence 2")
	})
	t.Run("its holder unlocks it and is granted it again", func(t *testing.T) {
		b, ana, bob, _ := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.says(ana.unlock("door"), ok); b.says(ana.lock("door"), "fence 2") })
		b.says(bob.lock("door"), "fence 3")
	})
	t.Run("its time is over", func(t *testing.T) {
		b, ana, bob, _ := held(t)
		ana.dies()
		b.overtaking().Run(func() { b.Advance(24 * time.Hour); b.drop("door") })
		b.says(bob.lock("door"), "fence 86400001")
	})
	t.Run("its response is lost", func(t *testing.T) {
		b, ana, bob, _ := held(t)
		ana.dies()
		b.overtaking().Lose(1)
		b.says(bob.lock("door"), "fence 2")
		b.want("door fence=2 owner=bob by=r2 asked=0s,r2 exp=24h0m0s")
	})
	t.Run("others are always first", func(t *testing.T) {
		b, ana, bob, _ := held(t)
		ana.dies()
		first := func() {
			other := b.clients("other")[0]
			if got := other.lock("door"); got == notOwned {
				t.Error("the lock of a dead session was refused")
			}
			other.dies()
		}
		const attempts = 8
		for range attempts - 1 {
			b.overtaking().With(bob.Connid).Run(first)
		}
		b.says(bob.lock("door"), "lock door: others were first at each attempt")
	})
}
