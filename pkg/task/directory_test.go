package task_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/store"
	"nexus/pkg/task"
	"nexus/pkg/timer"
)

// environment gives the bench tasks that remember nothing, as those of another execution environment.
func (b *bench) environment() {
	t := b.tasks
	b.tasks = &task.Tasks{DB: t.DB, Rows: t.Rows, Timer: t.Timer, Post: t.Post, Sessions: t.Sessions, Hooks: t.Hooks, Log: t.Log, Now: t.Now, NewID: t.NewID,
		Pick: t.Pick, Shards: t.Shards, RepairAge: t.RepairAge}
}

// TestDirectory: the first call on a path writes its row, to last longer than what the call leaves; it is renewed every minute at most, while it is of use.
func TestDirectory(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	write := b.On("UpdateItem", "@paths")
	written := func(want int) {
		b.t.Helper()
		if n := write.Count(); n != want {
			b.t.Errorf("%d writes, want %d", n, want)
		}
	}
	push := func(method, timeout string) {
		b.t.Helper()
		b.says(pusher.push("7", `{"method":"`+method+`","params":[],"timeout":`+timeout+`}`), "")
	}
	push("math.add", "3600")
	b.paths("math. until 2h0m0s")
	b.Advance(time.Minute - time.Millisecond)
	push("math.add", "3600")
	push("math.mul", "60")
	written(1)
	b.Advance(time.Millisecond)
	push("math.add", "3600") // it is relied on anew, and lasts long enough
	push("math.add", "3600")
	b.paths("math. until 2h0m0s at 1m0s")
	written(2)
	b.Advance(time.Hour)
	push("math.add", "3600") // it does not last long enough
	b.paths("math. until 3h1m0s at 1h1m0s")
	written(3)
	push("math.add", "36000")
	b.paths("math. until 12h1m0s at 1h1m0s")
	written(4)
	b.says(worker.pull("1", "text"), "")
	b.says(worker.pull("2", `{"prefix":"."}`), "")
	push("single", "10")
	b.paths(". until 5h1m0s at 1h1m0s", "math. until 12h1m0s at 1h1m0s", "text. until 5h1m0s at 1h1m0s")
	written(6)

	// Another environment, which remembers nothing, finds that the row was renewed just now, or renews it, and makes it last.
	b.environment()
	b.Advance(10 * time.Second)
	push("math.add", "3600")
	push("math.add", "360")
	b.paths(". until 5h1m0s at 1h1m0s", "math. until 12h1m0s at 1h1m0s", "text. until 5h1m0s at 1h1m0s")
	written(7)
	b.environment()
	b.Advance(50 * time.Second)
	push("math.add", "3600") // a condition that fails, and a renewal
	b.paths(". until 5h1m0s at 1h1m0s", "math. until 12h1m0s at 1h2m0s", "text. until 5h1m0s at 1h1m0s")
	written(9)
	push("math.add", "40000")
	b.paths(". until 5h1m0s at 1h1m0s", "math. until 13h8m40s at 1h2m0s", "text. until 5h1m0s at 1h1m0s")
	written(10)
}

// keys are those of all items, and of some that are gone.
func (b *bench) keys(gone ...[2]string) [][2]string {
	for _, i := range b.Table(store.Tasks) {
		gone = append(gone, [2]string{i.Str("part"), i.Str("id")})
	}
	return gone
}

// putItem puts an item as it is.
func (b *bench) putItem(i store.Item) {
	b.t.Helper()
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Tasks, Item: i}); err != nil {
		b.t.Fatal(err)
	}
}

// TestEmptiedPathsAreForgotten: once nothing is left of a path, and nobody has relied on its row for as long as a handler may be about to put something,
// repair deletes the row.
func TestEmptiedPathsAreForgotten(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "text"), "")
	for _, path := range []string{"math", "more"} {
		b.says(pusher.push("7", path+".add"), "")
		b.says(worker.pull("2", path), "")
	}
	b.state()
	gone := b.keys()
	b.says(worker.result("3", "B", "1"), "")
	b.says(worker.result("4", "C", "1"), "")
	b.Advance(70 * time.Second)
	b.says(pusher.push("9", "more.add"), "") // which renews the row
	b.says(pusher.cancel("10", `{"id":9}`), "")
	b.Advance(19 * time.Second)
	b.tasks.Removed(b.ctx, gone)
	b.tasks.Removed(b.ctx, gone) // again: one message for each renewal is enough
	var looks []string
	for _, m := range b.Timers() {
		if strings.Contains(m, task.WakePath) {
			looks = append(looks, m)
		}
	}
	b.InOrder("looks", looks, []string{"1m30s task.path math.", "1m30s task.path text.", "2m40s task.path more."})

	b.Advance(time.Second)
	woken := func(path string) { b.Try(b.tasks.Woken(b.ctx, timer.Wake{Kind: task.WakePath, Key: []string{path}})) }
	woken("more.") // too early: whoever renewed it may be about to put something
	b.paths("math. until 241h0m0s", "more. until 241h0m0s at 1m10s", "text. until 4h0m0s")
	woken("math.")
	woken("math.") // twice: there is no row
	woken("text.") // a pull waits
	b.paths("more. until 241h0m0s at 1m10s", "text. until 4h0m0s")
	b.Advance(70 * time.Second)

	// Whoever relies on a row has put his item when the row is old enough; and who renews it in the moment keeps it.
	b.On("DeleteItem", "@paths").Run(func() { b.says(pusher.push("11", "more.add"), "") })
	woken("more.")
	b.paths("more. until 241h0m0s at 2m40s", "text. until 4h0m0s")
	b.InOrder("listed", b.listed(`{}`), []string{"more.add", "text."})
	woken("more.")
	b.paths("more. until 241h0m0s at 2m40s", "text. until 4h0m0s")

	// The path is of use again.
	b.says(pusher.push("12", "math.add"), "")
	b.InOrder("listed", b.listed(`{}`), []string{"math.add", "more.add", "text."})
}

