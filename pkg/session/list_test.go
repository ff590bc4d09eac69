package session_test

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
)

// group is a user's sessions as sys.session.list shows them.
type group struct {
	User     string
	N        int
	Sessions []struct{ ID, Connid, NodeID, RemoteAddress, Protocol, CreationTime string }
}

func (b *bench) list(l access.List) []group {
	b.t.Helper()
	outcome, err := b.sessions.List(b.ctx, b.call("c"), l)
	if err != nil {
		b.t.Fatal(err)
	}
	var groups []group
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(outcome), `"result":`)), &groups); err != nil {
		b.t.Fatal(err)
	}
	return groups
}

// in is what groups hold, in short.
func in(groups []group) string {
	var all []string
	for _, g := range groups {
		all = append(all, fmt.Sprintf("%s:%d/%d", g.User, len(g.Sessions), g.N))
	}
	return strings.Join(all, " ")
}

func (b *bench) counts(p access.Count, want string) {
	b.t.Helper()
	if got, err := b.sessions.Count(b.ctx, b.call("c"), p); string(got) != `"result":`+want || err != nil {
		b.t.Errorf("%+v: %s %v, want %s", p, got, err, want)
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"team.ana", "team.bob", "teams"} {
		b.user(name, `{}`)
	}
	if got, err := b.sessions.List(b.ctx, b.call("c"), access.List{Depth: -1}); got != `"result":[]` || err != nil {
		t.Errorf("no session: %s %v", got, err)
	}
	one := b.Connect().Connid
	for _, name := range []string{"team.bob", "team.ana", "team.bob", "teams"} {
		b.as(b.Connect().Connid, name)
	}
	gone := b.Connect().Connid
	if err := b.sessions.End(b.ctx, gone, false); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		list access.List
		want string
	}{
		{access.List{Depth: -1}, "nobody:1/1 team.ana:1/1 team.bob:2/2 teams:1/1"},
		{access.List{Depth: -1, Prefix: "team"}, "team.ana:1/1 team.bob:2/2"},
		{access.List{Depth: 1, Filter: regexp.MustCompile("b")}, "nobody:1/1"},
		{access.List{Depth: 1}, "nobody:1/1 teams:1/1"},
		{access.List{Depth: -1, Limit: 3}, "nobody:1/1 team.ana:1/1 team.bob:1/1"},
		{access.List{Depth: -1, Skip: 3}, "team.bob:1/1 teams:1/1"},
		{access.List{Depth: -1, Skip: 5}, ""},
		{access.List{Depth: -1, Prefix: "tea"}, ""},
	} {
		if got := in(b.list(test.list)); got != test.want {
			t.Errorf("%+v: %s, want %s", test.list, got, test.want)
		}
	}
	got, err := b.sessions.List(b.ctx, b.call("c"), access.List{Depth: -1, Prefix: "nobody"})
	want := fmt.Sprintf(`"result":[{"user":"nobody","n":1,"sessions":[{"id":%[1]q,"connid":%[1]q,"nodeid":%[2]q,"nodeId":%[2]q,"remoteAddress":"wss://%[3]s",`+
		`"protocol":"wss","creationTime":%[4]q}]}]`, one, one[:8], harness.IP, harness.Start().Format("2006-01-02T15:04:05.000Z"))
	if string(got) != want || err != nil {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	b.counts(access.Count{List: access.List{Depth: -1}}, `{"count":5}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team"}}, `{"count":3}`)
	b.counts(access.Count{List: access.List{Depth: -1}, Subprefixes: true},
		`[{"prefix":"nobody","count":1},{"prefix":"team","count":3},{"prefix":"teams","count":1}]`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team"}, Subprefixes: true},
		`[{"prefix":"team.ana","count":1},{"prefix":"team.bob","count":2}]`)
}

// many makes n sessions of 100 users.
func (b *bench) many(n int) []string {
	b.t.Helper()
	uids := map[string]string{} // of those that are there
	for uid, name := range b.names {
		uids[name] = uid
	}
	connids := make([]string, n)
	for i := range n {
		connids[i] = b.Connid(fmt.Sprintf("many%06d", i))
		name := fmt.Sprintf("user%02d", i%100)
		item := store.Item{"id": store.S(connids[i]), "state": store.S("live"), "user": store.S(name), "uid": store.S(uids[name]), "tags": store.S("{}"),
			"ip": store.S("10.0.0.9"), "proto": store.S("ws"), "ct": store.Millis(b.Now()), "req": store.S("r")}
		if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Sessions, Item: item}); err != nil {
			b.t.Fatal(err)
		}
	}
	return connids
}

// TestTenThousand lists 10,000 sessions page by page. All at once they do not fit a message: as many come as do, or an error where a limit was named.
func TestTenThousand(t *testing.T) {
	b := newBench(t)
	const n, page = 10_000, 400
	want := b.many(n)
	_, err := b.sessions.List(b.ctx, b.call("c"), access.List{Depth: -1, Limit: n, Named: true})
	b.fails(err, jsonrpc.InvalidParams, "limit: the listing does not fit one message, ask for less")
	var got []string
	users := 0
	for skip := 0; skip < n; skip += page {
		for _, g := range b.list(access.List{Depth: -1, Skip: skip, Limit: page}) {
			users++
			for _, s := range g.Sessions {
				got = append(got, s.Connid)
			}
		}
	}
	var first []string
	for _, g := range b.list(access.List{Depth: -1}) {
		for _, s := range g.Sessions {
			first = append(first, s.Connid)
		}
	}
	if len(first) <= page || len(first)%100 == 0 || !slices.Equal(first, got[:len(first)]) { // the last user's are not all there
		t.Errorf("all at once: %d sessions", len(first))
	}
	slices.Sort(got) // they came by user
	if !slices.Equal(got, want) || users != 100 {
		t.Errorf("%d sessions of %d users", len(got), users)
	}
	b.counts(access.Count{List: access.List{Depth: -1}}, `{"count":10000}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "user07"}, Subprefixes: true}, `[{"prefix":"user07","count":100}]`)
}
