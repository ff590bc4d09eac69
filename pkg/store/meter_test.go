package store_test

import (
	"strings"
	"testing"

	"nexus/pkg/store"
)

// What DynamoDB bills; see the design's aws-facts.
func TestTheMeterCountsWhatDynamoDBBills(t *testing.T) {
	b := newBench(t)
	do := func(w store.Write) { _, _ = b.Do(b.ctx, w) } // also what loses costs
	get := func(id string) { b.get("p", id) }
	for _, c := range []struct {
		what string
		do   func()
		want [2]float64 // W, R
	}{
		{"a put", func() { b.put("p", "a", "", 1) }, [2]float64{1, 0}},
		{"a put that enters the index", func() { b.put("p", "q", "t#1", 1) }, [2]float64{2, 0}},
		{"an update", func() { do(add("a", 1, 1)) }, [2]float64{1, 0}},
		{"an update beside the index", func() { do(add("q", 1, 1)) }, [2]float64{1, 0}},
		{"an update that loses", func() { do(add("a", 1, 1)) }, [2]float64{1, 0}},
		{"an update that leaves the index", func() {
			do(store.Write{Table: store.Tasks, Key: key("p", "q"), Update: "REMOVE #queue", If: "attribute_exists(#id)"})
		}, [2]float64{2, 0}},
		{"a strong read", func() { get("a") }, [2]float64{0, 1}},
		{"a strong read of nothing", func() { get("none") }, [2]float64{0, 1}},
		{"a strong query", func() {
			_, _, _ = b.Query(b.ctx, store.Query{Table: store.Tasks, If: "#part = :p", Values: store.Item{":p": store.S("p")}})
		}, [2]float64{0, 1}},
		{"two reads that are eventually consistent", func() {
			_, _ = b.GetAllEventually(b.ctx, []store.Key{{Table: store.Tasks, Key: key("p", "q")}, {Table: store.Tasks, Key: key("p", "none")}}, "")
		}, [2]float64{0, 1}},
		{"a query of a global index", func() {
			_, _, _ = b.Query(b.ctx, store.Query{Table: store.Sessions, Index: store.IndexByUser, If: "#owner = :u", Eventual: true,
				Values: store.Item{":u": store.S("u")}})
		}, [2]float64{0, 0.5}},
		{"a transaction of two", func() { _ = b.Transact(b.ctx, "t1", add("a", 1, 2), add("q", 1, 2)) }, [2]float64{4, 0}},
		{"a transaction of two that is cancelled", func() { _ = b.Transact(b.ctx, "t2", add("a", 1, 0), add("q", 1, 3)) }, [2]float64{4, 0}},
		{"a deletion", func() { do(store.Write{Table: store.Tasks, Key: key("p", "a")}) }, [2]float64{1, 0}},
		{"a put of 2.5 KB", func() {
			do(store.Write{Table: store.Bodies, Item: store.Item{"id": store.S("b"), "params": store.S(strings.Repeat("x", 2500))}})
		}, [2]float64{3, 0}},
	} {
		b.spent()
		c.do()
		if got := b.spent(); got != c.want {
			t.Errorf("%s: %v W and %v R, want %v", c.what, got[0], got[1], c.want)
		}
	}
}

// Without a meter in the context nothing is counted, and nothing fails.
func TestTheMeterIsTheContexts(t *testing.T) {
	b := newBench(t)
	if _, err := b.Get(t.Context(), store.Tasks, key("p", "a")); err != nil {
		t.Fatal(err)
	}
	if got := b.spent(); got != [2]float64{} {
		t.Errorf("counted %v", got)
	}
}
