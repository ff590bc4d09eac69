package call_test

import (
	"slices"
	"testing"

	"nexus/pkg/call"
)

// TestOpened: the open rows of one kind, also those that an earlier release named; as many as are asked for; and none that is over.
func TestOpened(t *testing.T) {
	b := newBench(t)
	pipe := func(row, item string) call.Row {
		r := call.Row{Key: call.Key{Connid: "c1", Row: row}, Kind: "pipe", Item: [2]string{item, "meta"}}
		if err := b.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	b.fresh("c1", "fresh", `1`)
	b.open("c1", "task", "")
	b.open("c2", "other", "")
	before := pipe("o#0|meta", "0")
	one := pipe(call.Open([2]string{"1", "meta"}, nil), "1")
	pipe(call.Open([2]string{"2", "meta"}, nil), "2")
	check := func(kind string, most int, want ...string) {
		t.Helper()
		rows, err := b.Opened(t.Context(), "c1", kind, most)
		var got []string
		for _, r := range rows {
			got = append(got, r.Item[0])
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d of kind %s: %q, %v, want %q", most, kind, got, err, want)
		}
	}
	check("pipe", 10, "0", "1", "2")
	check("pipe", 2, "0", "1")
	check("pipe", 3, "0", "1", "2")
	check("task", 1, "p.")
	check("none", 1)
	for _, r := range []call.Row{before, one, one} { // once is enough
		if err := b.Over(t.Context(), r.Key); err != nil {
			t.Error(err)
		}
	}
	check("pipe", 10, "2")
}
