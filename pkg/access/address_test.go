package access_test

import (
	"testing"

	"nexus/pkg/access"
)

func TestCompileExpression(t *testing.T) {
	for expr, want := range map[string]string{
		"172.17.*": "", "^10[.]": "", "": "", "2001:db8::": "",
		"(":       "does not compile: missing closing )",
		"*":       "does not compile: missing argument to repetition operator",
		`(?=a)`:   "does not compile: invalid or unsupported Perl syntax", // RE2 has no look-ahead
		"\xff":    "does not compile: invalid UTF-8",
		"a{2000}": "does not compile: invalid repeat count",
	} {
		if re, err := access.CompileExpression(expr); reason(err) != want || (re == nil) != (want != "") {
			t.Errorf("%q: %v, %q; want %q", expr, re, reason(err), want)
		}
	}
}

func TestRefused(t *testing.T) {
	list := func(s ...string) []string { return s }
	for _, c := range []struct {
		rule         string
		addr         string
		white, black []string
		want         bool
	}{
		{"no lists refuse nobody", "10.0.0.1", nil, nil, false},
		{"the blacklist refuses", "10.0.0.1", nil, list("10[.]"), true},
		{"any entry does", "10.0.0.1", nil, list("11", "10[.]"), true},
		{"only who matches", "192.0.2.1", nil, list("10[.]"), false},
		{"the whitelist lets through the blacklist", "10.0.0.1", list("10.0.0.1"), list(".*"), false},
		{"a whitelist alone keeps nobody out", "192.0.2.1", list("10.0.0.1"), nil, false},
		{"matched anywhere in the address", "110.0.0.1", nil, list("10.0"), true},
		{"unless anchored", "110.0.0.1", nil, list("^10.0"), false},
		{"what does not compile never matches: black", "10.0.0.1", nil, list("("), false},
		{"white", "10.0.0.1", list("("), list("10"), true},
		{"nor hides the next", "10.0.0.1", nil, list("(", "10"), true},
		{"IPv6", "2001:db8::1", nil, list("^2001:db8:"), true},
	} {
		if got := access.Refused(c.addr, c.white, c.black, access.CompileExpression); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}
