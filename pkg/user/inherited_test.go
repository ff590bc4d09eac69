package user_test

import (
	"fmt"
	"testing"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// More templates than MaxInherited, be it in a list or behind another, are read by no login: it is refused, as is what shows the tags. Who connects as
// nobody with as many connects without tags.
func TestTemplatesThatAreTooMany(t *testing.T) {
	b := newBench(t)
	names := func(n int) []string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf("tmpl%d", i))
		}
		return all
	}
	for _, name := range []string{"few", "wide", "deep", "nobody", "behind"} {
		b.create(name, "first")
	}
	b.set("few", "templates", store.Strings(names(user.MaxInherited)))
	b.set("wide", "templates", store.Strings(names(user.MaxInherited+1)))
	b.set("nobody", "templates", store.Strings(names(user.MaxInherited+1)))
	b.set("behind", "templates", store.Strings(names(user.MaxInherited)))
	b.set("deep", "templates", store.Strings([]string{"behind"}))
	if _, err := b.users.Login(b.ctx, "few", "few", "first", "10.0.0.1"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"wide", "deep"} {
		want := name + " has over 256 templates, with theirs"
		_, err := b.users.Login(b.ctx, name, name, "first", "10.0.0.1")
		if e, known := jsonrpc.From(err); !known || e.Code != jsonrpc.LimitExceeded || e.Message != "Limit exceeded:["+want+"]" {
			t.Errorf("login of %s: %v", name, err)
		}
		_, err = b.users.GetTags(b.ctx, b.call(), user.GetTags{User: name})
		if e, known := jsonrpc.From(err); !known || e.Code != jsonrpc.LimitExceeded {
			t.Errorf("tags of %s: %v", name, err)
		}
	}
	if tags, err := b.users.Nobody(b.ctx, "10.0.0.1"); err != nil || len(tags) > 0 {
		t.Errorf("nobody: %v %v", tags, err)
	}
}
