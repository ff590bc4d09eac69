package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/store"
)

// bench is the rows of a bus, which has one clock for their names and their age.
type bench struct {
	*harness.Harness
	*call.Rows
	t *testing.T
}

func newBench(t *testing.T) *bench {
	h := harness.New(t)
	return &bench{h, h.Bus.Sessions.Rows, t}
}

// fresh and open put a row, and return it as it is read; an id that is empty is none.
func (b *bench) fresh(connid, item, id string) call.Row {
	b.t.Helper()
	return b.put(connid, call.Fresh(b.Harness.Now(), b.NewID(), raw(id)), item, id)
}

func (b *bench) open(connid, item, id string) call.Row {
	b.t.Helper()
	return b.put(connid, call.Open([2]string{"p.", item}, raw(id)), item, id)
}

func raw(id string) json.RawMessage {
	if id == "" {
		return nil
	}
	return json.RawMessage(id)
}

func (b *bench) put(connid, row, item, id string) call.Row {
	b.t.Helper()
	r := call.Row{Key: call.Key{Connid: connid, Row: row}, Kind: "task", Item: [2]string{"p.", item}, ID: raw(id)}
	if err := b.Put(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
	return r
}

// all reads all pages of a connection's rows, and how many there were.
func (b *bench) all(connid string, limit int32) (rows []string, pages int) {
	b.t.Helper()
	var from call.Cursor
	for {
		page, next, more, err := b.Page(b.t.Context(), connid, from, limit)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, r := range page {
			rows = append(rows, fmt.Sprintf("%s %s %v %s", r.Item[1], r.Connid, r.Row[:2], r.ID))
		}
		if pages++; !more {
			return rows, pages
		}
		from = next
	}
}

func TestTheRowsThatCount(t *testing.T) {
	b := newBench(t)
	b.fresh("c1", "old", `1`)
	b.open("c1", "open", `"a"`)
	b.Advance(call.Recent - time.Millisecond)
	b.fresh("c1", "notification", "")
	b.fresh("c2", "other", `1`)
	b.fresh("c1", "new", `{ "x":1 }`)
	b.Advance(66 * time.Second) // a bucket more
	b.fresh("c1", "newest", `1`)
	want := []string{`open c1 o$ "a"`, `new c1 y! { "x":1 }`, `notification c1 y! `, `newest c1 y! 1`}
	for _, limit := range []int32{0, 1, 2, 100} {
		got, pages := b.all("c1", limit)
		slices.Sort(got[1:3]) // within a bucket their order means nothing
		if !slices.Equal(got, want) || (limit == 1 && pages < 4) {
			t.Errorf("limit %d, %d pages\ngot  %q\nwant %q", limit, pages, got, want)
		}
	}
	// Repair has put an open row for what is older and still open.
	b.Advance(call.Recent + 66*time.Second)
	if got, _ := b.all("c1", 0); !slices.Equal(got, want[:1]) {
		t.Errorf("later: %q", got)
	}
	if got, _ := b.all("none", 0); got != nil {
		t.Errorf("of nobody: %q", got)
	}
}

// The reading of an end goes on where it was, however long that took, and over all rows of a time.
func TestASlowReaderGoesOn(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.fresh("c1", "x", `1`)
	}
	_, next, _, err := b.Page(t.Context(), "c1", call.Cursor{Fresh: true}, 1)
	if err != nil || next.Row == "" {
		t.Fatal(next, err)
	}
	b.Advance(time.Hour)
	rows, _, more, err := b.Page(t.Context(), "c1", next, 0)
	if len(rows) != 2 || more || err != nil {
		t.Errorf("%v %v %v", rows, more, err)
	}
}

