package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"nexus/pkg/access"
)

func TestParseTags(t *testing.T) {
	for _, c := range []struct{ rule, in, want, reason string }{
		{"keys sort, values keep their bytes", ` { "b" : { "y" : 1.0 , "x" : [ 1,  2 ] } , "a" : {"s":"\u0041\/<&>"} } `,
			`{"a":{"s":"\u0041\/<&>"},"b":{"x":[ 1,  2 ],"y":1.0}}`, ""},
		{"numbers are not read", `{"a":{"x":1e400,"y":-0,"z":123456789012345678901234567890}}`,
			`{"a":{"x":1e400,"y":-0,"z":123456789012345678901234567890}}`, ""},
		{"tags keep their case", `{"A.B":{"Tag":true,"tag":false}}`, `{"a.b":{"Tag":true,"tag":false}}`, ""},
		{"tags may have any name", `{"a":{"":1," ":2,"a..b":3}}`, `{"a":{"":1," ":2,"a..b":3}}`, ""},
		{"a quoted quote ends nothing", `{"a":{"x\"}":"\\\"}}","y":["\\",{"\"":1}]}}`, `{"a":{"x\"}":"\\\"}}","y":["\\",{"\"":1}]}}`, ""},
		{"the root", `{".":{"@admin":true}}`, `{".":{"@admin":true}}`, ""},
		{"of a tag given twice the last", `{"a":{"x":1,"x":2}}`, `{"a":{"x":2}}`, ""},
		{"of a prefix given twice the last", `{"a":{"x":1},"a":{"y":2}}`, `{"a":{"y":2}}`, ""},
		{"twice after lower-casing", `{"a":{"x":1},"A":{"y":2}}`, `{"a":{"y":2}}`, ""},
		{"in the order of the document", `{"A":{"y":2},"a":{"x":1}}`, `{"a":{"x":1}}`, ""},
		{"a prefix without tags goes", `{"a":{},"b":{"x":1}}`, `{"b":{"x":1}}`, ""},
		{"even the last of two", `{"a":{"x":1},"A":{}}`, `{}`, ""},
		{"nothing is no tags", ``, `{}`, ""},
		{"null is no object", `null`, ``, "not an object"},
		{"nor is an array", `[]`, ``, "not an object"},
		{"nor the tags of a prefix", `{"a":[]}`, ``, "tags of a prefix: not an object"},
		{"prefixes have names", `{"a..b":{"x":1}}`, ``, "prefix: empty label"},
		{"without white space", `{"a b":{"x":1}}`, ``, "prefix: holds white space"},
		{"JSON that is cut", `{"a":{"x":1}`, ``, "not JSON"},
		{"JSON with a tail", `{} {}`, ``, "not JSON"},
		{"at the bound", nested(access.MaxTagDepth), nested(access.MaxTagDepth), ""},
		{"over the bound", nested(access.MaxTagDepth + 1), ``, "nested over 500 deep"},
		{"far over", nested(9000), ``, "nested over 500 deep"},
		{"over what encoding/json reads", nested(100000), ``, "not JSON"},
	} {
		tags, err := access.ParseTags(json.RawMessage(c.in))
		if reason(err) != c.reason {
			t.Errorf("%s: %v, want %q", c.rule, err, c.reason)
		} else if err == nil && string(tags.JSON()) != c.want {
			t.Errorf("%s: %s, want %s", c.rule, tags.JSON(), c.want)
		} else if err == nil && tags == nil {
			t.Errorf("%s: nil", c.rule)
		}
	}
}

// nested is one tag whose value nests n deep.
func nested(n int) string {
	return `{"a":{"x":` + strings.Repeat(`[`, n) + strings.Repeat(`]`, n) + `}}`
}

