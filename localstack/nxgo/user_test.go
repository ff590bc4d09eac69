package nxgo_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/nayarsystems/nxgo/nxcore"
)

func TestUser(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.want(ok)(root.UserCreate("Ada", "secret"))
	b.refused(nxcore.ErrUserExists)(root.UserCreate("ada", "secret"))
	b.refused(nxcore.ErrInvalidParams)(root.UserCreate("a", "secret"))
	ada := b.as("ada")
	b.refused(nxcore.ErrPermissionDenied)(ada.UserCreate("bob", "secret"))
	b.refused(nxcore.ErrPermissionDenied)(ada.UserList("", 0, 0))

	b.want(ok)(ada.UserSetPass("ada", "changed"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("ada", "secret"))
	b.login(b.nobody(), "ada", "changed")

	b.want(ok)(root.UserRename("ada", "eve"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("ada", "changed"))
	b.login(b.nobody(), "eve", "changed")
	b.refused(nxcore.ErrInvalidUser)(root.UserRename("ada", "mia"))

	b.want(ok)(root.UserSetDisabled("eve", true))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("eve", "changed"))
	b.want(ok)(root.UserSetDisabled("eve", false))
	b.login(b.nobody(), "eve", "changed")

	b.want(ok)(root.UserDelete("eve"))
	b.refused(nxcore.ErrInvalidUser)(root.UserDelete("eve"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("eve", "changed"))
}

func TestUserTags(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "ada")
	b.user(root, "staff")
	b.want(ok)(root.UserSetTags("staff", "lab", map[string]any{"@sync.lock": true, "badge": "none"}))
	b.want(ok)(root.UserSetTags("ada", "lab.door", map[string]any{"badge": "gold", "deep": map[string]any{"a": 1}}))
	b.want(ok)(root.UserSetTags("ada", "lab.door", map[string]any{"deep": map[string]any{"b": 2}}))

	ada := b.as("ada")
	b.refused(nxcore.ErrPermissionDenied)(ada.Lock("lab.door"))
	b.want(ok)(root.UserAddTemplate("ada", "staff"))
	b.refused(nxcore.ErrPermissionDenied)(ada.Lock("lab.door")) // tags take effect at a login or reload
	b.want(ok)(ada.Exec("sys.reload", nil))
	if _, err := ada.Lock("lab.door"); err != nil {
		t.Error(err)
	}
	b.want(`{"tags":{"lab":{"@sync.lock":true,"badge":"none"},"lab.door":{"badge":"gold","deep":{"a":1,"b":2}}}}`)(root.UserGetTags("ada"))
	b.want(`{"tags":{"@sync.lock":true,"badge":"none","deep":{"a":1,"b":2}}}`)(ada.UserGetEffectiveTags("ada", "lab.door")) // the shorter prefix wins
	b.refused(nxcore.ErrPermissionDenied)(ada.UserGetTags("root"))

	b.want(ok)(root.UserDelTags("ada", "lab.door", []string{"deep", "nosuch"}))
	b.want(ok)(root.UserDelTemplate("ada", "staff"))
	b.want(`{"tags":{"lab.door":{"badge":"gold"}}}`)(root.UserGetTags("ada"))
	b.want(ok)(ada.Exec("sys.reload", nil))
	b.refused(nxcore.ErrPermissionDenied)(ada.Lock("lab.window"))
	b.refused(nxcore.ErrInvalidUser)(root.UserSetTags("nosuch", "lab", map[string]any{"a": 1}))
}

func TestUserLimits(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "ada")
	b.want(ok)(root.UserAddBlacklist("ada", "^127"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("ada", "secret"))
	b.want(ok)(root.UserAddWhitelist("ada", "0.0.1$"))
	b.as("ada").Close()
	b.want(ok)(root.UserDelWhitelist("ada", "0.0.1$"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("ada", "secret"))
	b.want(ok)(root.UserDelBlacklist("ada", "^127"))
	b.until("the closed session does not count", func() bool {
		list, err := root.SessionList("ada", 0, 0)
		return err == nil && len(list) == 0
	})

	b.want(ok)(root.UserSetMaxSessions("ada", 1))
	b.as("ada")
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().Login("ada", "secret"))
	b.refused(nxcore.ErrInvalidParams)(root.UserAddBlacklist("ada", "("))
}

func TestUserList(t *testing.T) {
	b := newBus(t)
	root := b.root()
	for _, name := range []string{"lab.ada", "lab.ada.bot", "lab.bob", "other"} {
		b.user(root, name)
	}
	b.want(ok)(root.UserSetTags("lab.ada", "a", map[string]any{"x": 1}))
	b.want(ok)(root.UserAddTemplate("lab.ada", "other"))
	b.want(ok)(root.UserAddWhitelist("lab.ada", "1"))
	b.want(ok)(root.UserAddBlacklist("lab.ada", "2"))
	b.want(ok)(root.UserSetMaxSessions("lab.ada", 3))
	b.want(ok)(root.UserSetDisabled("lab.ada", true))

	users, err := root.UserList("lab", 0, 0)
	if err != nil || len(users) != 3 {
		t.Fatalf("%v %v", users, err)
	}
	if u := users[0]; u.User != "lab.ada" || u.CreatedAt.IsZero() || u.Tags["a"]["x"] != 1.0 || !slices.Equal(u.Templates, []string{"other"}) ||
		!slices.Equal(u.Whitelist, []string{"1"}) || !slices.Equal(u.Blacklist, []string{"2"}) || u.MaxSessions != 3 || !u.Disabled {
		t.Errorf("%+v", u)
	}
	if u := users[1]; u.User != "lab.ada.bot" || len(u.Tags) != 0 || u.MaxSessions != 50 || u.Disabled {
		t.Errorf("%+v", u)
	}
	for _, l := range []struct {
		limit, skip int
		opts        nxcore.ListOpts
		names       string
	}{
		{1, 1, nxcore.ListOpts{}, "[lab.ada.bot]"},
		{0, 0, nxcore.ListOpts{LimitByDepth: true, Depth: 1}, "[lab.ada lab.bob]"},
		{0, 0, nxcore.ListOpts{Filter: "bo"}, "[lab.ada.bot lab.bob]"},
	} {
		users, err := root.UserList("lab", l.limit, l.skip, &l.opts)
		var names []string
		for _, u := range users {
			names = append(names, u.User)
		}
		if fmt.Sprint(names) != l.names {
			t.Errorf("%+v: %v %v", l, names, err)
		}
	}
	b.want(`{"count":3}`)(root.UserCount("lab"))
	b.want(`{"count":1}`)(root.UserCount("", &nxcore.CountOpts{Filter: "^oth"}))
	b.want(`[{"count":2,"prefix":"lab.ada"},{"count":1,"prefix":"lab.bob"}]`)(root.UserCount("lab", &nxcore.CountOpts{Subprefixes: true}))
}
