package hook_test

import (
	"slices"
	"strings"
	"testing"

	"nexus/pkg/hook"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		parts string // kind, path, user
		takes string
		not   string
	}{
		{"task a.b u", "* hook.* hook.task hook.task.* " +
			"hook.task|a.b hook.task|a.b.* hook.task|a.* hook.task|* hook.task|.* " +
			"hook.task|a.b|u hook.task|a.b.*|u hook.task|a.*|u hook.task|*|u hook.task|.*|u " +
			"hook.task|a.b|u.* hook.task|a.*|u.* hook.task|*|u.* hook.task|a.b|* hook.task|a.*|* hook.task|*|* hook.task|a.b|.* hook.task|.*|.*",
			"hook hook.user hook.user.* hook.task|a hook.task|a.b.c hook.task|a.b.c.* hook.task|b.* hook.task|a.b|v hook.task|a.b|u.v hook.task|a|u " +
				"hook.task|a.b| hook.task| hook.task|a.b|*.u hook.user|a.b|u"},
		{"task single u", "hook.task|single hook.task|single.* hook.task|*|u", "hook.task|.single hook.task|.|u"},
		{"user x.y by.z", "hook.user hook.user.* hook.user|x.y|by.z hook.user|x.*|by.* hook.user|x.y|by.z.* hook.user|*|by.*",
			"hook.task.* hook.user|x.y|by hook.user|x"},
		// A | in a name is no bound between the parts.
		{"task a|b u|v", "hook.task|a|b hook.task|a|b|u|v hook.task|a|b.*|u|v.*", "hook.task|a hook.task|a.* hook.task|a|b|u hook.task|a|b|u.*"},
		// A name may have a * as a label.
		{"task a.* *", "hook.task|a.* hook.task|a.*|*", "hook.task|a"},
	} {
		got := hook.Patterns(strings.Fields(c.parts))
		for _, want := range strings.Fields(c.takes) {
			if !slices.Contains(got, want) {
				t.Errorf("%s is not taken by %s", c.parts, want)
			}
		}
		for _, want := range strings.Fields(c.not) {
			if slices.Contains(got, want) {
				t.Errorf("%s is taken by %s", c.parts, want)
			}
		}
	}
}

// Each pattern is there once, so that each is a query, and their number has a bound: names may have 250 labels.
func TestPatternsAreFew(t *testing.T) {
	deep := func(labels int) string { return strings.Repeat("a.", labels-1) + "a" }
	for _, c := range []struct {
		path, user string
		n          int
	}{
		{"a.b.c", "u", 34}, {"single", "u", 24}, {"*", "*", 4 + 3 + 9}, {deep(15), "u", 4 + 18 + 18*4}, {deep(16), deep(16), 384}, {deep(17), deep(17), 384},
		{deep(250), deep(250), 384},
	} {
		got := hook.Patterns([]string{hook.Task, c.path, c.user})
		if len(got) != c.n || len(slices.Compact(slices.Sorted(slices.Values(got)))) != c.n {
			t.Errorf("%.20s %.20s: %d patterns, want %d, each once", c.path, c.user, len(got), c.n)
		}
		if !slices.Equal(got, hook.Patterns([]string{hook.Task, c.path, c.user})) {
			t.Error("in another order the second time")
		}
	}
	if got := hook.Patterns([]string{hook.Task, "a"}); got != nil {
		t.Errorf("two parts: %q", got)
	}
	// Below the sixteenth label only the name itself takes.
	got := hook.Patterns([]string{hook.Task, deep(20), "u"})
	for pattern, want := range map[string]bool{deep(20): true, deep(20) + ".*": false, deep(16) + ".*": true, deep(17) + ".*": false} {
		if slices.Contains(got, "hook.task|"+pattern) != want {
			t.Errorf("20 labels, %s: taken %v", pattern, !want)
		}
	}
}
