package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"nexus/pkg/access"
)

func TestInherit(t *testing.T) {
	own := parseTags(t, `{"a":{"x":"own","o":{"p":1}}}`)
	first := parseTags(t, `{"a":{"x":"first","y":"first","o":{"q":2}},"b":{"x":"first"}}`)
	second := parseTags(t, `{"a":{"y":"second","z":"second"},"b":{"x":"second"},"c":{"x":"second"}}`)

	got := access.Inherit(own, first, second)
	want := `{"a":{"o":{"p":1},"x":"own","y":"first","z":"second"},"b":{"x":"first"},"c":{"x":"second"}}`
	if string(got.JSON()) != want {
		t.Errorf("got %s, want %s", got.JSON(), want)
	}
	if string(own.JSON()) != `{"a":{"o":{"p":1},"x":"own"}}` {
		t.Errorf("own became %s", own.JSON())
	}
	if got := access.Inherit(own, access.Tags{"b": {}}); string(got.JSON()) != string(own.JSON()) {
		t.Errorf("a template's prefix without tags made %s", got.JSON())
	}
	if got := access.Inherit(nil); got == nil || string(got.JSON()) != `{}` {
		t.Errorf("nothing inherits %v", got)
	}
}

// users is a table of users as Effective meets it; it writes down what was asked, a level in brackets.
type users struct {
	holders map[string]access.Holder
	asked   strings.Builder
}

// table reads lines of "name: template template", each user having its own name in tag "by" of its own prefix, and in
// the tag "by" that all share.
func table(t *testing.T, lines string) *users {
	u := &users{holders: map[string]access.Holder{}}
	for line := range strings.Lines(lines) {
		name, templates, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		u.holders[name] = access.Holder{
			Tags:      parseTags(t, fmt.Sprintf(`{"%s":{"is":true},".":{"by":"%s"}}`, name, name)),
			Templates: strings.Fields(templates),
		}
	}
	return u
}

func (u *users) lookup(names []string) (map[string]access.Holder, error) {
	fmt.Fprint(&u.asked, names)
	found := map[string]access.Holder{}
	for _, name := range names {
		if h, ok := u.holders[name]; ok {
			found[name] = h
		}
	}
	return found, nil
}

func TestEffective(t *testing.T) {
	for _, c := range []struct{ rule, users, asked, want string }{
		{"no templates", `u:`, "[u]", `{".":{"by":"u"},"u":{"is":true}}`},
		{"templates, theirs too, level by level", "u: a b\n a: c\n b: d\n c:\n d:", "[u][a b][c d]",
			`{".":{"by":"u"},"a":{"is":true},"b":{"is":true},"c":{"is":true},"d":{"is":true},"u":{"is":true}}`},
		{"each once", "u: a b\n a: c\n b: c a\n c:", "[u][a b][c]",
			`{".":{"by":"u"},"a":{"is":true},"b":{"is":true},"c":{"is":true},"u":{"is":true}}`},
		{"one's own template", "u: u", "[u]", `{".":{"by":"u"},"u":{"is":true}}`},
		{"a circle", "u: a\n a: b\n b: u", "[u][a][b]", `{".":{"by":"u"},"a":{"is":true},"b":{"is":true},"u":{"is":true}}`},
		{"missing ones are ignored", "u: ghost a\n a: ghost", "[u][ghost a]", `{".":{"by":"u"},"a":{"is":true},"u":{"is":true}}`},
		{"a missing user has no tags", "", "[u]", `{}`},
	} {
		u := table(t, c.users)
		got, err := access.Effective("u", u.lookup)
		if err != nil || string(got.JSON()) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.rule, got.JSON(), err, c.want)
		}
		if u.asked.String() != c.asked {
			t.Errorf("%s: asked %s, want %s", c.rule, &u.asked, c.asked)
		}
	}
}

// Who gives the tag that all have: a template's own templates come before the user's next template, and a user counts
// at its first place.
func TestEffectiveOrder(t *testing.T) {
	for _, c := range []struct{ rule, users, silent, by string }{
		{"the user first", "u: a\n a:", "", "u"},
		{"then the earlier template", "u: a b\n a:\n b:", "u", "a"},
		{"its own templates before the next", "u: a b\n a: c\n b:\n c:", "u a", "c"},
		{"then the next", "u: a b\n a: c\n b:\n c:", "u a c", "b"},
		{"the first place counts, not the highest level", "u: a b c\n a: c\n b:\n c:", "u a", "c"},
		{"a missing template hides nobody", "u: ghost b\n b:", "u", "b"},
		{"nobody", "u: a\n a: u", "u a", ""},
	} {
		u := table(t, c.users)
		for _, name := range strings.Fields(c.silent) {
			u.holders[name] = access.Holder{Templates: u.holders[name].Templates}
		}
		got, err := access.Effective("u", u.lookup)
		if by := strings.Trim(string(got["."]["by"]), `"`); err != nil || by != c.by {
			t.Errorf("%s: by %q, %v; want %q", c.rule, by, err, c.by)
		}
	}
}

func TestEffectiveLongChain(t *testing.T) {
	const n = 20000
	u := &users{holders: map[string]access.Holder{}}
	for i := range n {
		u.holders[fmt.Sprint("u", i)] = access.Holder{Templates: []string{fmt.Sprint("u", i+1)}}
	}
	u.holders[fmt.Sprint("u", n)] = access.Holder{Tags: parseTags(t, `{"a":{"x":1}}`)}
	got, err := access.Effective("u0", u.lookup)
	if err != nil || string(got.JSON()) != `{"a":{"x":1}}` {
		t.Errorf("%s, %v", got.JSON(), err)
	}
}

