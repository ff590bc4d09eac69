package task_test

import (
	"testing"
	"time"

	"nexus/pkg/task"
)

// TestReject: the task waits again with a ttl less, before what came later; at 0 the pusher gets -32011.
func TestReject(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	other := b.client("other")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":2}`), "")
	b.Advance(time.Second)
	b.says(pusher.push("8", `{"method":"math.mul","params":[2]}`), "")
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working at=1s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=2 push=pusher/7 claim=worker/1",
		"B math. task waiting queued at=1s created=1s dl=240h0m1s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [2] att=0 ttl=5 push=pusher/8",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1")
	worker.got("1 A-math. math.add [1] ttl=2")
	b.says(other.reject("9", "A"), "") // anybody may who knows it
	b.want(
		"A math. task waiting queued at=1s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=1 push=pusher/7 claim=worker/1 ret=other/9",
		"B math. task waiting queued at=1s created=1s dl=240h0m1s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [2] att=0 ttl=5 push=pusher/8",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1")
	other.got(`9 {"ok":true}`)
	b.says(other.reject("10", "A"), "-32002 Invalid task:[A-math.]") // it waits
	b.says(worker.pull("2", "math"), "")
	worker.got("2 A-math. math.add [1] ttl=1")
	b.says(worker.reject("3", "A"), "")
	b.want(
		"B math. task waiting queued at=1s created=1s dl=240h0m1s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [2] att=0 ttl=5 push=pusher/8",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1",
		"worker.i4 → A 2")
	worker.got(`3 {"ok":true}`)
	pusher.got(`7 error {"code":-32011,"message":"TTL expired"}`)
}

// TestRejectMeetsPull: the task goes to a pull that waits, without the next repair.
func TestRejectMeetsPull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.pull("2", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"B math. pull waiting queued dl=3h0m0s worker=worker/2 maker=worker.i3 pull=worker/2",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"worker.i3 → B 2")
	b.says(worker.reject("3", "A"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=pusher.i1 mark=worker.i4 row=i1 math.add [1] att=2 ttl=4 push=pusher/7 claim=i5 ret=worker/3",
		"B math. pull done dl=3h0m0s worker=worker/2 maker=worker.i3 posted pull=worker/2",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"worker.i3 → B 2",
		"worker.i4 → A 2")
	worker.got(
		"1 A-math. math.add [1] ttl=5",
		"2 A-math. math.add [1] ttl=4",
		`3 {"ok":true}`)
}

// TestRejectedWorkerFinishes: who had the task before may still be the first to finish it, waiting or at work elsewhere.
func TestRejectedWorkerFinishes(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.reject("2", "A"), "")
	worker.Got()
	b.says(worker.result("3", "A", "3"), "")
	b.want(
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got(`3 {"ok":true}`)
	pusher.got("7 3")
}

// TestRejectUnmarked: the hand-over of the task is under way. If it died, the pull gets -32000 from repair, so that it pulls again.
func TestRejectUnmarked(t *testing.T) {
	t.Run("under way", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		other := b.client("other")
		b.says(worker.pull("1", "math"), "")
		b.PostTo(worker.Client).Run(func() {
			b.says(other.reject("2", "A"), "")
			b.want(
				`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 pull=worker/1 push=pusher/7 ret=other/2 debt=pusher/7:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=pusher.i2`,
				"worker.i1 → A 1")
		})
		b.says(pusher.push("7", "math.add"), "")
		worker.got("1 A-math. math.add [1] ttl=5")
		b.later()
		b.want(
			"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 seized pull=worker/1 push=pusher/7 ret=other/2",
			"pusher.o#math.|A → A 7",
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		worker.got()
		other.got(`2 {"ok":true}`)
	})
	t.Run("died", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		other := b.client("other")
		b.says(pusher.push("7", "math.add"), "")
		b.DiesAfter(b.updateTask(), func() string { return worker.pull("1", "math") })
		b.says(other.reject("2", "A"), "")
		b.want(
			`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=other/2 debt=worker/1:worker/1:"error":{"code":-32000,"message":"Timeout"} unless=worker.i2`,
			"pusher.i1 → A 7")
		b.Advance(task.RepairAge - time.Second)
		b.repair()
		worker.got()
		b.Advance(time.Second)
		b.repair()
		b.repair()
		b.want(
			"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 seized push=pusher/7 claim=worker/1 ret=other/2",
			"pusher.o#math.|A → A 7",
			"pusher.i1 → A 7")
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
		other.got(`2 {"ok":true}`)
	})
	t.Run("died at the last ttl", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		other := b.client("other")
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1}`), "")
		b.DiesAfter(b.updateTask(), func() string { return worker.pull("1", "math") })
		b.says(other.reject("2", "A"), "")
		b.want(
			`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=1 posted push=pusher/7 claim=worker/1 fin=other/2 out="error":{"code":-32011,"message":"TTL expired"} finisher=other/2`,
			"pusher.i1 → A 7")
		pusher.got(`7 error {"code":-32011,"message":"TTL expired"}`)
		other.got(`2 {"ok":true}`)
		b.later()
		b.want("pusher.i1 → A 7")
		worker.got("1 A-math. math.add [1] ttl=1") // late, but once
	})
}

// TestRejectDied: between the return and the answer. Repair answers.
func TestRejectDied(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	worker.Got()
	b.DiesAfter(b.updateTask().With(":ret"), func() string { return worker.reject("2", "A") })
	b.want(
		`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=worker/2 debt=worker/2:worker/2:"result":{"ok":true}`,
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got()
	b.later()
	b.repair()
	b.want(
		"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 seized push=pusher/7 claim=worker/1 ret=worker/2",
		"pusher.o#math.|A → A 7",
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got(`2 {"ok":true}`)
}

// TestRejectDiedThenFinished: the item is kept for the answer that it owes.
func TestRejectDiedThenFinished(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	b.DiesAfter(b.updateTask().With(":ret"), func() string { return worker.reject("2", "A") })
	worker.Got()
	b.says(worker.result("3", "A", "3"), "")
	b.want(
		`A math. task done dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 posted push=pusher/7 claim=worker/1 ret=worker/2 fin=worker/3 out="result":3 finisher=worker/3 debt=worker/2:worker/2:"result":{"ok":true}`,
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got(`3 {"ok":true}`)
	pusher.got("7 3")
	b.later()
	b.repair()
	b.want(
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got(`2 {"ok":true}`)
	pusher.got()
}

// TestRejectOfAnotherAttempt: at the last ttl, too, a return is of the attempt that it read. Here that one went back unspent meanwhile.
func TestRejectOfAnotherAttempt(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	other := b.client("other")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1}`), "")
	b.DiesAfter(b.updateTask(), func() string { return worker.pull("1", "math") })
	b.updateTask().With("other/2").Run(func() {
		worker.Lost()
		b.later()
		b.says(other.pull("3", "math"), "")
	})
	b.says(other.reject("2", "A"), "-32002 Invalid task:[A-math.]")
	b.items(
		"A math. task working at=30s dl=240h0m0s worker=other/3 pusher=pusher/7 maker=pusher.i1 mark=other.i3 row=i1 math.add [1] att=2 ttl=1 seized push=pusher/7 claim=other/3 ret=i4")
	other.got("3 A-math. math.add [1] ttl=1")
	pusher.got()
}

// TestRejectPastDeadline: a task past its deadline is the deadline's.
func TestRejectPastDeadline(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "")
	b.says(worker.pull("1", "math"), "")
	b.Advance(5 * time.Second)
	before := b.state()
	for _, answer := range []string{worker.reject("2", "A"), worker.result("3", "A", "3"), worker.cancel("4", b.named("A", ""))} {
		b.says(answer, "-32002 Invalid task:[A-math.]")
	}
	b.want(before...)
	pusher.got()
	b.due()
	b.want(
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
}

// TestFinishExpiredWaiting: who meets a task that waits past its deadline tells its pusher, for the timer may be late.
func TestFinishExpiredWaiting(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "")
	b.Advance(5 * time.Second)
	b.says(worker.result("3", "A", "3"), "-32002 Invalid task:[A-math.]")
	b.want("pusher.i1 → A 7")
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	worker.got()
}
