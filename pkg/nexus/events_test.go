package nexus_test

import (
	"slices"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Each table that has a stream for repair is repaired, and no other.
func TestStreamsAreRepaired(t *testing.T) {
	bus := harness.New(t).Bus
	var read []string
	for _, s := range nexus.Streams() {
		read = append(read, s.Table)
	}
	for _, table := range store.Schema() {
		got, ok := bus.Repaired("nexus-" + table.Name)
		if want := slices.Contains(read, table.Name); ok != want || (ok && got.Name != table.Name) || want != (table.Stream == store.KeysOnly) {
			t.Errorf("%s: repaired %t, read %t, stream %s", table.Name, ok, want, table.Stream)
		}
		if _, ok := bus.Repaired(table.Name); ok {
			t.Errorf("%s is repaired without the prefix", table.Name)
		}
		if err := bus.Changed(t.Context(), table.Name, nil); (err == nil) != ok {
			t.Errorf("%s changed: %v", table.Name, err)
		}
	}
}

// What nobody knows is an error, so that it ends in the dead-letter queue.
func TestUnknownWakes(t *testing.T) {
	bus := harness.New(t).Bus
	for _, kind := range []string{"", "task", "pipe.", "mail.deadline"} {
		if err := bus.Woken(t.Context(), timer.Wake{Kind: kind, Key: []string{"a", "b", "c"}}); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%q: %v", kind, err)
		}
	}
}
