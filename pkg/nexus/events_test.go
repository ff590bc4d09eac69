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

// Each table that has a stream of keys is repaired, and no other; one has a stream of publications, and they are handed out.
func TestStreamsAreRepaired(t *testing.T) {
	bus := harness.New(t).Bus
	var read []string
	for _, s := range nexus.Streams() {
		read = append(read, s.Table)
	}
	for _, table := range store.Schema() {
		got, ok := bus.Repaired("nexus-" + table.Name)
		handed, want := bus.Publishes("nexus-"+table.Name), slices.Contains(read, table.Name)
		if (ok || handed) != want || (ok && got.Name != table.Name) || ok != (table.Stream == store.KeysOnly) || handed != (table.Stream == store.NewImage) {
			t.Errorf("%s: repaired %t, handed out %t, read %t, stream %s", table.Name, ok, handed, want, table.Stream)
		}
		if _, ok := bus.Repaired(table.Name); ok || bus.Publishes(table.Name) {
			t.Errorf("%s is known without the prefix", table.Name)
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
