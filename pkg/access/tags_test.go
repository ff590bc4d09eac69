package access_test

import (
	"encoding/json"
	"strings"
	"testing"

	"nexus/pkg/access"
)

func parseTags(t *testing.T, s string) access.Tags {
	t.Helper()
	tags, err := access.ParseTags(json.RawMessage(s))
	if err != nil {
		t.Fatalf("tags %s: %v", s, err)
	}
	return tags
}

func parseSet(t *testing.T, s string) map[string]json.RawMessage {
	t.Helper()
	set, err := access.ParseTagSet(json.RawMessage(s))
	if err != nil {
		t.Fatalf("tag set %s: %v", s, err)
	}
	return set
}

func TestInForce(t *testing.T) {
	tags := `{".":{"x":"root","r":1},"a":{"x":"a","y":"a"},"a.b":{"x":"ab","y":"ab","z":"ab"},"a.b.c":{"z":"abc","c":1},"a.bc":{"q":1}}`
	for _, c := range []struct{ rule, name, want string }{
		{"the root wins over everything, then the shorter prefix", "a.b.c", `{"c":1,"r":1,"x":"root","y":"a","z":"ab"}`},
		{"longer prefixes do not count", "a.b", `{"r":1,"x":"root","y":"a","z":"ab"}`},
		{"a path is its labels", "a.b.", `{"r":1,"x":"root","y":"a","z":"ab"}`},
		{"prefixes are whole labels", "a.bcd", `{"r":1,"x":"root","y":"a"}`},
		{"a name of one label", "a", `{"r":1,"x":"root","y":"a"}`},
		{"a stranger has the root's", "zzz.b.c", `{"r":1,"x":"root"}`},
		{"the root itself", ".", `{"r":1,"x":"root"}`},
		{"everything", "", `{"r":1,"x":"root"}`},
	} {
		if got := string(access.TagSetJSON(parseTags(t, tags).InForce(c.name))); got != c.want {
			t.Errorf("%s: in force on %q: %s, want %s", c.rule, c.name, got, c.want)
		}
	}
	if got := access.Tags(nil).InForce("a"); got == nil || len(got) != 0 {
		t.Errorf("no tags are %v in force, want an empty object", got)
	}
}

func TestAllowsAndDenies(t *testing.T) {
	for _, c := range []struct {
		value          string
		allows, denies bool
	}{
		{"true", true, false},
		{"1", true, false},
		{"-1", true, false},
		{"1.5", true, false},
		{"0.5", true, false},
		{"1e400", true, false},
		{"1e-400", true, false},
		{"false", false, true},
		{"0", false, true},
		{"-0", false, true},
		{"0.0", false, true},
		{"0e9", false, true},
		{`"true"`, false, false},
		{`"false"`, false, false},
		{"null", false, false},
		{"{}", false, false},
		{"[true]", false, false},
	} {
		tags := parseTags(t, `{"a.b":{"@task.push":`+c.value+`}}`)
		if got := tags.Allows("task.push", "a.b.c"); got != c.allows {
			t.Errorf("%s allows: %v", c.value, got)
		}
		if got := tags.Denies("task.push", "a.b.c"); got != c.denies {
			t.Errorf("%s denies: %v", c.value, got)
		}
		if admin := parseTags(t, `{"a.b":{"@admin":`+c.value+`}}`); admin.Allows("task.push", "a.b.c") != c.allows {
			t.Errorf("@admin %s allows: %v", c.value, !c.allows)
		} else if admin.Denies("task.push", "a.b.c") {
			t.Errorf("@admin %s denies a method", c.value)
		}
	}
}

