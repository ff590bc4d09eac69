package topic_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/store"
)

// TestTenThousandTopics: a listing of a part, in order; of all as many as fit one message, or, where a limit was named, an error.
func TestTenThousandTopics(t *testing.T) {
	b := newBench(t)
	const topics = 10_000
	exp := store.N(b.Now().Add(time.Hour).Unix())
	var writes []store.Write
	for n := range topics {
		name := fmt.Sprintf("t%d.%04d", n%10, n/10)
		writes = append(writes, store.Write{Table: store.Topics, Item: store.Item{"part": store.S("s#" + name), "row": store.S("x"), "exp": exp}})
	}
	for some := range slices.Chunk(writes, 100) {
		if err := b.DB.Transact(b.ctx, b.NewID(), some...); err != nil {
			t.Fatal(err)
		}
	}
	list := func(l access.List) string {
		return harness.Answer(b.topics.List(b.ctx, b.call("c"), l))
	}
	var page []struct {
		Topic       string
		Subscribers int
	}
	if err := json.Unmarshal([]byte(list(access.List{Prefix: "t3", Depth: -1, Limit: 100, Skip: 700})), &page); err != nil || len(page) != 100 {
		t.Fatal(len(page), err)
	}
	for n, row := range page {
		if want := fmt.Sprintf("t3.%04d", 700+n); row.Topic != want || row.Subscribers != 1 {
			t.Errorf("row %d is %v, want %s", n, row, want)
		}
	}
	if got := list(access.List{Depth: -1}); len(got) < 126<<10 || len(got) > 128<<10 || !json.Valid([]byte(got)) {
		t.Errorf("all of them: %d bytes, %.100s", len(got), got)
	}
	if got := list(access.List{Depth: -1, Limit: topics, Named: true}); !strings.HasPrefix(got, "-32602 Invalid params:[limit") {
		t.Errorf("ten thousand, named: %.100s", got)
	}
	b.says(list(access.List{Depth: -1, Limit: 1, Skip: topics - 1}), `[{"topic":"t9.0999","subscribers":1}]`)
	b.says(harness.Answer(b.topics.Count(b.ctx, b.call("c"), access.Count{List: access.List{Depth: -1}})), `{"count":10000}`)
	// What TimeToLive has not taken yet is gone all the same.
	b.Advance(time.Hour)
	b.says(list(access.List{Depth: -1, Limit: 10}), `[]`)
}
