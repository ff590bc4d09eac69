package main

import (
	"maps"
	"testing"
)

func TestSettings(t *testing.T) {
	set := map[string]string{"NEXUS_FANOUT_RATE": "7", "NEXUS_TASK_SHARDS": "", "NEXUS_TABLE_PREFIX": "the stack's own"}
	if got, want := settings(func(name string) string { return set[name] }), map[string]string{"NEXUS_FANOUT_RATE": "7"}; !maps.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}