func TestAllowsOnSubjects(t *testing.T) {
	for _, c := range []struct {
		rule, tags, method, subject string
		want                        bool
	}{
		{"a tag holds below its prefix", `{"a":{"@task.push":true}}`, "task.push", "a.b.c", true},
		{"on the prefix itself", `{"a.b":{"@task.pull":true}}`, "task.pull", "a.b.", true},
		{"not above", `{"a.b":{"@task.push":true}}`, "task.push", "a", false},
		{"not beside", `{"a.b":{"@task.push":true}}`, "task.push", "a.bc", false},
		{"on the root for all", `{".":{"@admin":true}}`, "sys.node.list", "sys.node", true},
		{"on the root for listing everything", `{".":{"@user.list":true}}`, "user.list", "", true},
		{"a prefix does not give everything", `{"a":{"@user.list":true}}`, "user.list", "", false},
		{"another method is another permission", `{"a":{"@task.push":true}}`, "task.pull", "a", false},
		{"the case of a tag counts", `{"a":{"@Task.push":true}}`, "task.push", "a", false},
		{"a tag without @ is none", `{"a":{"task.push":true}}`, "task.push", "a", false},
		{"the root takes away", `{".":{"@task.push":false},"a":{"@task.push":true}}`, "task.push", "a", false},
		{"and gives back", `{".":{"@task.push":true},"a":{"@task.push":false}}`, "task.push", "a", true},
		{"null in force is not allowed", `{".":{"@task.push":null},"a":{"@task.push":true}}`, "task.push", "a", false},
		{"@admin suffices", `{"a":{"@admin":true,"@task.push":false}}`, "task.push", "a", true},
		{"no tags allow nothing", `{}`, "task.push", "a", false},
	} {
		if got := parseTags(t, c.tags).Allows(c.method, c.subject); got != c.want {
			t.Errorf("%s: %v", c.rule, got)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ rule, tags, prefix, set, want string }{
		{"into nothing", `{}`, "a", `{"x":1}`, `{"a":{"x":1}}`},
		{"beside others", `{"a":{"x":1},"b":{"z":3}}`, "a", `{"y":2}`, `{"a":{"x":1,"y":2},"b":{"z":3}}`},
		{"other values replace", `{"a":{"x":[1,2]}}`, "a", `{"x":[3]}`, `{"a":{"x":[3]}}`},
		{"null replaces too", `{"a":{"x":1}}`, "a", `{"x":null}`, `{"a":{"x":null}}`},
		{"objects merge", `{"a":{"x":{"p":1,"q":2}}}`, "a", `{"x":{"q":3,"r":4}}`, `{"a":{"x":{"p":1,"q":3,"r":4}}}`},
		{"deeply", `{"a":{"x":{"p":{"q":{"r":1}}}}}`, "a", `{"x":{"p":{"q":{"s":2}}}}`, `{"a":{"x":{"p":{"q":{"r":1,"s":2}}}}}`},
		{"an object replaces a scalar", `{"a":{"x":1}}`, "a", `{"x":{"p":1}}`, `{"a":{"x":{"p":1}}}`},
		{"a scalar an object", `{"a":{"x":{"p":1}}}`, "a", `{"x":1}`, `{"a":{"x":1}}`},
		{"an empty object adds nothing", `{"a":{"x":{"p": 1}}}`, "a", `{"x":{}}`, `{"a":{"x":{"p": 1}}}`},
		{"an object in place of a scalar keeps its bytes", `{"a":{"x":{"p":1}}}`, "a", `{"x":{"p":{ "q" : 2 }}}`, `{"a":{"x":{"p":{ "q" : 2 }}}}`},
		{"into an empty object", `{"a":{"x":{}}}`, "a", `{"x":{"p":1,"q":2}}`, `{"a":{"x":{"p":1,"q":2}}}`},
		{"an object in an array replaces", `{"a":{"x":[{"p":1}]}}`, "a", `{"x":[{"q":1}]}`, `{"a":{"x":[{"q":1}]}}`},
		{"what is not touched keeps its bytes", `{"a":{"x":{"n":1.50e+0,"s":"\u0041<é","p":[ 1 ]}}}`, "a", `{"x":{"m":1E400}}`,
			`{"a":{"x":{"n":1.50e+0,"s":"\u0041<é","p":[ 1 ],"m":1E400}}}`},
		{"keys are the same however they are written", `{"a":{"x":{"\u0070":1}}}`, "a", `{"x":{"p":2}}`, `{"a":{"x":{"\u0070":2}}}`},
		{"of a key given twice the last", `{"a":{"x":{"p":1,"p":2,"q":3}}}`, "a", `{"x":{"r":1,"r":4}}`, `{"a":{"x":{"p":2,"q":3,"r":4}}}`},
		{"no tags make no prefix", `{}`, "a", `{}`, `{}`},
		{"nor take any", `{"a":{"x":1}}`, "a", `{}`, `{"a":{"x":1}}`},
		{"on the root", `{"a":{"x":1}}`, ".", `{"@admin":true}`, `{".":{"@admin":true},"a":{"x":1}}`},
	} {
		tags := parseTags(t, c.tags)
		before := string(tags.JSON())
		if got := string(tags.Set(c.prefix, parseSet(t, c.set)).JSON()); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
		if after := string(tags.JSON()); after != before {
			t.Errorf("%s: the tags given became %s", c.rule, after)
		}
	}
	if got := string(access.Tags(nil).Set("a", parseSet(t, `{"x":1}`)).JSON()); got != `{"a":{"x":1}}` {
		t.Errorf("into nil tags: %s", got)
	}
}

// A merge never nests deeper than what is merged, so it cannot grow tags that nobody can read again.
func TestSetAtTheBound(t *testing.T) {
	deep := func(leaf string) string {
		n := access.MaxTagDepth - 1
		return `{"x":` + strings.Repeat(`{"k":`, n) + leaf + strings.Repeat(`}`, n) + `}`
	}
	tags := access.Tags{}.Set("a", parseSet(t, deep(`{"p":1}`))).Set("a", parseSet(t, deep(`{"q":2}`)))
	if want := `{"a":` + deep(`{"p":1,"q":2}`) + `}`; string(tags.JSON()) != want {
		t.Errorf("merged to %s", tags.JSON())
	}
	parseTags(t, string(tags.JSON()))
}

func TestDelete(t *testing.T) {
	for _, c := range []struct{ rule, tags, prefix, names, want string }{
		{"by name", `{"a":{"x":1,"y":2}}`, "a", `["x"]`, `{"a":{"y":2}}`},
		{"by an object's keys", `{"a":{"x":1,"y":2}}`, "a", `{"x":null,"z":{}}`, `{"a":{"y":2}}`},
		{"a prefix left empty goes", `{"a":{"x":1},"b":{"x":1}}`, "a", `["x"]`, `{"b":{"x":1}}`},
		{"what is not there is no error", `{"a":{"x":1}}`, "b", `["x"]`, `{"a":{"x":1}}`},
		{"the case of a tag counts", `{"a":{"x":1}}`, "a", `["X"]`, `{"a":{"x":1}}`},
		{"no names delete nothing", `{"a":{"x":1}}`, "a", `[]`, `{"a":{"x":1}}`},
		{"only that prefix", `{"a":{"x":1},"a.b":{"x":1}}`, "a.b", `["x"]`, `{"a":{"x":1}}`},
	} {
		names, err := access.ParseTagNames(json.RawMessage(c.names))
		if err != nil {
			t.Fatal(err)
		}
		tags := parseTags(t, c.tags)
		if got := string(tags.Delete(c.prefix, names).JSON()); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
		if after := string(tags.JSON()); after != c.tags {
			t.Errorf("%s: the tags given became %s", c.rule, after)
		}
	}
}

// Tags that a program makes up need not be JSON: they give nothing, deny nothing, and nothing panics.
func TestTagsThatAreNotJSON(t *testing.T) {
	for _, raw := range []string{"", " ", "tru", "t", "1x", "-", `"`, `{"a`, "[", "\x00"} {
		tags := access.Tags{"a": {"@m": json.RawMessage(raw)}}
		if tags.Allows("m", "a") || tags.Denies("m", "a") {
			t.Errorf("%q allows or denies", raw)
		}
		good := parseTags(t, `{"a":{"@m":1}}`)
		if got := access.Mask(tags, good); len(got) != 0 {
			t.Errorf("%q is equal to 1", raw)
		}
		if got := access.Mask(good, tags); len(got) != 0 {
			t.Errorf("1 is equal to %q", raw)
		}
		if got := tags.Set("a", good["a"]); string(got.JSON()) != `{"a":{"@m":1}}` {
			t.Errorf("%q with 1 is %s", raw, got.JSON())
		}
	}
	if tags := (access.Tags{"a": {"@m": json.RawMessage(" \n1\t")}}); !tags.Allows("m", "a") {
		t.Error("white space around a number counts")
	}
}
