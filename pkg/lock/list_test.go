package lock_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// all selects everything.
func all() access.List { return access.List{Depth: -1} }

// list returns what sync.list answers, as "lock owner".
func (b *bench) list(l access.List) (rows []string, err error) {
	b.t.Helper()
	outcome, err := b.Bus.Locks.List(b.t.Context(), &call.Call{}, l)
	if err != nil {
		return nil, err
	}
	var found []struct{ ID, Owner string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(outcome), `"result":`)), &found); err != nil {
		b.t.Fatalf("%v: %.200s", err, outcome)
	}
	for _, f := range found {
		rows = append(rows, f.ID+" "+b.names[f.Owner])
	}
	return rows, nil
}

func (b *bench) count(c access.Count) string {
	b.t.Helper()
	outcome, err := b.Bus.Locks.Count(b.t.Context(), &call.Call{}, c)
	return b.outcome(outcome, err)
}

func TestList(t *testing.T) {
	b := newBench(t)
	cs := b.clients("ana", "bob", "dead", "lost")
	ana, bob, dead, lost := cs[0], cs[1], cs[2], cs[3]
	for c, names := range map[client][]string{ana: {"b.c", "a", "ab.x"}, bob: {"a.b.c", "a.z", "freed"}, dead: {"a.b", "zz"}, lost: {"a.lost"}} {
		for _, name := range names {
			b.says(c.lock(name), "fence 1")
		}
	}
	b.says(bob.unlock("freed"), ok)
	dead.dies()
	lost.Lost()
	for _, c := range []struct {
		list access.List
		want []string
	}{
		{all(), []string{"a ana", "a.b.c bob", "a.lost lost", "a.z bob", "ab.x ana", "b.c ana"}},
		{access.List{Depth: -1, Prefix: "a"}, []string{"a ana", "a.b.c bob", "a.lost lost", "a.z bob"}},
		{access.List{Depth: 1, Prefix: "a"}, []string{"a ana", "a.lost lost", "a.z bob"}},
		{access.List{Depth: 0, Prefix: "a"}, []string{"a ana"}},
		{access.List{Depth: -1, Prefix: "a.b"}, []string{"a.b.c bob"}},
		{access.List{Depth: -1, Prefix: "zz"}, nil},
		{access.List{Depth: -1, Filter: regexp.MustCompile(`\.[cx]$`)}, []string{"a.b.c bob", "ab.x ana", "b.c ana"}},
		// The dead are not among what is skipped and limited.
		{access.List{Depth: -1, Limit: 2}, []string{"a ana", "a.b.c bob"}},
		{access.List{Depth: -1, Limit: 2, Skip: 1}, []string{"a.b.c bob", "a.lost lost"}},
		{access.List{Depth: -1, Limit: 9, Skip: 5}, []string{"b.c ana"}},
		{access.List{Depth: -1, Skip: 6}, nil},
	} {
		if got, err := b.list(c.list); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, %v; want %q", c.list, got, err, c.want)
		}
	}
	b.asked(0) // of whose end nobody knows is listed: a listing asks for nobody's connection
	for _, c := range []struct {
		count access.Count
		want  string
	}{
		{access.Count{List: all()}, `"result":{"count":6}`},
		{access.Count{List: access.List{Depth: -1, Prefix: "a"}}, `"result":{"count":4}`},
		{access.Count{List: access.List{Depth: -1, Prefix: "zz"}}, `"result":{"count":0}`},
		{access.Count{List: access.List{Depth: -1, Filter: regexp.MustCompile("b")}}, `"result":{"count":3}`},
		{access.Count{List: all(), Subprefixes: true}, `"result":[{"prefix":"a","count":4},{"prefix":"ab","count":1},{"prefix":"b","count":1}]`},
		{access.Count{List: access.List{Depth: -1, Prefix: "a"}, Subprefixes: true},
			`"result":[{"prefix":"a","count":1},{"prefix":"a.b","count":1},{"prefix":"a.lost","count":1},{"prefix":"a.z","count":1}]`},
		{access.Count{List: access.List{Depth: -1, Prefix: "zz"}, Subprefixes: true}, `"result":[]`},
	} {
		b.says(b.count(c.count), c.want)
	}
}

// Nothing is listed before anything is locked.
func TestListNothing(t *testing.T) {
	b := newBench(t)
	outcome, err := b.Bus.Locks.List(t.Context(), &call.Call{}, all())
	b.says(b.outcome(outcome, err), `"result":[]`)
	b.says(b.count(access.Count{List: all()}), `"result":{"count":0}`)
}

