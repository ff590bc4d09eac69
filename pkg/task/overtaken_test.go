package task_test

import (
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/task"
)

// TestOvertakenRepetitions: between a write whose response is lost and its repetition the item moves on. Its writer knows itself all the same.
func TestOvertakenRepetitions(t *testing.T) {
	// lost loses the next response to a write and then, before it is repeated, does something.
	lost := func(kind harness.Kind, meanwhile func()) {
		kind.Then(meanwhile)
		kind.Lose(1)
	}
	t.Run("a converted pull's task times out", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(worker.pull("1", "math"), "")
		lost(b.updateTask().With("pusher/7"), func() {
			b.Advance(5 * time.Second)
			b.repair()
			b.want(
				`A math. task done at=5s dl=5s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 worked=0s math.add [1] att=1 ttl=5 posted pull=worker/1 push=pusher/7 fin=i3 out="error":{"code":-32000,"message":"Timeout"}`,
				"worker.i1 → A 1")
		})
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "")
		b.want(
			`A math. task done at=5s dl=5s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 worked=0s math.add [1] att=1 ttl=5 posted pull=worker/1 push=pusher/7 fin=i3 out="error":{"code":-32000,"message":"Timeout"}`,
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		worker.got("1 A-math. math.add [1] ttl=5")
		pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
		b.settled(
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
	})
	t.Run("a claimed task is cancelled", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(pusher.push("7", "math.add"), "")
		lost(b.updateTask().With("worker/1"), func() {
			b.says(pusher.cancel("8", `{"id":7}`), "")
			b.want(
				`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=pusher/8 out="error":{"code":-32001,"message":"Cancel"} finisher=pusher/8`,
				"pusher.i1 → A 7")
		})
		b.says(worker.pull("1", "math"), "")
		b.want(
			`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=pusher/8 out="error":{"code":-32001,"message":"Cancel"} finisher=pusher/8`,
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		worker.got("1 A-math. math.add [1] ttl=5")
		pusher.got(
			`7 error {"code":-32001,"message":"Cancel"}`,
			`8 {"ok":true}`)
		b.settled(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
	})
	t.Run("a claimed task is rejected by who had it before", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		before := b.client("before")
		b.says(pusher.push("7", "math.add"), "")
		b.says(before.pull("1", "math"), "")
		b.says(before.reject("2", "A"), "")
		lost(b.updateTask().With("worker/1"), func() {
			b.says(before.reject("3", "A"), "")
			b.want(
				`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=2 ttl=3 push=pusher/7 claim=worker/1 ret=before/3 debt=worker/1:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=worker.i3`,
				"pusher.i1 → A 7",
				"before.i2 → A 1")
		})
		b.says(worker.pull("1", "math"), "")
		b.pass(task.RepairAge)
		b.repair()
		// Its repetition claims the task anew, or it gets -32000 from repair, so that it pulls again: one of them.
		if got := worker.Got(); len(got) != 1 {
			t.Errorf("the pull got %q", got)
		}
	})
	t.Run("a claimed task is rejected, and claimed by another", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		before := b.client("before")
		b.says(pusher.push("7", "math.add"), "")
		b.says(pusher.push("8", "math.mul"), "")
		b.says(before.pull("1", "math"), "")
		b.says(before.reject("2", "A"), "")
		lost(b.updateTask().With("worker/1"), func() {
			b.says(before.reject("3", "A"), "")
			b.says(before.pull("4", "math"), "")
		})
		b.says(worker.pull("1", "math"), "")
		b.want(
			`A math. task working dl=240h0m0s worker=before/4 pusher=pusher/7 maker=pusher.i1 mark=before.i5 row=i1 math.add [1] att=3 ttl=3 push=pusher/7 claim=before/4 ret=before/3 debt=worker/1:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=worker.i4`,
			"B math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 push=pusher/8",
			"pusher.i1 → A 7",
			"pusher.i3 → B 8",
			"before.i2 → A 1",
			"before.i5 → A 4")
		worker.got()
		b.pass(task.RepairAge)
		b.repair()
		b.pass(task.RepairAge)
		b.repair()
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
	})
	t.Run("a converted pull's task is rejected", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(worker.pull("1", "math"), "")
		b.state()
		lost(b.updateTask().With("pusher/7"), func() {
			b.says(worker.reject("2", "A"), "") // who guessed its taskid
			b.want(
				`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 det pull=worker/1 push=pusher/7 ret=worker/2 debt=pusher/7:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=pusher.i2`,
				"worker.i1 → A 1")
		})
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`), "")
		b.want(
			`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 det pull=worker/1 push=pusher/7 ret=worker/2 debt=pusher/7:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=pusher.i2`,
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`, `2 {"ok":true}`)
		pusher.got(`7 {"ok":true}`)
		b.settled(
			"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 det seized pull=worker/1 push=pusher/7 ret=worker/2",
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
	})
	t.Run("a task just stored is finished", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		lost(b.putTask().With("pusher/7"), func() {
			b.says(worker.pull("1", "math"), "")
			b.says(worker.result("2", "A", "3"), "")
			b.want(
				`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=worker/2 out="result":3 finisher=worker/2`,
				"worker.i2 → A 1")
		})
		b.says(pusher.push("7", "math.add"), "")
		b.want(
			`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=worker/2 out="result":3 finisher=worker/2`,
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		worker.got(
			"1 A-math. math.add [1] ttl=5",
			`2 {"ok":true}`)
		pusher.got("7 3")
		b.settled(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
	})
	t.Run("a pull just stored is cancelled by its time", func(t *testing.T) {
		b := newBench(t)
		worker, _ := b.pair()
		lost(b.putTask().With("worker/1"), func() {
			b.Advance(5 * time.Second)
			b.repair()
			b.want(
				`A math. pull done at=5s dl=5s worker=worker/1 maker=worker.i1 posted pull=worker/1 fin=i2 out="error":{"code":-32000,"message":"Timeout"}`)
		})
		b.says(worker.pull("1", `{"prefix":"math","timeout":5}`), "")
		b.want(
			`A math. pull done at=5s dl=5s worker=worker/1 maker=worker.i1 posted pull=worker/1 fin=i2 out="error":{"code":-32000,"message":"Timeout"}`,
			"worker.i1 → A 1")
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
		b.settled("worker.i1 → A 1")
	})
}
