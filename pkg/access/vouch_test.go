package access_test

import (
	"encoding/json"
	"testing"

	"nexus/pkg/access"
)

// Who may say who is logged in, by a method's path. None of those who may not is refused for lack of a right to pull elsewhere.
func TestMayVouch(t *testing.T) {
	for _, c := range []struct {
		tags string
		path string
		want bool
	}{
		{`{}`, "sys.login.m.", false},
		{`{".":{"@admin":true}}`, "sys.login.m.", true},
		{`{"sys":{"@admin":1}}`, "sys.login.m.", true},
		{`{".":{"@admin":false},"sys.login.m":{"@admin":true}}`, "sys.login.m.", false},
		{`{".":{"@task.pull":true}}`, "sys.login.m.", false},
		{`{".":{"@task.pull":true}}`, "sys.login.", false},
		{`{".":{"@task.pull":true},"sys":{"@task.pull":true}}`, "sys.login.m.", false},
		{`{"sys":{"@task.pull":true},"sys.loginx":{"@task.pull":true},"login":{"@task.pull":true}}`, "sys.login.m.", false},
		{`{"sys.login":{"@task.pull":true}}`, "sys.login.m.", true},
		{`{"sys.login":{"@task.pull":true}}`, "sys.login.m.n.", true},
		{`{"sys.login":{"@task.pull":true}}`, "sys.login.", true},
		{`{"sys.login.m":{"@task.pull":true}}`, "sys.login.m.", true},
		{`{"sys.login.m":{"@task.pull":true}}`, "sys.login.m.n.", true},
		{`{"sys.login.m":{"@task.pull":true}}`, "sys.login.n.", false},
		{`{"sys.login.m":{"@task.pull":true}}`, "sys.login.", false},
		{`{"sys.login.m":{"@task.pull":true},".":{"@task.pull":true}}`, "sys.login.n.", false},
		{`{"sys.login.m":{"@task.pull":true},".":{"@task.pull":true}}`, "sys.login.m.", true},
		// A shorter prefix wins, as everywhere.
		{`{"sys.login.m":{"@task.pull":true},".":{"@task.pull":false}}`, "sys.login.m.", false},
		{`{"sys.login.m":{"@task.pull":true},"sys.login":{"@task.pull":false},".":{"@task.pull":true}}`, "sys.login.m.", false},
		{`{"sys.login.m":{"@task.pull":false},".":{"@task.pull":true}}`, "sys.login.m.", false},
		// @admin below that does not count in force gives nothing by another tag.
		{`{"sys.login":{"@admin":true},".":{"@admin":false,"@task.pull":true}}`, "sys.login.m.", false},
		{`{"sys.login":{"@task.pull":"true"}}`, "sys.login.m.", false},
		{`{"sys.login":{"@Task.pull":true,"@task.push":true,"@task.list":true}}`, "sys.login.m.", false},
	} {
		tags, err := access.ParseTags(json.RawMessage(c.tags))
		if err != nil {
			t.Fatal(err)
		}
		if got := tags.MayVouch(c.path); got != c.want {
			t.Errorf("%s on %s: %v", c.tags, c.path, got)
		}
	}
}
