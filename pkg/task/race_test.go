package task_test

import (
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/task"
)

// TestTwoPushesOnePull: the second push takes the pull between the first one's look and its write. The first one's task waits.
func TestTwoPushesOnePull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	b.updateTask().With("pusher/7").Run(func() { b.says(pusher.push("8", "math.mul"), "") })
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/8 maker=worker.i1 mark=pusher.i2 row=i2 math.mul [1] att=1 ttl=5 pull=worker/1 push=pusher/8",
		"B math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i3 row=i3 math.add [1] att=0 ttl=5 push=pusher/7",
		"worker.i1 → A 1",
		"pusher.i3 → B 7",
		"pusher.i2 → A 8")
	worker.got("1 A-math. math.mul [1] ttl=5")
	pusher.got()
}

// TestTwoPushesTwoPulls: the first push finds the pull it chose taken, and converts another.
func TestTwoPushesTwoPulls(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	b.says(worker.pull("2", "math"), "")
	b.updateTask().With("pusher/7").Run(func() { b.says(pusher.push("8", "math.mul"), "") })
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/8 maker=worker.i1 mark=pusher.i2 row=i2 math.mul [1] att=1 ttl=5 pull=worker/1 push=pusher/8",
		"B math. task working dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=worker.i3 mark=pusher.i4 row=i4 math.add [1] att=1 ttl=5 pull=worker/2 push=pusher/7",
		"worker.i1 → A 1",
		"worker.i3 → B 2",
		"pusher.i4 → B 7",
		"pusher.i2 → A 8")
	worker.got(
		"1 A-math. math.mul [1] ttl=5",
		"2 B-math. math.add [1] ttl=5")
}

// TestConvertCancelledPull: the pull is cancelled between the push's look and its write.
func TestConvertCancelledPull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	b.updateTask().With("pusher/7").Run(func() { b.says(worker.cancel("2", `{"id":1}`), "") })
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
		"worker.i2 → i3 1",
		"pusher.i1 → A 7")
	worker.got(
		`1 error {"code":-32001,"message":"Cancel"}`,
		`2 {"ok":true}`)
	pusher.got()
}

// TestConvertExpiredPull: a pull whose time is over is no worker's any more. Who meets it tells it so, for its timer may be late.
func TestConvertExpiredPull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"math","timeout":10}`), "")
	b.Advance(10 * time.Second)
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task waiting queued at=10s created=10s dl=240h0m10s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
		"worker.i2 → i3 1",
		"pusher.i1 → A 7")
	worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
	b.timers("10s task.deadline math. i3 pull")
}

// TestConvertPassesExpiredPull: the push goes on to the next pull, and the one whose time is over is told so all the same.
func TestConvertPassesExpiredPull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"math","timeout":10}`), "")
	b.says(worker.pull("2", "math"), "")
	b.Advance(10 * time.Second)
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working at=10s created=10s dl=240h0m10s worker=worker/2 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 pull=worker/2 push=pusher/7",
		"worker.i3 → i4 1",
		"worker.i1 → A 2",
		"pusher.i2 → A 7")
	worker.got(
		`1 error {"code":-32000,"message":"Timeout"}`,
		"2 A-math. math.add [1] ttl=5")
}

// TestPullComesWhilePushIsStored: neither found the other at first; the push looks again and pairs them, in one transaction.
func TestPullComesWhilePushIsStored(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.putTask().With("pusher/7").Run(func() { b.says(worker.pull("1", "math"), "") })
	b.pairing().Run(func() {
		b.items(
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
			"B math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i2 pull=worker/1")
	})
	b.PostTo(worker.Client).Run(func() {
		b.items(
			"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i3 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
			"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i2 posted pull=worker/1")
	})
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i3 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
		"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i2 posted pull=worker/1",
		"pusher.i1 → A 7",
		"worker.i2 → B 1",
		"worker.i3 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
}

// TestPushComesWhilePullIsStored: neither found the other at first; the pull looks again and pairs them.
func TestPushComesWhilePullIsStored(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.putTask().With("worker/1").Run(func() { b.says(pusher.push("7", "math.add"), "") })
	b.pairing().Run(func() {
		b.items(
			"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
			"B math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i2 row=i2 math.add [1] att=0 ttl=5 push=pusher/7")
	})
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. pull done dl=3h0m0s worker=worker/1 maker=worker.i1 posted pull=worker/1",
		"B math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i2 mark=worker.i3 row=i2 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
		"worker.i1 → A 1",
		"pusher.i2 → B 7",
		"worker.i3 → B 1")
	worker.got("1 B-math. math.add [1] ttl=5")
}