func TestListingFails(t *testing.T) {
	b, _, _, _ := held(t)
	for _, operation := range []string{"Scan", "BatchGetItem"} {
		for name, list := range map[string]func() string{
			"list": func() string {
				_, err := b.list(all())
				return fmt.Sprint(err)
			},
			"count": func() string { return b.count(access.Count{List: all()}) },
		} {
			b.On(operation).Fail(tries)
			if got := list(); !strings.Contains(got, "EOF") {
				t.Errorf("%s without %s: %s", name, operation, got)
			}
		}
	}
}

// TestTenThousand lists and counts 10,000 locks of 40 live sessions among those of dead ones.
func TestTenThousand(t *testing.T) {
	const locks, sessions = 10_000, 40
	b := newBench(t)
	var clients []client
	for n := range 2 * sessions {
		clients = append(clients, b.clients(fmt.Sprint("c", n))...)
	}
	filler := strings.Repeat("x", 60)
	put := func(name, owner string) {
		if _, err := b.DB.Do(t.Context(), store.Write{Table: store.Locks, Item: store.Item{"lock": store.S(name), "owner": store.S(owner),
			"fence": store.N(1), "by": store.S(filler)}}); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for n := range locks {
		name := fmt.Sprintf("p%02d.%04d.lock-of-a-usual-name", n%20, n)
		want = append(want, fmt.Sprintf("%s c%d", name, n%sessions))
		put(name, clients[n%sessions].Connid)
		if n%10 == 0 {
			put(name+"-dead", clients[sessions+n/10%sessions].Connid)
		}
	}
	for _, c := range clients[sessions:] {
		c.dies()
	}
	slices.Sort(want)

	// All at once do not fit a message: as many come as fit. Where a limit was named the error says what to do.
	first, err := b.list(all())
	if err != nil || len(first) < 900 || !slices.Equal(first, want[:len(first)]) {
		t.Errorf("all at once: %d, %v", len(first), err)
	}
	if _, err := b.list(access.List{Depth: -1, Limit: 10_000, Named: true}); err == nil || err.Error() != "-32602 Invalid params:[limit: the listing does not fit one message, ask for less]" {
		t.Errorf("all at once: %v", err)
	}
	var got []string
	for skip := 0; ; {
		page, err := b.list(access.List{Depth: -1, Limit: 900, Skip: skip})
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		skip += len(page)
	}
	if !slices.Equal(got, want) {
		t.Errorf("page by page there are %d, want %d", len(got), len(want))
	}
	b.says(b.count(access.Count{List: all()}), `"result":{"count":10000}`)
	b.says(b.count(access.Count{List: access.List{Depth: -1, Prefix: "p07"}}), `"result":{"count":500}`)
	b.says(b.count(access.Count{List: access.List{Depth: -1, Limit: 2, Skip: 18}, Subprefixes: true}),
		`"result":[{"prefix":"p18","count":500},{"prefix":"p19","count":500}]`)
	if got := b.count(access.Count{List: access.List{Depth: -1, Prefix: "p07"}, Subprefixes: true}); !strings.HasPrefix(got, `"result":[{"prefix":"p07.0007","count":1},`) {
		t.Errorf("%.100s", got)
	}
	// A short list reads few sessions of many.
	before := b.On("BatchGetItem").Count()
	if _, err := b.list(access.List{Depth: -1, Limit: access.DefaultLimit}); err != nil {
		t.Error(err)
	}
	if n := b.On("BatchGetItem").Count() - before; n > 3 {
		t.Errorf("%d requests for the sessions of 100 locks", n)
	}
}

// The bound counts bytes as they are sent.
func TestListingOfLongNames(t *testing.T) {
	b := newBench(t)
	ana := b.clients("ana")[0]
	for n := range 260 {
		b.says(ana.lock(fmt.Sprintf("%03d%s", n, strings.Repeat("é", 245))), "fence 1")
	}
	rows, err := b.list(access.List{Depth: -1, Limit: 220})
	if err != nil || len(rows) != 220 {
		t.Errorf("%d, %v", len(rows), err)
	}
	_, err = b.list(access.List{Depth: -1, Limit: 260, Named: true})
	b.says(b.outcome("", err), jsonrpc.Err(jsonrpc.InvalidParams, "limit: the listing does not fit one message, ask for less").Error())
	// One prefix each: this does not fit either.
	if got := b.count(access.Count{List: access.List{Depth: -1, Limit: 260, Named: true}, Subprefixes: true}); !strings.HasPrefix(got, "-32602") {
		t.Errorf("%.100s", got)
	}
}
