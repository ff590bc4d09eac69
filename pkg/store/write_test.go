package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/store"
)

// add is an update that has a condition on the value.
func add(id string, n, seen int64) store.Write {
	return store.Write{Table: store.Tasks, Key: key("p", id), Update: "SET #n = #n + :n", If: "#n = :seen",
		Values: store.Item{":n": store.N(n), ":seen": store.N(seen)}}
}

func TestWritesReturnWhatTheyLeaveOrTake(t *testing.T) {
	b := newBench(t)
	create := store.Write{Table: store.Tasks, Item: store.Item{"part": store.S("p"), "id": store.S("a"), "n": store.N(1)}, If: "attribute_not_exists(#id)"}
	if item, err := b.Do(b.ctx, create); err != nil || item != nil {
		t.Errorf("put: %v, %v", item, err)
	}
	if item, err := b.Do(b.ctx, add("a", 2, 1)); err != nil || item.Int("n") != 3 || item.Str("id") != "a" {
		t.Errorf("update: %v, %v", item, err)
	}
	if item, err := b.Do(b.ctx, store.Write{Table: store.Tasks, Key: key("p", "a"), If: "#n = :n", Values: store.Item{":n": store.N(3)}}); err != nil ||
		item.Int("n") != 3 {
		t.Errorf("delete: %v, %v", item, err)
	}
	if item := b.get("p", "a"); item != nil {
		t.Errorf("it is still there: %v", item)
	}
}

func TestALoserSeesWhatItMet(t *testing.T) {
	b := newBench(t)
	b.put("p", "a", "", 5)
	for name, w := range map[string]store.Write{
		"put":    {Table: store.Tasks, Item: key("p", "a"), If: "attribute_not_exists(#id)"},
		"update": add("a", 1, 4),
		"delete": {Table: store.Tasks, Key: key("p", "a"), If: "#n = :n", Values: store.Item{":n": store.N(4)}},
	} {
		item, err := b.Do(b.ctx, w)
		if old, lost := store.Lost(err); !lost || item != nil || old.Int("n") != 5 {
			t.Errorf("%s: %v; lost %v to %v", name, err, lost, old)
		}
	}
	if old, lost := store.Lost(func() error { _, err := b.Do(b.ctx, add("none", 1, 4)); return err }()); !lost || old != nil {
		t.Errorf("an item that does not exist: lost %v to %v", lost, old)
	}
	if item := b.get("p", "a"); item.Int("n") != 5 {
		t.Errorf("a loser changed it: %v", item)
	}
	if _, lost := store.Lost(nil); lost {
		t.Error("no error is a loss")
	}
	if _, lost := store.Lost(errors.New("x")); lost {
		t.Error("any error is a loss")
	}
}

// What DynamoDB refuses stays an error, not a loss, and is not tried again.
func TestOtherErrorsStayThemselves(t *testing.T) {
	b := newBench(t)
	_, err := b.Do(b.ctx, store.Write{Table: store.Tasks, Key: key("p", "a"), Update: "SET nonsense", If: "#n = :n", Values: store.Item{":n": store.N(1)}})
	if _, lost := store.Lost(err); err == nil || lost || !strings.Contains(err.Error(), "write tasks") || len(b.pauses) > 0 {
		t.Errorf("%v, paused %v", err, b.pauses)
	}
	err = b.Transact(b.ctx, "t1", add("a", 1, 0), add("a", 1, 0)) // twice the same item
	if c := (*store.Cancelled)(nil); err == nil || errors.As(err, &c) || len(b.pauses) > 0 {
		t.Errorf("%v, paused %v", err, b.pauses)
	}
}

func TestContentionIsTriedAgain(t *testing.T) {
	for name, write := range map[string]func(b *bench, seen int64) error{
		"write":       func(b *bench, seen int64) error { _, err := b.Do(b.ctx, add("a", 1, seen)); return err },
		"transaction": func(b *bench, seen int64) error { return b.Transact(b.ctx, fmt.Sprint("t", seen), add("a", 1, seen)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.put("p", "a", "", 0)
			busy := 3
			b.conflict = func() bool { busy--; return busy >= 0 }
			if err := write(b, 0); err != nil || !slices.Equal(b.pauses, []int{1, 2, 3}) {
				t.Errorf("%v after pauses %v", err, b.pauses)
			}
			if n := b.get("p", "a").Int("n"); n != 1 {
				t.Errorf("n is %d", n)
			}
			b.pauses, b.conflict = nil, func() bool { return true }
			err := write(b, 1)
			if _, lost := store.Lost(err); err == nil || lost || len(b.pauses) != store.Contention-1 {
				t.Errorf("without end: %v after pauses %v", err, b.pauses)
			}
			if c := (*store.Cancelled)(nil); errors.As(err, &c) {
				t.Error("contention counts as a lost condition")
			}
		})
	}
}