// TestPairingMeetsPairing: another push pairs the head, which is not its own, before the head's push does. The pull is answered once.
func TestPairingMeetsPairing(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.putTask().With("pusher/7").Run(func() { b.says(worker.pull("1", "math"), "") })
	b.pairing().Run(func() { b.says(pusher.push("8", "math.mul"), "") })
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i3",
		"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i4 posted pull=worker/1",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i5 row=i5 math.mul [1] att=0 ttl=5 push=pusher/8",
		"pusher.i1 → A 7",
		"worker.i4 → B 1",
		"pusher.i5 → C 8",
		"worker.i2 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
}

// TestPairingMeetsEnds: of the two items of a pairing one is over, or past its deadline, when the transaction comes. The other one waits on.
func TestPairingMeetsEnds(t *testing.T) {
	t.Run("the task is cancelled", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.putTask().With("worker/1").Run(func() { b.says(pusher.push("7", "math.add"), "") })
		b.pairing().Run(func() { b.says(pusher.cancel("8", `{"id":7}`), "") })
		b.says(worker.pull("1", "math"), "")
		b.want(
			"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
			"worker.i1 → A 1",
			"pusher.i2 → i3 7")
		worker.got()
		pusher.got(
			`7 error {"code":-32001,"message":"Cancel"}`,
			`8 {"ok":true}`)
	})
	t.Run("the pull is cancelled", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.putTask().With("pusher/7").Run(func() { b.says(worker.pull("1", "math"), "") })
		b.pairing().Run(func() { b.says(worker.cancel("2", `{"id":1}`), "") })
		b.says(pusher.push("7", "math.add"), "")
		b.want(
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
			"pusher.i1 → A 7",
			"worker.i2 → i3 1")
		worker.got(
			`1 error {"code":-32001,"message":"Cancel"}`,
			`2 {"ok":true}`)
		pusher.got()
	})
	look := func(b *bench) harness.Kind { return b.On("GetItem", `"nexus-tasks"`) } // the pull's, before the transaction
	t.Run("the task's time is over", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.putTask().With("worker/1").Run(func() { b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "") })
		look(b).Run(func() { b.Advance(5 * time.Second) })
		b.says(worker.pull("1", "math"), "")
		b.want(
			"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
			"worker.i1 → A 1",
			"pusher.i2 → i3 7")
		worker.got()
		pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	})
	t.Run("the pull's time is over", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.putTask().With("pusher/7").Run(func() { b.says(worker.pull("1", `{"prefix":"math","timeout":5}`), "") })
		look(b).Run(func() { b.Advance(5 * time.Second) })
		b.says(pusher.push("7", "math.add"), "")
		b.want(
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
			"pusher.i1 → A 7",
			"worker.i2 → i3 1")
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
		pusher.got()
	})
}

// TestTwoPullsOneTask: the second pull claims the task between the first one's look and its write. The first one waits.
func TestTwoPullsOneTask(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.updateTask().With("worker/1").Run(func() { b.says(worker.pull("2", "math"), "") })
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/2",
		"B math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i3 pull=worker/1",
		"pusher.i1 → A 7",
		"worker.i2 → A 2",
		"worker.i3 → B 1")
	worker.got("2 A-math. math.add [1] ttl=5")
}

// TestClaimTakesTheNext: the task that the pull chose is cancelled meanwhile, the one behind it has expired; it takes the third.
func TestClaimTakesTheNext(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(pusher.push("8", `{"method":"math.mul","params":[2],"timeout":5}`), "")
	b.says(pusher.push("9", `{"method":"math.sub","params":[3]}`), "")
	b.Advance(5 * time.Second)
	b.updateTask().With("worker/1").Run(func() { b.says(pusher.cancel("10", `{"id":7}`), "") })
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working at=5s dl=240h0m0s worker=worker/1 pusher=pusher/9 maker=pusher.i1 mark=worker.i2 row=i1 math.sub [3] att=1 ttl=5 push=pusher/9 claim=worker/1",
		"pusher.i3 → i4 7",
		"pusher.i5 → i6 8",
		"pusher.i1 → A 9",
		"worker.i2 → A 1")
	worker.got("1 A-math. math.sub [3] ttl=5")
	pusher.got(
		`10 {"ok":true}`,
		`7 error {"code":-32001,"message":"Cancel"}`,
		`8 error {"code":-32000,"message":"Timeout"}`)
}

