package task_test

import (
	"testing"
	"time"

	"nexus/pkg/task"
)

// TestDirectory: the first call on a path writes its row, to last longer than what the call leaves; those of the next hour write none.
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
	b.Advance(time.Hour)
	push("math.add", "3600")
	push("math.mul", "60")
	written(1)
	b.Advance(time.Millisecond)
	push("math.add", "3600") // an hour and a moment later
	b.paths("math. until 3h0m0s")
	written(2)
	push("math.add", "36000")
	b.paths("math. until 12h0m0s")
	written(3)
	b.says(worker.pull("1", "text"), "")
	b.says(worker.pull("2", `{}`), "")
	push("single", "10")
	b.paths(". until 5h0m0s", "math. until 12h0m0s", "text. until 5h0m0s")
	written(5)

	// Another environment, which remembers nothing, finds that the row lasts long enough, or makes it last.
	t1 := b.tasks
	b.tasks = &task.Tasks{DB: t1.DB, Rows: t1.Rows, Timer: t1.Timer, Post: t1.Post, Sessions: t1.Sessions, Hooks: t1.Hooks, Log: t1.Log, Now: t1.Now, NewID: t1.NewID,
		Pick: t1.Pick, Shards: t1.Shards, RepairAge: t1.RepairAge}
	push("math.add", "3600")
	b.paths(". until 5h0m0s", "math. until 12h0m0s", "text. until 5h0m0s")
	written(6)
	push("math.add", "360")
	written(6)
	push("math.add", "36001")
	b.paths(". until 5h0m0s", "math. until 12h0m1s", "text. until 5h0m0s")
	written(7)
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
