package user_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

func everybody() access.List { return access.List{Depth: -1} }

// names lists users and returns their names.
func (b *bench) names(l access.List) []string {
	b.t.Helper()
	outcome, err := b.users.List(b.ctx, b.call(), l)
	if err != nil {
		b.t.Fatal(err)
	}
	var rows []struct{ User string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(outcome), `"result":`)), &rows); err != nil {
		b.t.Fatal(err)
	}
	names := []string{}
	for _, r := range rows {
		names = append(names, r.User)
	}
	return names
}

func (b *bench) counts(p access.Count, want string) {
	b.t.Helper()
	if got, err := b.users.Count(b.ctx, b.call(), p); string(got) != `"result":`+want || err != nil {
		b.t.Errorf("%+v: %s %v, want %s", p, got, err, want)
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	if _, err := b.users.CreateRoot(b.ctx, "root"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"zoe", "team.b", "team", "teams.x", "team.a", "team.a.x", "team-c"} {
		b.create(name, "first")
	}
	for _, test := range []struct {
		list access.List
		want string
	}{
		{everybody(), "root team team-c team.a team.a.x team.b teams.x zoe"}, // and no record of the first start
		{access.List{Depth: -1, Prefix: "team"}, "team team.a team.a.x team.b"},
		{access.List{Depth: 1, Prefix: "team"}, "team team.a team.b"},
		{access.List{Depth: 0, Prefix: "team"}, "team"},
		{access.List{Depth: -1, Skip: 2, Limit: 3}, "team-c team.a team.a.x"},
		{access.List{Depth: -1, Skip: 20}, ""},
		{access.List{Depth: -1, Filter: regexp.MustCompile("x$")}, "team.a.x teams.x"},
		{access.List{Depth: -1, Prefix: "no"}, ""},
	} {
		if got := strings.Join(b.names(test.list), " "); got != test.want {
			t.Errorf("%+v: %s, want %s", test.list, got, test.want)
		}
	}
	b.set("zoe", "disabled", store.Bool(true))
	b.set("zoe", "whitelist", store.Strings([]string{`^"<`}))
	b.set("zoe", "tags", store.S(`{".":{"n":1.50}}`))
	got, err := b.users.List(b.ctx, b.call(), access.List{Depth: -1, Prefix: "zoe"})
	want := `"result":[{"user":"zoe","tags":{".":{"n":1.50}},"templates":[],"whitelist":["^\"<"],"blacklist":[],"maxsessions":50,"disabled":true,"createdAt":"` +
		harness.Start().Format("2006-01-02T15:04:05.000Z") + `"}]`
	if string(got) != want || err != nil {
		t.Errorf("%s %v, want %s", got, err, want)
	}

	b.counts(access.Count{List: everybody()}, `{"count":8}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team"}}, `{"count":4}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "no"}}, `{"count":0}`)
	b.counts(access.Count{List: everybody(), Subprefixes: true},
		`[{"prefix":"root","count":1},{"prefix":"team","count":4},{"prefix":"team-c","count":1},{"prefix":"teams","count":1},{"prefix":"zoe","count":1}]`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team"}, Subprefixes: true},
		`[{"prefix":"team","count":1},{"prefix":"team.a","count":2},{"prefix":"team.b","count":1}]`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "no"}, Subprefixes: true}, `[]`)
	b.counts(access.Count{List: access.List{Depth: -1, Skip: 1, Limit: 1}, Subprefixes: true}, `[{"prefix":"team","count":4}]`)

	// What the index still shows of a user that is gone is left out.
	b.On("BatchGetItem").Run(func() { b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "team"})) })
	if got := b.names(access.List{Depth: 0, Prefix: "team"}); len(got) != 0 {
		t.Errorf("a deleted user: %v", got)
	}
}

// TestTenThousand lists 10,000 users page by page, and all at once as far as one message goes.
func TestTenThousand(t *testing.T) {
	b := newBench(t)
	const n = 10_000
	want := make([]string, n)
	for i := range n {
		want[i] = fmt.Sprintf("team%d.user%05d", i%7, i)
		item := store.Item{"user": store.S(want[i]), "dir": store.S("users"), "tags": store.S("{}"), "req": store.S("r")}
		if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Users, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	if first := b.names(everybody()); len(first) < 500 || !slices.Equal(first, want[:len(first)]) {
		t.Errorf("all at once: %d", len(first))
	}
	_, err := b.users.List(b.ctx, b.call(), access.List{Depth: -1, Limit: n, Named: true})
	b.fails(err, jsonrpc.InvalidParams, "limit: the listing does not fit one message, ask for less")
	const page = 500
	var got []string
	for skip := 0; ; skip += page {
		names := b.names(access.List{Depth: -1, Skip: skip, Limit: page})
		if len(names) == 0 {
			break
		}
		got = append(got, names...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d users in %d pages, want all %d in order", len(got), len(got)/page, n)
	}
	b.counts(access.Count{List: everybody()}, `{"count":10000}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team3"}}, `{"count":1429}`)
	_, err = b.users.Count(b.ctx, b.call(), access.Count{List: access.List{Depth: -1, Prefix: "team3"}, Subprefixes: true})
	if err != nil {
		t.Errorf("1,429 rows: %v", err)
	}

	// What a listing costs: the index is read in pages, the users a hundred a request.
	before := b.On("Query").Count() + b.On("BatchGetItem").Count()
	b.names(access.List{Depth: -1, Skip: n - 1, Limit: 100})
	if got := b.On("Query").Count() + b.On("BatchGetItem").Count() - before; got > 3 {
		t.Errorf("the last user took %d requests", got)
	}
}
