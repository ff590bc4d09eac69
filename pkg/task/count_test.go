package task_test

import (
	"fmt"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/store"
)

func (b *bench) counts(p access.Count, want string) {
	b.t.Helper()
	if got, err := b.tasks.Count(b.ctx, &call.Call{}, p); string(got) != `"result":`+want || err != nil {
		b.t.Errorf("%+v: %s %v, want %s", p, got, err, want)
	}
}

// fill stores n items that are open, over some paths, each path over two partitions.
func (b *bench) fill(n, paths int) {
	b.t.Helper()
	b.tasks.Shards = func(string) int { return 2 }
	deadline := harness.Start().Add(time.Hour)
	put := func(part, id, kind, state string, dl time.Time) {
		item := store.Item{"part": store.S(part), "id": store.S(id)}
		if kind != "" {
			item["kind"], item["state"], item["dl"] = store.S(kind), store.S(state), store.Millis(dl)
		}
		if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Tasks, Item: item}); err != nil {
			b.t.Fatal(err)
		}
	}
	for i := range paths {
		put("@paths", path(i), "", "", deadline)
	}
	for i := range n {
		part := path(i % paths)
		if i%2 == 1 {
			part += " 1"
		}
		kind, state := "task", "waiting"
		switch i % 10 {
		case 0:
			kind = "pull"
		case 1:
			state = "working"
		}
		put(part, fmt.Sprintf("%026d", i), kind, state, deadline)
	}
	// What is over, and what nobody told yet that it is.
	put(path(0), "done", "task", "done", deadline)
	put(path(0), "late", "task", "waiting", harness.Start())
}

func path(i int) string { return fmt.Sprintf("team%d.p%04d.", i%4, i) }

// TestCountTenThousand counts 10,000 tasks and pulls on 1,000 paths.
func TestCountTenThousand(t *testing.T) {
	b := newBench(t)
	b.fill(10_000, 1_000)
	all := access.List{Depth: -1}
	b.counts(access.Count{List: all}, `{"count":10000,"pullCount":1000,"pushCount":9000}`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team1"}}, `{"count":2500,"pullCount":0,"pushCount":2500}`)
	b.counts(access.Count{List: all, Subprefixes: true},
		`[{"prefix":"team0","count":2500,"pullCount":500,"pushCount":2000},{"prefix":"team1","count":2500,"pullCount":0,"pushCount":2500},`+
			`{"prefix":"team2","count":2500,"pullCount":500,"pushCount":2000},{"prefix":"team3","count":2500,"pullCount":0,"pushCount":2500}]`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team2.p0002"}, Subprefixes: true},
		`[{"prefix":"team2.p0002","count":10,"pullCount":0,"pushCount":10}]`)
	b.counts(access.Count{List: access.List{Depth: -1, Prefix: "team"}}, `{"count":0,"pullCount":0,"pushCount":0}`)
}
