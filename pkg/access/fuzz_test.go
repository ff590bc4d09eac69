package access_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nexus/pkg/access"
)

func FuzzNames(f *testing.F) {
	for _, s := range []string{"", ".", "..", "a", "A.b.", "@a", "a b", "a..b", "K", "Ⱥ.İ", "a\xff", "a\u0085b", strings.Repeat("x", 501)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for kind, canonical := range map[string]func(string) (string, error){
			"user": access.UserName, "topic": access.Topic, "lock": access.Lock, "tag prefix": access.TagPrefix,
			"list prefix": access.ListPrefix, "task prefix": access.TaskPrefix,
			"method": func(s string) (string, error) {
				path, method, err := access.TaskMethod(s)
				return strings.TrimPrefix(path+method, "."), err
			},
		} {
			name, err := canonical(s)
			if err != nil {
				if name != "" {
					t.Errorf("%s %q: %q and %v", kind, s, name, err)
				}
				continue
			}
			if again, err := canonical(name); again != name || err != nil {
				t.Errorf("%s %q: %q, then %q, %v", kind, s, name, again, err)
			}
			if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsSpace) || strings.ToLower(name) != name {
				t.Errorf("%s %q: %q", kind, s, name)
			}
			bare := strings.TrimSuffix(name, ".")
			if len(bare) > access.MaxName || bare != "" && strings.Contains("."+bare+".", "..") {
				t.Errorf("%s %q: %q", kind, s, name)
			}
			if !access.Covers("", name) || !access.Covers(name, name) || access.Depth(name, name) != 0 {
				t.Errorf("%s %q does not cover itself", kind, name)
			}
			if bare != "" && (access.Depth(bare, bare+".x.y") != 2 || access.Covers(bare, bare+"x")) {
				t.Errorf("%s %q: labels below", kind, name)
			}
		}
	})
}

func FuzzTags(f *testing.F) {
	f.Add([]byte(`{"a":{"x":{"p":1}},".":{"@admin":true}}`), []byte(`{"x":{"p":2,"q":[1,{"r":null}]},"y":-0.0e1}`), "a.b")
	f.Add([]byte(`{"A":{"x":1},"a":{"x":{}}}`), []byte(`{"x":{"":""},"\u0078":{"k":[[]]}}`), ".")
	f.Add([]byte(` { } `), []byte(`{"@task.push":1e400}`), "")
	f.Add([]byte(`null`), []byte(`{"x":"\ud800\"\\"}`), "a..")
	f.Add([]byte("{\"a\":{\"\xff\":\"\xff\"}}"), []byte(`[]`), "é")
	f.Fuzz(func(t *testing.T, rawTags, rawSet []byte, name string) {
		tags, err := access.ParseTags(rawTags)
		if err != nil {
			tags = access.Tags{}
		}
		text := tags.JSON()
		if again, err := access.ParseTags(text); err != nil || !bytes.Equal(again.JSON(), text) {
			t.Fatalf("%s read again: %s, %v", text, again.JSON(), err)
		}
		if err == nil && len(rawTags) > 0 {
			var want map[string]map[string]json.RawMessage
			if err := json.Unmarshal(rawTags, &want); err != nil {
				t.Fatalf("encoding/json does not read %q: %v", rawTags, err)
			}
			for prefix, set := range tags {
				if theirs, same := want[prefix]; same && len(want) == len(tags) && !strings.Contains(string(rawTags), `\`) &&
					!duplicates(rawTags, prefix) && !reflect.DeepEqual(set, theirs) {
					t.Fatalf("%q on %q: %s, encoding/json has %s", rawTags, prefix, access.TagSetJSON(set), access.TagSetJSON(theirs))
				}
			}
		}
		if got := access.Mask(tags, tags); !bytes.Equal(got.JSON(), text) {
			t.Fatalf("%s masked by itself: %s", text, got.JSON())
		}
		if got := access.Inherit(tags, tags); !bytes.Equal(got.JSON(), text) {
			t.Fatalf("%s inherits from itself: %s", text, got.JSON())
		}
		inForce := tags.InForce(name)
		for tag, raw := range tags["."] {
			if !bytes.Equal(inForce[tag], raw) {
				t.Fatalf("%s: %q in force on %q is %s", text, tag, name, inForce[tag])
			}
		}
		for tag := range inForce {
			if method, ok := strings.CutPrefix(tag, "@"); ok && method != "admin" && !tags.Allows("admin", name) {
				if tags.Allows(method, name) && tags.Denies(method, name) {
					t.Fatalf("%s allows and denies %s", text, tag)
				}
			}
		}

		set, err := access.ParseTagSet(rawSet)
		if err != nil {
			return
		}
		prefix, err := access.TagPrefix(name)
		if err != nil {
			prefix = "."
		}
		var names []string
		for tag := range set {
			names = append(names, tag)
		}
		once := tags.Set(prefix, set)
		if !bytes.Equal(tags.JSON(), text) {
			t.Fatalf("Set changed %s to %s", text, tags.JSON())
		}
		if _, err := access.ParseTags(once.JSON()); err != nil {
			t.Fatalf("%s with %s on %s: %v", text, rawSet, prefix, err)
		}
		if twice := once.Set(prefix, set); !bytes.Equal(access.Mask(once, twice).JSON(), once.JSON()) {
			t.Fatalf("%s with %s set twice: %s, then %s", text, rawSet, once.JSON(), twice.JSON())
		}
		if got, want := once.Delete(prefix, names), tags.Delete(prefix, names); !bytes.Equal(got.JSON(), want.JSON()) {
			t.Fatalf("%s with %s set and deleted: %s, want %s", text, rawSet, got.JSON(), want.JSON())
		}
	})
}

// duplicates says whether a prefix may be named twice in raw, where encoding/json merges and we do not.
func duplicates(raw []byte, prefix string) bool {
	return bytes.Count(raw, []byte(`"`+prefix+`"`)) > 1
}
