package access_test

import (
	"strings"
	"testing"
	"unicode"

	"nexus/pkg/access"
)

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// fill is a name of n bytes: labels of nine letters.
func fill(n int) string {
	return strings.Repeat("aaaaaaaaa.", n/10+1)[:n-1] + "z"
}

func TestNames(t *testing.T) {
	name := map[string]func(string) (string, error){
		"user": access.UserName, "topic": access.Topic, "lock": access.Lock,
		"tag prefix": access.TagPrefix, "list prefix": access.ListPrefix,
	}
	everywhere := []string{"user", "topic", "lock", "tag prefix", "list prefix"}
	for _, c := range []struct {
		rule   string
		kinds  []string
		in     string
		want   string
		reason string
	}{
		{"names are lower-cased", everywhere, "Root.ÁRBOL", "root.árbol", ""},
		{"a name may begin with @", everywhere, "@internal", "@internal", ""},
		{"a * is a label like others", []string{"topic"}, "a.*", "a.*", ""},
		{"no white space", everywhere, "a bc", "", "holds white space"},
		{"no white space at an end", everywhere, "abc\n", "", "holds white space"},
		{"no Unicode white space", everywhere, "abc\u00a0d", "", "holds white space"},
		{"nor an ideographic one", everywhere, "abc\u3000d", "", "holds white space"},
		{"what only looks like space is a letter", everywhere, "abc\u200bd", "abc\u200bd", ""},
		{"no empty label between dots", everywhere, "aaa..b", "", "empty label"},
		{"no empty first label", everywhere, ".aaa", "", "empty label"},
		{"no trailing dot", []string{"user", "topic", "lock"}, "aaa.", "", "empty label"},
		{"a tag prefix may be given as a path", []string{"tag prefix"}, "A.b.", "a.b", ""},
		{"with one dot", []string{"tag prefix"}, "A.b..", "", "empty label"},
		{"a list prefix may end in a dot", []string{"list prefix"}, "A.b.", "a.b", ""},
		{"trailing dots do not count", []string{"list prefix"}, "A.b..", "a.b", ""},
		{"an empty list prefix covers everything", []string{"list prefix"}, "", "", ""},
		{"and so does a dot", []string{"list prefix"}, ".", "", ""},
		{"the root of tags is a dot", []string{"tag prefix"}, ".", ".", ""},
		{"only dots are no name", []string{"user", "topic", "lock", "tag prefix"}, "...", "", "empty label"},
		{"what listing everything is on is a tag prefix", []string{"tag prefix"}, "", "", ""},
		{"nothing is no name", []string{"topic", "lock"}, "", "", "empty"},
		{"user names hold no >", []string{"user"}, "ana>bob", "", "holds >"},
		{"up to 500 bytes", everywhere, fill(500), fill(500), ""},
		{"not 501", everywhere, fill(501), "", "over 500 bytes"},
		{"500 bytes and a dot that does not count", []string{"list prefix"}, fill(500) + ".", fill(500), ""},
		{"the bound is on the lower-cased: 500 that become 750", everywhere, strings.Repeat("Ⱥ", 250), "", "over 500 bytes"},
		{"and 900 that become 300", everywhere, strings.Repeat("\u212a", 300), strings.Repeat("k", 300), ""},
		{"names are UTF-8", everywhere, "abc\xff", "", "not UTF-8"},
		{"a cut rune is no UTF-8", everywhere, "abc\xe2\x82", "", "not UTF-8"},
		{"user names have 3 bytes", []string{"user"}, "abc", "abc", ""},
		{"bytes, not runes", []string{"user"}, "é1", "é1", ""},
		{"not 2", []string{"user"}, "ab", "", "under 3 bytes"},
		{"nor 0", []string{"user"}, "", "", "under 3 bytes"},
		{"nor 3 that become 1", []string{"user"}, "\u212a", "", "under 3 bytes"},
	} {
		for _, kind := range c.kinds {
			got, err := name[kind](c.in)
			if got != c.want || reason(err) != c.reason {
				t.Errorf("%s: %s %q is %q, %q; want %q, %q", c.rule, kind, c.in, got, reason(err), c.want, c.reason)
			}
		}
	}
}

func TestPassword(t *testing.T) {
	for in, want := range map[string]string{
		"abcd": "", "A b\u00a0\xff": "", "....": "", strings.Repeat("x", 500): "",
		"abc": "under 4 bytes", "": "under 4 bytes", strings.Repeat("x", 501): "over 500 bytes",
	} {
		if got := reason(access.Password(in)); got != want {
			t.Errorf("password %q: %q, want %q", in, got, want)
		}
	}
}

func TestTaskMethod(t *testing.T) {
	for _, c := range []struct{ in, path, method, reason string }{
		{"a.b.c", "a.b.", "c", ""},
		{"A.B", "a.", "b", ""},
		{"single", ".", "single", ""},
		{"a.@b", "a.", "@b", ""},
		{fill(500), fill(500)[:490], fill(500)[490:], ""},
		{"@a.b", "", "", "starts with @"},
		{"@", "", "", "starts with @"},
		{"a.b.", "", "", "empty label"},
		{".a", "", "", "empty label"},
		{".", "", "", "empty label"},
		{"a..b", "", "", "empty label"},
		{"a.b c", "", "", "holds white space"},
		{"", "", "", "empty"},
		{fill(501), "", "", "over 500 bytes"},
	} {
		path, method, err := access.TaskMethod(c.in)
		if path != c.path || method != c.method || reason(err) != c.reason {
			t.Errorf("method %q: %q %q %q, want %+v", c.in, path, method, reason(err), c)
		}
	}
}

func TestTaskPrefix(t *testing.T) {
	for _, c := range []struct{ in, path, reason string }{
		{"a.b", "a.b.", ""},
		{"a.b.", "a.b.", ""},
		{"A", "a.", ""},
		{".", ".", ""},
		{"", ".", ""},
		{fill(500), fill(500) + ".", ""},
		{fill(500) + ".", fill(500) + ".", ""},
		{fill(501), "", "over 500 bytes"},
		{"a..", "", "empty label"},
		{"..", "", "empty label"},
		{".a", "", "empty label"},
		{"@pull.a", "", "starts with @"},
		{" ", "", "holds white space"},
	} {
		path, err := access.TaskPrefix(c.in)
		if path != c.path || reason(err) != c.reason {
			t.Errorf("prefix %q: %q %q, want %+v", c.in, path, reason(err), c)
		}
	}
}

// What is stored is read through the same functions: a canonical name must be its own canonical name, rune by rune.
func TestLowerCaseIsStable(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		once, err := access.Topic("a" + string(r) + "b")
		if err != nil {
			continue // white space
		}
		if twice, err := access.Topic(once); twice != once || err != nil {
			t.Errorf("%U: %q, then %q, %v", r, once, twice, err)
		}
	}
}
