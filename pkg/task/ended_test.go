package task_test

import (
	"testing"
	"time"

	"nexus/pkg/task"
)

// TestWorkerGone: the worker's session ends. What it worked on waits again with a ttl less, at 0 the pusher gets -32011; what waits for it goes.
func TestWorkerGone(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	other := b.client("other")
	b.says(pusher.push("7", "math.add"), "")
	b.says(pusher.push("8", `{"method":"math.mul","params":[2],"ttl":1}`), "")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.pull("2", "math"), "")
	b.says(worker.pull("3", "text"), "")
	b.says(other.pull("4", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"B math. task working dl=240h0m0s worker=worker/2 pusher=pusher/8 maker=pusher.i3 mark=worker.i4 row=i3 math.mul [2] att=1 ttl=1 push=pusher/8 claim=worker/2",
		"C text. pull waiting queued dl=3h0m0s worker=worker/3 maker=worker.i5 pull=worker/3",
		"D math. pull waiting queued dl=3h0m0s worker=other/4 maker=other.i6 pull=other/4",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1",
		"worker.i4 → B 2",
		"worker.i5 → C 3",
		"other.i6 → D 4")
	worker.Got()
	worker.end()
	b.want(
		"worker ended",
		"A math. task working dl=240h0m0s worker=other/4 pusher=pusher/7 maker=pusher.i1 mark=other.i7 row=i1 math.add [1] att=2 ttl=4 push=pusher/7 claim=i8 ret=i9 lost=worker",
		"D math. pull done dl=3h0m0s worker=other/4 maker=other.i6 posted pull=other/4",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1",
		"worker.i4 → B 2",
		"worker.i5 → C 3",
		"other.i6 → D 4",
		"other.i7 → A 4")
	pusher.got(`8 error {"code":-32011,"message":"TTL expired"}`)
	other.got("4 A-math. math.add [1] ttl=4")
}

// TestWorkerGoneUnmarked: an end leaves a hand-over that is not marked to who makes it, and that one gives the task back with its ttl.
func TestWorkerGoneUnmarked(t *testing.T) {
	for _, way := range []string{"convert", "claim"} {
		t.Run(way, func(t *testing.T) {
			b := newBench(t)
			worker, pusher := b.pair()
			first, second := pusher, worker
			if way == "convert" {
				first, second = worker, pusher
			}
			call := func(c *client) string {
				if c == worker {
					return worker.pull("1", "math")
				}
				return pusher.push("7", "math.add")
			}
			b.says(call(first), "")
			b.PostTo(worker.Client).Run(func() {
				worker.end()
				for _, line := range b.state() {
					if line[0] == 'A' && !contains(line, "task working", "ttl=5") {
						t.Error(line)
					}
				}
			})
			b.says(call(second), "")
			for _, line := range b.state() {
				if line[0] == 'A' && !contains(line, "task waiting queued", "ttl=5") {
					t.Error(line)
				}
			}
		})
	}
}

// TestGoneAtHandOver: the post of a hand-over meets 410. The task goes back unspent before the session ends, and to the next pull.
func TestGoneAtHandOver(t *testing.T) {
	t.Run("convert", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(worker.pull("1", "math"), "")
		worker.Lost()
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1,"detach":true}`), "")
		b.want(
			"worker ended",
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=1 det pull=worker/1 push=pusher/7 ret=i3",
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		pusher.got(`7 {"ok":true}`)
		b.timers(
			"5s session.ended worker",
			"1m0s session.ended worker")
		b.pass(2 * task.RepairAge)
		b.repair()
		pusher.got() // once
	})
	t.Run("claim", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1}`), "")
		worker.Lost()
		b.says(worker.pull("1", "math"), "")
		b.want(
			"worker ended",
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=1 push=pusher/7 claim=worker/1 ret=i2",
			"pusher.i1 → A 7")
	})
	t.Run("with another pull there", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		other := b.client("other")
		b.says(worker.pull("1", "math"), "")
		b.says(other.pull("2", "math"), "")
		worker.Lost()
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1}`), "")
		b.want(
			"worker ended",
			"A math. task working dl=240h0m0s worker=other/2 pusher=pusher/7 maker=worker.i1 mark=other.i2 row=i3 math.add [1] att=2 ttl=1 pull=worker/1 push=pusher/7 claim=i4 ret=i5",
			"B math. pull done dl=3h0m0s worker=other/2 maker=other.i6 posted pull=other/2",
			"worker.i1 → A 1",
			"other.i6 → B 2",
			"pusher.i3 → A 7",
			"other.i2 → A 2")
		other.got("2 A-math. math.add [1] ttl=1")
	})
}

// TestDrop: the pusher's session ends. Its tasks go, waiting and working, but for the detached ones; nobody is told, and a later result is -32002.
func TestDrop(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	b.says(pusher.push("8", "math.mul"), "")
	b.says(pusher.push("9", `{"method":"math.sub","params":[3],"detached":true}`), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"B math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 push=pusher/8",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/9 maker=pusher.i4 row=i4 math.sub [3] att=0 ttl=5 det push=pusher/9",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"pusher.i3 → B 8",
		"pusher.i4 → C 9")
	worker.Got()
	pusher.Got()
	pusher.end()
	b.want(
		"pusher ended",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/9 maker=pusher.i4 row=i4 math.sub [3] att=0 ttl=5 det push=pusher/9",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"pusher.i3 → B 8",
		"pusher.i4 → C 9")
	b.says(worker.result("2", "A", "3"), "-32002 Invalid task:[A-math.]")
	b.says(worker.reject("3", "A"), "-32002 Invalid task:[A-math.]")
	worker.got()
	b.pass(2 * time.Minute) // the later clean-ups find nothing more
	b.want(
		"pusher ended",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/9 maker=pusher.i4 row=i4 math.sub [3] att=0 ttl=5 det push=pusher/9",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"pusher.i3 → B 8",
		"pusher.i4 → C 9")
}

// TestEndsMeet: the handler was under way when the session ended, and stored its item afterwards. The later clean-ups take it.
func TestEndsMeet(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.putTask().With("worker/1").Run(worker.end)
	b.says(worker.pull("1", "math"), "")
	b.putTask().With("pusher/7").Run(pusher.end)
	b.says(pusher.push("7", "text.add"), "")
	b.want(
		"pusher ended",
		"worker ended",
		"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"B text. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i2 row=i2 text.add [1] att=0 ttl=5 push=pusher/7",
		"worker.i1 → A 1",
		"pusher.i2 → B 7")
	b.timers(
		"5s session.ended worker",
		"5s session.ended pusher",
		"1m0s session.ended worker",
		"1m0s session.ended pusher")
	b.pass(5 * time.Second)
	b.want(
		"pusher ended",
		"worker ended",
		"worker.i1 → A 1",
		"pusher.i2 → B 7")
}
