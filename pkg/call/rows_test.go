package call_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
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

// put puts a row, and returns it as it is read.
func (b *bench) put(connid, row, item, id string) call.Row {
	b.t.Helper()
	r := call.Row{Key: call.Key{Connid: connid, Row: row}, Kind: "task", Item: [2]string{"p.", item}}
	if id != "" {
		r.ID = json.RawMessage(id)
	}
	if err := b.Put(b.t.Context(), r); err != nil {
		b.t.Fatal(err)
	}
	return r
}

// all reads all pages of a connection's rows, and how many there were.
func (b *bench) all(connid string, id json.RawMessage, limit int32) (rows []string, pages int) {
	b.t.Helper()
	var from call.Cursor
	for {
		page, next, more, err := b.Page(b.t.Context(), connid, id, from, limit)
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
	b.put("c1", call.Fresh(b.NewID()), "old", `1`)
	b.put("c1", call.Open([2]string{"p.", "open"}), "open", `"a"`)
	b.Advance(call.Recent - time.Millisecond)
	b.put("c1", call.Fresh(b.NewID()), "notification", "")
	b.put("c2", call.Fresh(b.NewID()), "other", `1`)
	b.put("c1", call.Fresh(b.NewID()), "new", `{ "x":1 }`)
	want := []string{`open c1 o# "a"`, `old c1 y# 1`, `notification c1 y# `, `new c1 y# { "x":1 }`}
	for _, limit := range []int32{0, 1, 2, 100} {
		if got, pages := b.all("c1", nil, limit); !slices.Equal(got, want) || (limit == 1 && pages < 4) {
			t.Errorf("limit %d, %d pages\ngot  %q\nwant %q", limit, pages, got, want)
		}
	}
	// Repair has put an open row for what is older and still open.
	b.Advance(2 * time.Millisecond)
	if got, _ := b.all("c1", nil, 0); !slices.Equal(got, slices.Delete(slices.Clone(want), 1, 2)) {
		t.Errorf("later: %q", got)
	}
	if got, _ := b.all("none", nil, 0); got != nil {
		t.Errorf("of nobody: %q", got)
	}
}

// Ids are compared byte for byte.
func TestTheRowsOfOneRequest(t *testing.T) {
	b := newBench(t)
	for n, id := range []string{`5`, `"5"`, `5.0`, `5`, ""} {
		b.put("c1", call.Fresh(b.NewID()), fmt.Sprint(n), id)
	}
	for id, want := range map[string][]string{`5`: {"0 c1 y# 5", "3 c1 y# 5"}, `"5"`: {`1 c1 y# "5"`}, `5.0`: {"2 c1 y# 5.0"}, `6`: nil} {
		if got, _ := b.all("c1", json.RawMessage(id), 1); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestExist(t *testing.T) {
	b := newBench(t)
	a := b.put("c1", call.Fresh(b.NewID()), "a", `1`)
	b.put("c1", a.Row, "a", `1`) // again: it is the same row
	missing, none := call.Key{Connid: "c1", Row: call.Fresh(b.NewID())}, call.Key{Connid: "c1"}
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
	b.put("c1", call.Fresh(b.NewID()), "a", `1`)
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