// The SDK repeats a request whose response was lost: a plain write meets itself, a transaction's token makes it the same one.
func TestALostResponse(t *testing.T) {
	b := newBench(t)
	b.put("p", "a", "", 0)
	b.put("p", "b", "", 0)
	b.lose = true
	_, err := b.Do(b.ctx, add("a", 1, 0))
	if old, lost := store.Lost(err); !lost || old.Int("n") != 1 || !store.Repeated(err) {
		t.Errorf("a write: lost %v to %v, repeated %v", lost, old, store.Repeated(err))
	}
	if _, err := b.Do(b.ctx, add("a", 1, 0)); err == nil || store.Repeated(err) {
		t.Errorf("a write that was sent once: %v, repeated %v", err, store.Repeated(err))
	}
	n := 0
	b.lose, b.conflict = true, func() bool { n++; return n == 2 } // then contention, and the write is sent anew
	_, err = b.Do(b.ctx, add("b", 1, 0))
	if old, lost := store.Lost(err); !lost || old.Int("n") != 1 || !store.Repeated(err) {
		t.Errorf("a write that met contention: lost %v to %v, repeated %v", lost, old, store.Repeated(err))
	}
	b.lose, b.conflict = true, nil
	if err := b.Transact(b.ctx, "t1", add("a", 1, 1)); err != nil {
		t.Errorf("a transaction: %v", err)
	}
	if n := b.get("p", "a").Int("n"); n != 2 {
		t.Errorf("n is %d", n)
	}
}

func TestTransactionsAreAllOrNothing(t *testing.T) {
	b := newBench(t)
	b.put("p", "a", "", 1)
	b.put("p", "b", "", 2)
	err := b.Transact(b.ctx, "t1", add("a", 1, 1), add("b", 1, 7), store.Write{Table: store.Users, Item: store.Item{"user": store.S("u")}},
		store.Write{Table: store.Tasks, Key: key("p", "none"), If: "attribute_exists(#id)"})
	var c *store.Cancelled
	if !errors.As(err, &c) || len(c.Lost) != 4 || c.Lost[0] != nil || c.Lost[2] != nil {
		t.Fatalf("%v: %+v", err, c)
	}
	if c.Lost[1] == nil || c.Lost[1].Old.Int("n") != 2 || c.Lost[3] == nil || c.Lost[3].Old != nil {
		t.Errorf("lost to %+v and %+v", c.Lost[1], c.Lost[3])
	}
	if n := b.get("p", "a").Int("n"); n != 1 {
		t.Errorf("half a transaction: %d", n)
	}
	if err := b.Transact(b.ctx, "t2", add("a", 1, 1), store.Write{Table: store.Tasks, Key: key("p", "b")}, store.Write{Table: store.Users,
		Item: store.Item{"user": store.S("u")}}); err != nil {
		t.Fatal(err)
	}
	user, err := b.Get(b.ctx, store.Users, store.Item{"user": store.S("u")})
	if err != nil || user == nil || b.get("p", "a").Int("n") != 2 || b.get("p", "b") != nil {
		t.Errorf("user %v, %v", user, err)
	}
}

// A write that is sent once is not repeated when its response is lost, whatever it is; another is, and meets itself.
func TestOnce(t *testing.T) {
	for name, w := range map[string]store.Write{
		"put":    {Table: store.Tasks, Item: key("p", "b"), If: "attribute_not_exists(#id)"},
		"update": add("a", 1, 5),
		"delete": {Table: store.Tasks, Key: key("p", "a"), If: "#n = :n", Values: store.Item{":n": store.N(5)}},
	} {
		for _, once := range []bool{true, false} {
			b := newBench(t)
			b.put("p", "a", "", 5)
			b.lose, w.Once = true, once
			_, err := b.Do(b.ctx, w)
			if _, lost := store.Lost(err); err == nil || lost == once {
				t.Errorf("%s, once %t: %v", name, once, err)
			}
		}
	}
}

// What was refused for its rate was not carried out: a write that is sent once is sent again, by the DB, until it was.
func TestOnceIsThrottled(t *testing.T) {
	b := newBench(t)
	b.put("p", "a", "", 5)
	w := add("a", 1, 5)
	w.Once, b.throttled = true, 2
	if item, err := b.Do(b.ctx, w); err != nil || item.Int("n") != 6 || !slices.Equal(b.pauses, []int{1, 2}) {
		t.Errorf("%v, %v after pauses %v", item, err, b.pauses)
	}
	w = add("a", 1, 6)
	w.Once, b.throttled = true, store.Contention
	if item, err := b.Do(b.ctx, w); err == nil || b.throttled != 0 {
		t.Errorf("%v, %v; %d left", item, err, b.throttled)
	}
}

// A check is a part of a transaction that writes nothing.
func TestChecks(t *testing.T) {
	b := newBench(t)
	b.put("p", "a", "", 5)
	check := func(n int64) store.Write {
		return store.Write{Table: store.Tasks, Key: key("p", "a"), Check: true, If: "#n = :n", Values: store.Item{":n": store.N(n)}}
	}
	put := store.Write{Table: store.Tasks, Item: key("p", "b")}
	var c *store.Cancelled
	if err := b.Transact(b.ctx, "t1", check(4), put); !errors.As(err, &c) || c.Lost[0] == nil || c.Lost[0].Old.Int("n") != 5 || b.get("p", "b") != nil {
		t.Errorf("a check that fails: %v", err)
	}
	if err := b.Transact(b.ctx, "t2", check(5), put); err != nil || b.get("p", "b") == nil || b.get("p", "a").Int("n") != 5 {
		t.Errorf("one that holds: %v", err)
	}
}