// TestOneEnd: of two ends of a task one wins, whichever they are; the other is -32002, and answers nobody.
func TestOneEnd(t *testing.T) {
	ends := []struct {
		name, pusher, worker string
		end                  func(b *bench, worker, pusher *client) string
	}{
		{"result", `7 3`, `10 {"ok":true}`, func(_ *bench, worker, _ *client) string { return worker.result("10", "A", "3") }},
		{"error", `7 error {"code":4,"message":"no"}`, `11 {"ok":true}`,
			func(_ *bench, worker, _ *client) string { return worker.error("11", "A", `,"code":4,"message":"no"`) }},
		{"cancel", `7 error {"code":-32001,"message":"Cancel"}`, `12 {"ok":true}`,
			func(b *bench, worker, _ *client) string { return worker.cancel("12", b.named("A", "")) }},
		{"reject", `7 error {"code":-32011,"message":"TTL expired"}`, `13 {"ok":true}`,
			func(_ *bench, worker, _ *client) string { return worker.reject("13", "A") }},
		{"time-out", `7 error {"code":-32000,"message":"Timeout"}`, ``, func(b *bench, _, _ *client) string { b.Advance(50 * time.Second); b.due(task.WakeDeadline); return "" }},
		{"pusher gone", ``, ``, func(_ *bench, _, pusher *client) string { pusher.end(); return "" }},
		{"worker gone", `7 error {"code":-32011,"message":"TTL expired"}`, ``, func(_ *bench, worker, _ *client) string { worker.end(); return "" }},
	}
	for _, winner := range ends {
		for _, loser := range ends {
			if winner.name == loser.name {
				continue
			}
			t.Run(winner.name+" before "+loser.name, func(t *testing.T) {
				b := newBench(t)
				worker, pusher := b.pair()
				b.says(pusher.push("7", `{"method":"math.add","params":[1],"ttl":1,"timeout":50}`), "")
				b.says(worker.pull("1", "math"), "")
				b.want(
					"A math. task working dl=50s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=1 push=pusher/7 claim=worker/1",
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.got("1 A-math. math.add [1] ttl=1")
				// The loser has read what it reads when the winner comes. But once the time is over it is the time-out that wins.
				const lost = "-32002 Invalid task:[A-math.]"
				if loser.name == "time-out" && winner.worker != "" {
					b.updateTask().With(":done").Run(func() { b.says(winner.end(b, worker, pusher), lost) })
					b.says(loser.end(b, worker, pusher), "")
					pusher.got(loser.pusher)
					worker.got()
					return
				}
				b.updateTask().With(":done").Run(func() { b.says(winner.end(b, worker, pusher), "") })
				if loser.worker != "" {
					b.says(loser.end(b, worker, pusher), lost)
				} else {
					b.says(loser.end(b, worker, pusher), "")
				}
				after := []string{"pusher.i1 → A 7", "worker.i2 → A 1"}
				if winner.name == "worker gone" || loser.name == "worker gone" {
					after = append([]string{"worker ended"}, after...)
				}
				if winner.name == "pusher gone" || loser.name == "pusher gone" {
					after = append([]string{"pusher ended"}, after...)
				}
				b.want(after...)
				if loser.name != "pusher gone" && winner.pusher != "" {
					pusher.got(winner.pusher)
				} else if winner.pusher != "" {
					pusher.Got() // perhaps: it was gone when the answer came
				}
				pusher.got()
				if winner.worker != "" && loser.name != "worker gone" {
					worker.got(winner.worker)
				} else if winner.worker != "" {
					worker.Got()
				}
				worker.got()
			})
		}
	}
}

// TestTwoReturns: a reject and the end of the worker both return the task; one of them spends a ttl. The task is not taken from who has it next.
func TestTwoReturns(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	next := b.client("next")
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	b.updateTask().With("next/3").Run(func() {
		worker.end()
		b.want(
			"worker ended",
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=i3 lost=worker",
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		b.says(next.pull("2", "math"), "")
	})
	b.says(next.reject("3", "A"), "-32002 Invalid task:[A-math.]")
	b.want(
		"worker ended",
		"A math. task working dl=240h0m0s worker=next/2 pusher=pusher/7 maker=pusher.i1 mark=next.i4 row=i1 math.add [1] att=2 ttl=4 push=pusher/7 claim=next/2 ret=i3 lost=worker",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"next.i4 → A 2")
	next.got("2 A-math. math.add [1] ttl=4")
}