// Ids are compared byte for byte, and only what has an id is read, whatever else the connection has had to do with.
func TestTheRowsOfOneRequest(t *testing.T) {
	b := newBench(t)
	find := func(look func(context.Context, string, json.RawMessage) ([]call.Row, error), id string) (items []string) {
		t.Helper()
		rows, err := look(t.Context(), "c1", json.RawMessage(id))
		if err != nil {
			t.Error(err)
		}
		for _, r := range rows {
			if string(r.ID) != id {
				t.Errorf("%s: the row of %s", id, r.ID)
			}
			items = append(items, r.Item[1])
		}
		slices.Sort(items)
		return items
	}
	b.fresh("c1", "late", `5`)
	b.open("c1", "open", `5`)
	b.put("c1", "o#p.|before", "before", `5`) // as a release before named them
	b.put("c1", "y#"+b.NewID(), "fresh before", `5`)
	b.Advance(4 * time.Minute)
	for n, id := range []string{`5`, `"5"`, `5.0`, `5`, ""} {
		b.fresh("c1", fmt.Sprint(n), id)
		b.fresh("c2", fmt.Sprint(n), id)
		b.Advance(20 * time.Second)
	}
	for id, want := range map[string][]string{`5`: {"0", "3", "open"}, `"5"`: {"1"}, `5.0`: {"2"}, `6`: nil} {
		b.InOrder(id, find(b.Find, id), want)
	}
	b.InOrder("late", find(b.FindLate, `5`), []string{"before", "fresh before", "late"})

	// A page is what it reads, not what the connection has.
	for n := range 3000 {
		b.fresh("c1", fmt.Sprint("many", n), fmt.Sprint(1000+n))
		b.open("c1", fmt.Sprint("many", n), fmt.Sprint(1000+n))
	}
	m := &store.Meter{}
	if rows, err := b.Find(store.WithMeter(t.Context(), m), "c1", json.RawMessage(`1500`)); len(rows) != 2 || err != nil {
		t.Errorf("%v %v", rows, err)
	}
	if _, reads := m.Units(); reads > 5 {
		t.Errorf("one id among 6,000 rows: %v read units", reads)
	}
}

// An end reads the rows that a release before named, too.
func TestRowsOfAReleaseBefore(t *testing.T) {
	b := newBench(t)
	b.put("c1", "o#p.|a", "a", `5`)
	b.put("c1", "y#"+b.NewID(), "b", `5`)
	b.fresh("c1", "c", `5`)
	b.open("c1", "d", `5`)
	got, _ := b.all("c1", 1)
	b.Same("rows", got, []string{"a c1 o# 5", "b c1 y# 5", "c c1 y! 5", "d c1 o$ 5"})
}

func TestExist(t *testing.T) {
	b := newBench(t)
	a := b.fresh("c1", "a", `1`)
	b.put("c1", a.Row, "a", `1`) // again: it is the same row
	missing, none := call.Key{Connid: "c1", Row: call.Fresh(b.Harness.Now(), b.NewID(), nil)}, call.Key{Connid: "c1"}
	before := b.On("BatchGetItem").Count()
	there, err := b.Exist(t.Context(), a.Key, missing, none, a.Key)
	if err != nil || !there[a.Key] || there[missing] || len(there) != 2 {
		t.Errorf("%v, %v", there, err)
	}
	if there, err := b.Exist(t.Context(), none); err != nil || len(there) != 0 {
		t.Errorf("of no row: %v, %v", there, err)
	}
	if n := b.On("BatchGetItem").Count() - before; n != 1 {
		t.Errorf("%d requests", n)
	}
}

// A row lasts longer than its connection can.
func TestRowsExpire(t *testing.T) {
	b := newBench(t)
	b.fresh("c1", "a", `1`)
	rows := b.Table("calls")
	if len(rows) != 1 || rows[0].Int("exp") != b.Harness.Now().Add(3*time.Hour).Unix() {
		t.Errorf("%v", rows)
	}
}

func TestRecordedErrors(t *testing.T) {
	cause := errors.New("lost")
	err := fmt.Errorf("push: %w", call.Recorded(cause))
	if !call.IsRecorded(err) || !errors.Is(err, cause) || err.Error() != "push: lost" {
		t.Errorf("%v", err)
	}
	if call.Recorded(nil) != nil || call.IsRecorded(nil) || call.IsRecorded(cause) {
		t.Error("nothing was recorded")
	}
}
