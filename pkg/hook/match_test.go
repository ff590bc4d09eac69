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
		{"task a.b u", "hook.* hook.task hook.task.* " +
			"hook.task|a.b hook.task|a.b.* hook.task|a.* hook.task|* hook.task|.* " +
			"hook.task|a.b|u hook.task|a.b.*|u hook.task|a.*|u hook.task|*|u hook.task|.*|u " +
			"hook.task|a.b|u.* hook.task|a.*|u.* hook.task|*|u.* hook.task|a.b|* hook.task|a.*|* hook.task|*|* hook.task|a.b|.* hook.task|.*|.*",
			"* hook hook.user hook.user.* hook.task|a hook.task|a.b.c hook.task|a.b.c.* hook.task|b.* hook.task|a.b|v hook.task|a.b|u.v hook.task|a|u " +
				"hook.task|a.b| hook.task| hook.task|a.b|*.u hook.user|a.b|u"},
		{"task single u", "hook.task|single hook.task|single.* hook.task|*|u", "hook.task|.single hook.task|.|u"},
		{"user x.y by.z", "hook.user hook.user.* hook.user|x.y|by.z hook.user|x.*|by.* hook.user|x.y|by.z.* hook.user|*|by.*",
			"hook.task.* hook.user|x.y|by hook.user|x"},
		// A | in a name is no bound between the parts, nor is what a name that ends in a \ makes of the one behind it.
		{"task a|b u|v", `hook.task|a\|b hook.task|a\|b|u\|v hook.task|a\|b.*|u\|v.* hook.task|*|u\|v hook.task|a\|b|*`,
			`hook.task|a hook.task|a.* hook.task|a|b hook.task|a|b|u hook.task|a|b|u|v hook.task|a|b|u.* hook.task|a|*`},
		{"task x.m|bob eve", `hook.task|x.m\|bob hook.task|x.* hook.task|x.m\|bob|eve`, `hook.task|x.m|bob hook.task|x.m hook.task|x.m|* hook.task|x.m|bob.*`},
		{`task x\ y`, `hook.task|x\\ hook.task|x\\|y`, `hook.task|x\ hook.task|x\|y`},
		{`task x\|y eve`, `hook.task|x\\\|y|eve`, `hook.task|x\\|y|eve hook.task|x\\|y hook.task|x\|y`},
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
		{"a.b.c", "u", 33}, {"single", "u", 23}, {"*", "*", 3 + 3 + 9}, {deep(15), "u", 3 + 18 + 18*4}, {deep(16), deep(16), 383}, {deep(17), deep(17), 383},
		// Nobody can subscribe to what is over 500 bytes, as the whole name is here.
		{deep(250), deep(250), 3 + 18 + 18*18}, {deep(250), "u", 3 + 18 + 18*4},
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

// What can hear an event is what Patterns names for some event, and nothing else that begins so.
func TestHears(t *testing.T) {
	for _, pattern := range strings.Fields(`hook.* hook.task hook.task.* hook.user hook.user.* hook.task|a hook.task|a.b.* hook.task|* hook.task|.* hook.user|bob|eve
		hook.task|a|b.* hook.task|a\|b hook.task|a\|b|c\\ hook.task|a\\|b`) {
		if !hook.Hears(pattern) {
			t.Errorf("%s hears nothing", pattern)
		}
	}
	for _, pattern := range strings.Fields(`* hook hooks hook.github hook.tasks hook.task.a hook.task.*.* hook.a.* hook.*.* hook.*|a hook.task.*|a hook.tasks|a hook.| hook.|a
		hook.task| hook.task|| hook.task||a hook.task|a| hook.task|a|b|c hook.task|a|b| hook.task|a\b hook.task|a\ hook.task|a|\ hookx.task|a a.hook.* topic hook.listen`) {
		if hook.Hears(pattern) {
			t.Errorf("%s hears something", pattern)
		}
	}
	for _, parts := range []string{"task a.b u", "user x.y by.z", `task x|y\ u|`, `user \| |\`, "task * *"} {
		for _, pattern := range hook.Patterns(strings.Fields(parts)) {
			if !hook.Hears(pattern) {
				t.Errorf("%s is taken by %s, which hears nothing", parts, pattern)
			}
		}
	}
}