func TestEffectiveError(t *testing.T) {
	broken := errors.New("throttled")
	u := table(t, "u: a")
	_, err := access.Effective("u", func(names []string) (map[string]access.Holder, error) {
		if names[0] == "a" {
			return nil, broken
		}
		return u.lookup(names)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct{ rule, tags, mask, want string }{
		{"equal in both stay", `{"a":{"x":1,"y":2},"b":{"x":1}}`, `{"a":{"x":1,"y":3,"z":4}}`, `{"a":{"x":1}}`},
		{"a prefix left empty goes", `{"a":{"x":1}}`, `{"a":{"x":2}}`, `{}`},
		{"the same prefix, not a shorter", `{"a.b":{"x":1}}`, `{"a":{"x":1},".":{"x":1}}`, `{}`},
		{"prefixes have no case", `{"a":{"x":1}}`, `{"A":{"x":1}}`, `{"a":{"x":1}}`},
		{"tags have", `{"a":{"x":1}}`, `{"a":{"X":1}}`, `{}`},
		{"an empty mask leaves nothing", `{"a":{"x":1}}`, `{}`, `{}`},
		{"what withholds a permission stays", `{".":{"@a":false,"@b":0,"@c":"no","@d":true,"e":false},"x":{"@a":true,"@d":1}}`, `{"x":{"@a":true}}`,
			`{".":{"@a":false,"@b":0,"@c":"no"},"x":{"@a":true}}`},
	} {
		if got := string(access.Mask(parseTags(t, c.tags), parseTags(t, c.mask)).JSON()); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
	if got := access.Mask(parseTags(t, `{"a":{"x":1}}`), nil); len(got) != 0 {
		t.Errorf("a nil mask leaves %s", got.JSON())
	}
}

// No mask allows what the user's own tags do not, nor takes away that something is denied.
func TestMaskAllowsNothingMore(t *testing.T) {
	values := []string{``, `true`, `1`, `false`, `0`, `"x"`, `null`}
	set := func(tags access.Tags, prefix, value string) access.Tags {
		if value == "" {
			return tags
		}
		return tags.Set(prefix, map[string]json.RawMessage{"@m": json.RawMessage(value)})
	}
	prefixes := []string{".", "a", "a.b"}
	for n := range len(values) * len(values) * len(values) {
		tags := access.Tags{}
		for at, prefix := range prefixes {
			tags = set(tags, prefix, values[n/[]int{1, len(values), len(values) * len(values)}[at]%len(values)])
		}
		for without := range 1 << len(prefixes) {
			mask := tags
			for at, prefix := range prefixes {
				if without&(1<<at) != 0 {
					mask = mask.Delete(prefix, []string{"@m"})
				}
			}
			got := access.Mask(tags, mask)
			for _, subject := range append(prefixes, "a.b.c", "") {
				if got.Allows("m", subject) && !tags.Allows("m", subject) {
					t.Errorf("%s masked by %s allows m on %q", tags.JSON(), mask.JSON(), subject)
				}
				if tags.Denies("m", subject) && !got.Denies("m", subject) {
					t.Errorf("%s masked by %s does not deny m on %q", tags.JSON(), mask.JSON(), subject)
				}
			}
		}
	}
}

// Equal means equal as JSON; what stays keeps the bytes of the tags, not the mask's.
func TestMaskEquality(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`1`, `1.0`, true},
		{`1`, `10e-1`, true},
		{`100`, `1E+2`, true},
		{`0`, `-0.0e5`, true},
		{`1e400`, `10e399`, true},
		{`1e400`, `1e401`, false},
		{`1`, `-1`, false},
		{`9007199254740993`, `9007199254740992`, false}, // equal as float64
		{`0.1`, `0.10000000000000000001`, false},        // equal as float64
		{`1e99999999999999999999`, `10e99999999999999999998`, true},
		{`1e99999999999999999999`, `1e-99999999999999999999`, false},
		{`"a"`, `"\u0061"`, true},
		{`"a"`, `"A"`, false},
		{`"1"`, `1`, false},
		{`true`, `true`, true},
		{`true`, `1`, false},
		{`null`, `false`, false},
		{`null`, `null`, true},
		{`[1,{"x":2}]`, `[ 1.0, { "x" : 2 } ]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,1]`, false},
		{`{"x":1,"y":2}`, `{"y":2,"x":1}`, true},
		{`{"x":1}`, `{"x":1,"y":null}`, false},
		{`{"x":1,"y":2}`, `{"x":1,"z":2}`, false},
		{`{"x":1}`, `{"x":2,"x":1}`, true}, // the last counts
		{`{"x":1}`, `{"x":1,"x":2}`, false},
		{`{}`, `[]`, false},
	} {
		for _, p := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			want := `{}`
			if c.same {
				want = `{"a":{"x":` + p[0] + `}}`
			}
			got := string(access.Mask(parseTags(t, `{"a":{"x":`+p[0]+`}}`), parseTags(t, `{"a":{"x":`+p[1]+`}}`)).JSON())
			if got != want {
				t.Errorf("%s masked by %s: %s, want %s", p[0], p[1], got, want)
			}
		}
	}
}
