package user_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// What a user's item may hold is what policies name: the hash, which few functions may read, and all else.
func TestAttributesOfUsers(t *testing.T) {
	h := harness.New(t)
	if _, err := h.Bus.Users.CreateRoot(t.Context(), "password"); err != nil {
		t.Fatal(err)
	}
	root := h.Connect()
	for n, request := range []string{
		`"sys.login","params":{"user":"root","pass":"password"}`,
		`"user.create","params":{"user":"bob","pass":"secret"}`,
		`"user.setTags","params":{"user":"bob","prefix":"a","tags":{"x":1}}`,
		`"user.addTemplate","params":{"user":"bob","template":"other"}`,
		`"user.addWhitelist","params":{"user":"bob","ip":"10.*"}`,
		`"user.addBlacklist","params":{"user":"bob","ip":"11.*"}`,
		`"user.setMaxSessions","params":{"user":"bob","maxsessions":3}`,
		`"user.setPass","params":{"user":"bob","pass":"terces"}`,
		`"user.setDisabled","params":{"user":"bob","disabled":true}`,
		`"user.rename","params":{"user":"bob","new":"rob"}`,
	} {
		o := nexus.Origin{Stage: nexus.V1, ConnectionID: strings.TrimPrefix(root.Connid, h.Connid("")), IP: harness.IP, Request: fmt.Sprint("r", n), At: h.Now()}
		h.Try(h.Bus.Message(t.Context(), o, fmt.Appendf(nil, `{"id":%d,"method":%s}`, n, request)))
		if got := root.Got(); len(got) != 1 || !strings.Contains(got[0], `"ok":true`) {
			t.Errorf("%s: %q", request, got)
		}
	}
	var found []string
	for _, item := range h.Table(store.Users) {
		for name := range item {
			if !item.Has("uid") {
				continue // the record of the first start
			}
			found = append(found, name)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	want := append(store.UserAttributes(), store.AttrHash)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("items of users have\n%v\nwant\n%v", found, want)
	}
}
