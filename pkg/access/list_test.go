package access_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/access"
)

func TestPrefixesAreWholeLabels(t *testing.T) {
	for _, c := range []struct {
		prefix, name string
		depth        int // -1: not covered
		sub          string
	}{
		{"a.b", "a.b", 0, "a.b"},
		{"a.b", "a.b.c", 1, "a.b.c"},
		{"a.b", "a.b.c.d.e", 3, "a.b.c"},
		{"a.b", "a.bc", -1, ""},
		{"a.b", "a", -1, ""},
		{"a.b", "", -1, ""},
		{"a.b", "x.a.b", -1, ""},
		{"", "a", 1, "a"},
		{"", "a.b.c", 3, "a"},
		{"", "", 0, ""},
		{".", "a.b", 2, "a"}, // trailing dots do not count
		{"a.b.", "a.b", 0, "a.b"},
		{"a.b.", "a.b.c", 1, "a.b.c"},
		{"a.b", "a.b.", 0, "a.b"}, // a path
		{"a", "a.b.", 1, "a.b"},
		{"a", "a.b.c.", 2, "a.b"},
		{"", ".", 0, ""},
		{"a", ".", -1, ""},
	} {
		if got := access.Depth(c.prefix, c.name); got != c.depth {
			t.Errorf("%q is %d below %q, want %d", c.name, got, c.prefix, c.depth)
		}
		if got := access.Covers(c.prefix, c.name); got != (c.depth >= 0) {
			t.Errorf("%q covers %q: %v", c.prefix, c.name, got)
		}
		if sub, ok := access.SubPrefix(c.prefix, c.name); sub != c.sub || ok != (c.depth >= 0) {
			t.Errorf("%q counts under %q of %q, %v; want %q", c.name, sub, c.prefix, ok, c.sub)
		}
	}
}

func TestList(t *testing.T) {
	names := []string{"a", "a.b", "a.b.c", "a.b.c.d", "a.bc", "b"}
	for _, c := range []struct {
		rule string
		list access.List
		want string
	}{
		{"a negative depth is no bound", access.List{Prefix: "a.b", Depth: -1}, "a.b a.b.c a.b.c.d"},
		{"an empty prefix covers everything", access.List{Depth: -5}, "a a.b a.b.c a.b.c.d a.bc b"},
		{"depth 0 is the prefix itself", access.List{Prefix: "a.b", Depth: 0}, "a.b"},
		{"depth 1 has one label below", access.List{Prefix: "a.b", Depth: 1}, "a.b a.b.c"},
		{"depth 1 below nothing", access.List{Depth: 1}, "a b"},
		{"depth 0 below nothing", access.List{}, ""},
		{"a filter matches anywhere", access.List{Depth: -1, Filter: regexp.MustCompile(`\.c|^b`)}, "a.b.c a.b.c.d b"},
		{"both", access.List{Prefix: "a", Depth: 1, Filter: regexp.MustCompile(`b`)}, "a.b a.bc"},
	} {
		got := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !c.list.Match(n) })
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.rule, got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	for _, c := range []struct{ limit, skip, n, from, to int }{
		{100, 0, 250, 0, 100},
		{100, 200, 250, 200, 250},
		{100, 250, 250, 250, 250},
		{100, 999, 250, 250, 250},
		{0, 10, 250, 10, 250}, // below 1: no limit
		{-1, 0, 250, 0, 250},
		{1, -7, 250, 0, 1},
		{int(^uint(0) >> 1), 1, 3, 1, 3}, // does not overflow
		{100, 0, 0, 0, 0},
	} {
		from, to := access.List{Limit: c.limit, Skip: c.skip}.Page(c.n)
		if from != c.from || to != c.to {
			t.Errorf("%+v: %d, %d", c, from, to)
		}
	}
}

func TestCompileFilter(t *testing.T) {
	for expr, want := range map[string]string{"": "", "b+$": "", "secret(": "does not compile: missing closing )"} {
		l := access.List{Expression: expr}
		if err := l.Compile(); reason(err) != want || (l.Filter != nil) != (want == "" && expr != "") {
			t.Errorf("%q: %v, %v", expr, l.Filter, err)
		}
	}
}