// TestAListingTidies: rows that repair missed, and those of a release that did not renew them, go with a listing that finds their paths empty. What is young
// stays, and so does a path on which something is kept that is not listed.
func TestAListingTidies(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	for n := range 100 {
		b.putItem(store.Item{"part": store.S("@paths"), "id": store.S(fmt.Sprintf("old%03d.", n)), "exp": store.N(b.Now().Add(time.Hour).Unix())})
	}
	b.says(pusher.push("7", "math.add"), "")
	b.says(pusher.cancel("8", `{"id":7}`), "")
	b.InOrder("listed", b.listed(`{}`), nil)
	if n := len(b.keys()); n != 37 {
		t.Errorf("%d rows are left, want 36 and that of math", n)
	}
	b.InOrder("listed", b.listed(`{}`), nil)
	b.paths("math. until 241h0m0s")
	b.Advance(90 * time.Second)
	b.InOrder("listed", b.listed(`{}`), nil)
	b.paths()
}

// TestAListingCostsWhatItShows: partitions are read side by side, no further than is wanted.
func TestAListingCostsWhatItShows(t *testing.T) {
	b := newBench(t)
	worker, _ := b.pair()
	for n := range 200 {
		b.says(worker.pull(fmt.Sprint(n), fmt.Sprintf("path%03d", n)), "")
	}
	queries := b.On("Query")
	for _, test := range []struct {
		params string
		rows   int
		first  string
		most   int
	}{
		{`{"limit":3}`, 3, "path000.", 1 + 4},
		{`{"limit":10,"skip":5}`, 10, "path005.", 1 + 4 + 8 + 16},
		{`{}`, 100, "path000.", 1 + 4 + 8 + 16 + 32 + 32 + 32},
		{`{"limit":-1}`, 200, "path000.", 1 + 200},
	} {
		before := queries.Count()
		got := b.listed(test.params)
		if n := queries.Count() - before; len(got) != test.rows || got[0] != test.first || !slices.IsSorted(got) || n > test.most {
			t.Errorf("%s: %d rows from %s, %d queries, want at most %d", test.params, len(got), got[0], n, test.most)
		}
	}
	// Of a long path no more is read than is shown.
	for n := range 300 {
		b.says(worker.pull(fmt.Sprint(n), "long"), "")
	}
	meter := &store.Meter{}
	how := access.List{Prefix: "long", Depth: -1, Limit: 2}
	if _, err := b.tasks.List(store.WithMeter(b.ctx, meter), nil, how); err != nil {
		t.Fatal(err)
	}
	if _, reads := meter.Units(); reads > 2 {
		t.Errorf("two of 300: %v read units", reads)
	}
}

// TestRenewalFails: a row that was there is no reason to refuse a call, though nobody could renew it.
func TestRenewalFails(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":600}`), "")
	b.Advance(2 * time.Minute)
	b.On("UpdateItem", "@paths").Fail(attempts)
	b.says(pusher.push("8", `{"method":"math.add","params":[1],"timeout":600}`), "")
	b.paths("math. until 1h10m0s")
	b.InOrder("listed", b.listed(`{}`), []string{"math.add", "math.add"})
	b.says(pusher.push("9", `{"method":"math.add","params":[1],"timeout":600}`), "") // the next one renews it
	b.paths("math. until 1h10m0s at 2m0s")
}

// TestDirectoryFails: a call whose path is not in the directory would not be listed.
func TestDirectoryFails(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.On("UpdateItem", "@paths").Fail(attempts)
	b.says(pusher.push("7", "math.add"), "unknown")
	b.want()
	b.On("UpdateItem", "@paths").Fail(attempts)
	b.says(worker.pull("1", "math"), "recorded") // it waits all the same
	b.want(
		"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"worker.i1 → A 1")
	b.says(pusher.push("8", "math.add"), "")
	b.paths("math. until 241h0m0s")
	worker.got("1 A-math. math.add [1] ttl=5")
}