func TestParsedTagsDoNotShareTheBuffer(t *testing.T) {
	raw := []byte(`{"a":{"x":"abc"}}`)
	tags, err := access.ParseTags(raw)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[11:], "zzz")
	if got := string(tags.JSON()); got != `{"a":{"x":"abc"}}` {
		t.Errorf("tags became %s", got)
	}
	if x := tags["a"]["x"]; cap(x) != len(x) {
		t.Error("appending to a value would write over the next")
	}
}

func TestParseTagSet(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{`{"b":1.0, "a":null, "B":{ }}`, `{"B":{ },"a":null,"b":1.0}`, ""},
		{`{}`, `{}`, ""},
		{`null`, ``, "not an object"},
		{`["a"]`, ``, "not an object"},
		{`"a"`, ``, "not an object"},
		{``, ``, "not JSON"},
		{`{"x":` + strings.Repeat(`{"y":`, 501) + `1` + strings.Repeat(`}`, 502), ``, "nested over 500 deep"},
	} {
		set, err := access.ParseTagSet(json.RawMessage(c.in))
		if reason(err) != c.reason || err == nil && string(access.TagSetJSON(set)) != c.want {
			t.Errorf("%s: %s, %v; want %s, %q", c.in, access.TagSetJSON(set), err, c.want, c.reason)
		}
	}
}

func TestParseTagNames(t *testing.T) {
	for _, c := range []struct{ in, want, reason string }{
		{`["b","a","A","\u0041"]`, "b a A A", ""},
		{`{"b":1,"a":{"c":2},"b":3}`, "b a", ""},
		{`[]`, "", ""},
		{`{}`, "", ""},
		{`["a",1]`, "", "a name is not a string"},
		{`"a"`, "", "neither a list nor an object"},
		{`null`, "", "neither a list nor an object"},
		{`[`, "", "not JSON"},
	} {
		names, err := access.ParseTagNames(json.RawMessage(c.in))
		if strings.Join(names, " ") != c.want || reason(err) != c.reason {
			t.Errorf("%s: %q, %v; want %q, %q", c.in, names, err, c.want, c.reason)
		}
	}
}

func TestTagsJSON(t *testing.T) {
	for _, c := range []struct {
		rule string
		tags access.Tags
		want string
	}{
		{"nil is an object", nil, `{}`},
		{"a nil value is null", access.Tags{"a": {"x": nil}}, `{"a":{"x":null}}`},
		{"keys are not escaped for HTML", access.Tags{"a<b": {"&\"\n": json.RawMessage(`"<"`)}}, `{"a<b":{"&\"\n":"<"}}`},
	} {
		if got := string(c.tags.JSON()); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
	if got := string(access.TagSetJSON(nil)); got != `{}` {
		t.Errorf("no set: %s", got)
	}
}

// Names of tags are text, in the values of tags too: a lone surrogate would make two of them one. What else is in a value is kept, and equals only what is
// spelled alike.
func TestLoneSurrogatesInTags(t *testing.T) {
	for _, raw := range []string{`{"a\ud800":{"t":1}}`, `{"a":{"t\udfff":1}}`, `{"a":{"t":{"x":[{"\ud800":1}]}}}`} {
		if _, err := access.ParseTags([]byte(raw)); err == nil {
			t.Errorf("%s was taken", raw)
		}
	}
	for _, raw := range []string{`["\ud800"]`, `{"\ud800":1}`} {
		if _, err := access.ParseTagNames([]byte(raw)); err == nil {
			t.Errorf("%s was taken", raw)
		}
	}
	tags, err := access.ParseTags([]byte(`{"a":{"t\ud83d\ude00":"\ud800","u":"\udfff"}}`))
	if err != nil || string(tags.JSON()) != `{"a":{"t😀":"\ud800","u":"\udfff"}}` {
		t.Fatalf("%s %v", tags.JSON(), err)
	}
	mask, err := access.ParseTags([]byte(`{"a":{"t😀":"\udfff","u":"\udfff"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(access.Mask(tags, mask).JSON()); got != `{"a":{"u":"\udfff"}}` {
		t.Errorf("masked: %s", got)
	}
}
