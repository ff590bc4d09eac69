package access_test

import (
	"testing"

	"nexus/pkg/access"
)

// AllowsAny is whether there is a subject on which Allows is true: one of the prefixes of the tags is it, where there is any.
func TestAllowsAny(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                                   false,
		`{"a":{"@m":true}}`:                    true,
		`{"a":{"@m":false}}`:                   false,
		`{"a":{"@admin":1}}`:                   true,
		`{"a":{"@other":true}}`:                false,
		`{"":{"@m":true}}`:                     true,
		`{".":{"@m":true}}`:                    true,
		`{"a.b":{"@m":true},"a":{}}`:           true,
		`{"a.b":{"@m":true},"a":{"@m":false}}`: false,
		`{"a.b":{"@m":true},".":{"@m":false}}`: false,
		`{"a":{"@m":false,"@admin":true},".":{"@m":false}}`:     true,
		`{"a":{"@admin":true},".":{"@admin":false,"@m":false}}`: false,
		`{"a":{"@m":false},"a.b":{"@admin":true}}`:              true,
	} {
		tags, err := access.ParseTags([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := tags.AllowsAny("m"); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
