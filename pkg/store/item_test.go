package store_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nexus/pkg/store"
)

func TestItems(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	i := store.Item{"s": store.S("x"), "n": store.N(-5), "b": store.Bool(true), "m": store.M(store.Item{"s": store.S("y")}),
		"l": store.Strings([]string{"a", "b"}), "t": store.Millis(at.In(time.FixedZone("", 3600)))}
	if i.Str("s") != "x" || i.Int("n") != -5 || !i.Bool("b") || i.Map("m").Str("s") != "y" || !slices.Equal(i.Strs("l"), []string{"a", "b"}) || i.Time("t") != at {
		t.Errorf("%v", i)
	}
	// What is absent or of another type is nothing.
	for _, name := range []string{"s", "none"} {
		if i.Int(name) != 0 || i.Bool(name) || i.Map(name) != nil || i.Strs(name) != nil {
			t.Errorf("%s is something", name)
		}
	}
	if i.Str("n") != "" || !i.Time("none").IsZero() || i.Has("none") || !i.Has("b") || store.Item(nil).Str("s") != "" {
		t.Error("nothing is something")
	}
}

// A pause grows from 20 ms to half a second, chance picks a part of it, and the context ends it.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pause := store.Backoff(func() float64 { return 0.5 })
		for attempt, want := range map[int]time.Duration{1: 10 * time.Millisecond, 2: 20 * time.Millisecond, 5: 160 * time.Millisecond,
			6: 250 * time.Millisecond, 7: 250 * time.Millisecond, 45: 250 * time.Millisecond, 100: 250 * time.Millisecond} {
			before := time.Now()
			if err := pause(t.Context(), attempt); err != nil || time.Since(before) != want {
				t.Errorf("attempt %d: %v, %v; want %v", attempt, time.Since(before), err, want)
			}
		}
	})
}

// The tables as they are created: nobody may change keys or indexes of what is deployed by mistake.
func TestSchema(t *testing.T) {
	var got []string
	for _, table := range store.Schema() {
		line := table.Name + ": " + table.Partition + " " + table.Sort + " " + string(table.Stream)
		for _, i := range append(table.Local, table.Global...) {
			line += ", " + i.Name + " " + i.Partition + " " + i.Sort
		}
		got = append(got, line)
	}
	want := []string{"users: user  , directory dir user", "sessions: id  , byuser owner id", "calls: id row ", "locks: lock  ", "pipes: pipeid row KEYS_ONLY", "tasks: part id KEYS_ONLY, queue  queue",
		"topics: part row NEW_IMAGE", "bodies: id  "}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
