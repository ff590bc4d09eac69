package store_test

import (
	"fmt"
	"slices"
	"testing"

	"nexus/pkg/store"
)

func ids(items []store.Item) (all []string) {
	for _, i := range items {
		all = append(all, i.Str("id"))
	}
	return all
}

func TestQueriesPageInOrder(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"c", "a", "d", "b"} {
		b.put("p", id, map[string]string{"a": "t#2", "b": "t#1", "c": "p#9"}[id], int64(id[0]-'a'))
	}
	b.put("other", "a", "t#0", 0)
	for name, c := range map[string]struct {
		q    store.Query
		want [][]string
	}{
		"all":       {store.Query{If: "#part = :p", Values: store.Item{":p": store.S("p")}}, [][]string{{"a", "b", "c", "d"}}},
		"pages":     {store.Query{If: "#part = :p", Values: store.Item{":p": store.S("p")}, Limit: 3}, [][]string{{"a", "b", "c"}, {"d"}}},
		"backwards": {store.Query{If: "#part = :p", Values: store.Item{":p": store.S("p")}, Limit: 3, Backwards: true}, [][]string{{"d", "c", "b"}, {"a"}}},
		"filter": {store.Query{If: "#part = :p", Filter: "#n > :a", Values: store.Item{":p": store.S("p"), ":a": store.N(0)}, Limit: 2},
			[][]string{{"b"}, {"c", "d"}, nil}},
		"index": {store.Query{Index: store.IndexQueue, If: "#part = :p AND begins_with(#queue, :t)",
			Values: store.Item{":p": store.S("p"), ":t": store.S("t#")}}, [][]string{{"b", "a"}}},
	} {
		c.q.Table = store.Tasks
		for n, want := range c.want {
			items, next, err := b.Query(b.ctx, c.q)
			if err != nil || !slices.Equal(ids(items), want) {
				t.Errorf("%s, page %d: %v, %v; want %v", name, n, ids(items), err, want)
			}
			if last := n == len(c.want)-1; last != (next == nil) {
				t.Errorf("%s, page %d: goes on at %v", name, n, next)
			}
			c.q.Start = next
		}
	}
}

func TestScansPage(t *testing.T) {
	b := newBench(t)
	var want []string
	for n := range 7 {
		id := fmt.Sprintf("i%d", n)
		want = append(want, id)
		b.put(fmt.Sprint(n), id, "", int64(n%2))
	}
	var got []string
	pages := 0
	for q := (store.Query{Table: store.Tasks, Limit: 3, Projection: "#id"}); ; pages++ {
		items, next, err := b.Scan(b.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			if len(i) != 1 {
				t.Errorf("projected: %v", i)
			}
		}
		got = append(got, ids(items)...)
		if q.Start = next; next == nil {
			break
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || pages < 2 {
		t.Errorf("%v in %d pages", got, pages+1)
	}
}

// More keys than one request takes, of two tables, some of nothing.
func TestGetAll(t *testing.T) {
	b := newBench(t)
	var keys []store.Key
	for n := range 130 {
		id := fmt.Sprintf("%03d", n)
		if n%10 != 0 {
			b.put("p", id, "", int64(n))
		}
		keys = append(keys, store.Key{Table: store.Tasks, Key: key("p", id)})
	}
	if _, err := b.Do(b.ctx, store.Write{Table: store.Users, Item: store.Item{"user": store.S("u")}}); err != nil {
		t.Fatal(err)
	}
	keys = append(keys, store.Key{Table: store.Users, Key: store.Item{"user": store.S("u")}})
	b.spent()
	found, err := b.GetAll(b.ctx, keys, "")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]int{}
	for _, f := range found {
		tables[f.Table]++
		if f.Table == store.Tasks && fmt.Sprintf("%03d", f.Item.Int("n")) != f.Item.Str("id") {
			t.Errorf("%v", f.Item)
		}
	}
	if tables[store.Tasks] != 117 || tables[store.Users] != 1 || len(tables) != 2 {
		t.Errorf("found %v", tables)
	}
	if got := b.spent(); got != [2]float64{0, 131} {
		t.Errorf("spent %v", got)
	}
	if found, err := b.GetAll(b.ctx, keys[11:12], "#n"); err != nil || len(found) != 1 || len(found[0].Item) != 1 || found[0].Item.Int("n") != 11 {
		t.Errorf("projected: %v, %v", found, err)
	}
	if found, err := b.GetAll(b.ctx, nil, ""); err != nil || found != nil {
		t.Errorf("nothing: %v, %v", found, err)
	}
}
