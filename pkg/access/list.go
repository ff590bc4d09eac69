package access

import (
	"regexp"
	"strings"
)

// DefaultLimit is how many names a list call answers when it names no limit.
const DefaultLimit = 100

// List is what a list or count call selects. Its zero value selects the names that are "" themselves, that is nothing:
// a missing depth is -1, a missing limit DefaultLimit.
type List struct {
	Prefix string         // canonical, from ListPrefix; "" covers all
	Depth  int            // at most so many labels below Prefix; 0 Prefix itself, negative no bound
	Filter *regexp.Regexp // matched anywhere in the name; nil matches all
	// Expression is what Filter is compiled from, by Compile: once it is known that the caller may list at all.
	Expression string
	Limit      int // how many at most; below 1 no limit
	// Named says that the client named a limit of 1 or more: so many it is to be answered, or an error. Else it is answered as many as fit one message.
	Named bool
	Skip  int // how many to leave out first; below 1 none
}

// Match says whether the list holds the name. Filter sees the name as it is given, with a path's trailing dot.
func (l List) Match(name string) bool {
	depth := Depth(l.Prefix, name)
	if depth < 0 || l.Depth >= 0 && depth > l.Depth {
		return false
	}
	return l.Filter == nil || l.Filter.MatchString(name)
}

// Page gives the half-open range of n ordered matches that Skip and Limit leave.
func (l List) Page(n int) (from, to int) {
	from, to = min(max(l.Skip, 0), n), n
	if l.Limit > 0 && l.Limit < n-from {
		to = from + l.Limit
	}
	return from, to
}

// Compile compiles the filter that Expression says; "" is none. Its error is fit for a client.
func (l *List) Compile() (err error) {
	if l.Expression != "" {
		l.Filter, err = CompileExpression(l.Expression)
	}
	return err
}

// Covers says whether the prefix covers the name in whole labels: a.b covers a.b and a.b.c, not a.bc. "" and "." cover
// everything.
func Covers(prefix, name string) bool { return Depth(prefix, name) >= 0 }

// Depth is the number of labels by which the name is below the prefix, 0 for the prefix itself, and -1 where the
// prefix does not cover it.
func Depth(prefix, name string) int {
	rest, covered := below(prefix, name)
	switch {
	case !covered:
		return -1
	case rest == "":
		return 0
	}
	return strings.Count(rest, ".") + 1
}

// SubPrefix is what a count by subprefixes counts the name under: the prefix with one label more. It is the prefix
// itself (trailing dots gone) where the name is the prefix; ok is false where the prefix does not cover the name.
func SubPrefix(prefix, name string) (sub string, ok bool) {
	rest, covered := below(prefix, name)
	if !covered {
		return "", false
	}
	name = strings.TrimRight(name, ".")
	label, _, _ := strings.Cut(rest, ".")
	return name[:len(name)-len(rest)+len(label)], true
}

// below is the part of name under prefix, without the dots around it.
func below(prefix, name string) (rest string, covered bool) {
	prefix, name = strings.TrimRight(prefix, "."), strings.TrimRight(name, ".")
	if prefix == "" || prefix == name {
		return name[len(prefix):], true
	}
	rest, covered = strings.CutPrefix(name, prefix)
	if !covered || rest[0] != '.' {
		return "", false
	}
	return rest[1:], true
}
