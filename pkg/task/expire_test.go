package task_test

import (
	"strings"
	"testing"
	"time"

	"nexus/pkg/task"
	"nexus/pkg/timer"
)

// TestNearDeadlines: a deadline within 60 s has its timer at once, which names item and kind; it comes, and the item is over.
func TestNearDeadlines(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"math","timeout":60}`), "")
	b.says(worker.pull("2", `{"prefix":"math","timeout":60.001}`), "")
	b.says(pusher.push("7", `{"method":"text.add","params":[1],"timeout":0.5}`), "")
	b.says(pusher.push("8", `{"method":"text.mul","params":[2],"timeout":59.5,"detach":true}`), "")
	b.want(
		"A math. pull waiting queued dl=1m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"B math. pull waiting queued dl=1m0.001s worker=worker/2 maker=worker.i2 pull=worker/2",
		"C text. task waiting queued dl=500ms pusher=pusher/7 maker=pusher.i3 row=i3 text.add [1] att=0 ttl=5 push=pusher/7",
		"D text. task waiting queued dl=59.5s pusher=pusher/8 maker=pusher.i4 row=i4 text.mul [2] att=0 ttl=5 det push=pusher/8",
		"worker.i1 → A 1",
		"worker.i2 → B 2",
		"pusher.i3 → C 7",
		"pusher.i4 → D 8")
	b.timers(
		"1s task.deadline text. C task",
		"1m0s task.deadline math. A pull",
		"1m0s task.deadline text. D task")
	b.Advance(time.Second)
	b.due()
	b.want(
		"A math. pull waiting queued dl=1m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"B math. pull waiting queued dl=1m0.001s worker=worker/2 maker=worker.i2 pull=worker/2",
		"D text. task waiting queued dl=59.5s pusher=pusher/8 maker=pusher.i4 row=i4 text.mul [2] att=0 ttl=5 det push=pusher/8",
		"worker.i1 → A 1",
		"worker.i2 → B 2",
		"pusher.i3 → C 7",
		"pusher.i4 → D 8")
	pusher.got(
		`7 error {"code":-32000,"message":"Timeout"}`,
		`8 {"ok":true}`)
	b.Advance(59 * time.Second)
	b.due()
	b.want(
		"B math. pull waiting queued dl=1m0.001s worker=worker/2 maker=worker.i2 pull=worker/2",
		"worker.i1 → A 1",
		"worker.i2 → B 2",
		"pusher.i3 → C 7",
		"pusher.i4 → D 8")
	worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
	pusher.got()
}

// TestTimersOfOtherTimes: a timer that comes early sets itself again, one for another kind, or for what is over or gone, does nothing.
func TestTimersOfOtherTimes(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"math","timeout":10}`), "")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":20}`), "") // the item becomes a task
	b.says(pusher.push("8", `{"method":"math.mul","params":[2],"timeout":2000}`), "")
	before := b.state()
	b.want(before...)
	b.timers(
		"10s task.deadline math. A pull",
		"20s task.deadline math. A task")
	wake := func(key ...string) {
		b.t.Helper()
		b.Try(b.tasks.Woken(b.ctx, timer.Wake{Kind: task.WakeDeadline, Key: key}))
	}
	a, c := b.names.items["A"], b.names.items["B"]
	b.Advance(15 * time.Second)
	b.Discard()
	wake(a[0], a[1], "pull") // the pull's, though its time is over
	b.want(before...)
	worker.Got()
	wake(a[0], a[1], "task") // 5 s early
	wake(c[0], c[1], "task") // 1985 s early
	wake("math.", "none", "task")
	b.want(before...)
	b.timers(
		"20s task.deadline math. A task",
		"15m15s task.deadline math. B task")
	b.Advance(5 * time.Second)
	b.due()
	b.want(
		"B math. task waiting queued dl=33m20s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [2] att=0 ttl=5 push=pusher/8",
		"worker.i1 → A 1",
		"pusher.i2 → A 7",
		"pusher.i3 → B 8")
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	wake(a[0], a[1], "task")
	b.want(
		"B math. task waiting queued dl=33m20s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [2] att=0 ttl=5 push=pusher/8",
		"worker.i1 → A 1",
		"pusher.i2 → A 7",
		"pusher.i3 → B 8")
	pusher.got()
	worker.got()
	for _, w := range []timer.Wake{{Kind: task.WakeDeadline}, {Kind: task.WakeDeadline, Key: []string{"a", "b"}}, {Kind: task.WakeInspect, Key: []string{"a"}}} {
		if b.tasks.Woken(b.ctx, w) == nil {
			t.Errorf("%v was taken", w)
		}
	}
}

// TestRejectedTaskExpires: the timer names no attempt.
func TestRejectedTaskExpires(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":10}`), "")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.reject("2", "A"), "")
	b.says(worker.pull("3", "math"), "")
	worker.Got()
	b.pass(10 * time.Second)
	b.want(
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"worker.i3 → A 3")
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	b.says(worker.result("4", "A", "3"), "-32002 Invalid task:[A-math.]")
	worker.got()
}

// TestFarDeadlines: repair arms what is farther than 60 s, once, and its timer comes by hops of at most 900 s.
func TestFarDeadlines(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"text","timeout":2000}`), "")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":2100.5}`), "")
	b.timers()
	b.later()
	b.want(
		"A text. pull waiting queued dl=33m20s worker=worker/1 maker=worker.i1 armed pull=worker/1",
		"B math. task waiting queued dl=35m0.5s pusher=pusher/7 maker=pusher.i2 row=i2 math.add [1] att=0 ttl=5 armed push=pusher/7",
		"pusher.o#math.|B → B 7",
		"worker.o#text.|A → A 1",
		"worker.i1 → A 1",
		"pusher.i2 → B 7")
	b.timers(
		"15m30s task.deadline math. B task",
		"15m30s task.deadline text. A pull")
	b.repair() // which arms once
	b.timers(
		"15m30s task.deadline math. B task",
		"15m30s task.deadline text. A pull")
	b.pass(task.RepairAge)
	b.pass(870*time.Second - time.Millisecond)
	b.timers(
		"15m30s task.deadline math. B task",
		"15m30s task.deadline text. A pull")
	b.pass(time.Millisecond)
	b.timers(
		"30m30s task.deadline math. B task",
		"30m30s task.deadline text. A pull")
	b.pass(1070*time.Second - time.Millisecond)
	worker.got()
	b.pass(time.Millisecond)
	worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
	b.pass(102 * time.Second)
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	b.want(
		"pusher.o#math.|B → B 7",
		"worker.o#text.|A → A 1",
		"worker.i1 → A 1",
		"pusher.i2 → B 7")
	b.timers()
}

// TestConvertedIsArmedAnew: the chain of the pull that a task was is not the task's.
func TestConvertedIsArmedAnew(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", `{"prefix":"math","timeout":300}`), "")
	b.later()
	b.want(
		"A math. pull waiting queued dl=5m0s worker=worker/1 maker=worker.i1 armed pull=worker/1",
		"worker.o#math.|A → A 1",
		"worker.i1 → A 1")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":600}`), "")
	b.want(
		"A math. task working at=30s created=30s dl=10m30s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 pull=worker/1 push=pusher/7",
		"worker.o#math.|A → A 1",
		"worker.i1 → A 1",
		"pusher.i2 → A 7")
	worker.Got()
	b.later()
	b.timers(
		"5m0s task.deadline math. A pull",
		"10m30s task.deadline math. A task")
	b.pass(601 * time.Second)
	pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	worker.got()
}

// TestUnarmedDeadlines: what outlasts every connection, and what is detached, has no timer. A detached task's deadline is a condition on who wants it.
func TestUnarmedDeadlines(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "text"), "")
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":7231}`), "")
	b.says(pusher.push("8", `{"method":"math.mul","params":[2],"timeout":300,"detach":true}`), "")
	b.says(pusher.push("9", `{"method":"math.sub","params":[3],"timeout":7230}`), "")
	b.state() // gives names
	b.later()
	b.timers("15m30s task.deadline math. D task")
	for _, line := range b.state() {
		if armed := strings.Contains(line, "armed"); armed != strings.Contains(line, "math.sub") && strings.Contains(line, " dl=") {
			t.Error(line)
		}
	}
	b.Advance(270 * time.Second)
	b.says(pusher.cancel("10", `{"id":7}`), "")
	b.says(worker.pull("2", "math"), "") // not the detached one, whose time is over
	worker.got("2 D-math. math.sub [3] ttl=5")
	b.want(
		"A text. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"D math. task working at=5m0s dl=2h0m30s worker=worker/2 pusher=pusher/9 maker=pusher.i4 mark=worker.i5 row=i4 math.sub [3] att=1 ttl=5 armed push=pusher/9 claim=worker/2",
		"pusher.o#math.|B → B 7",
		"pusher.o#math.|D → D 9",
		"worker.o#text.|A → A 1",
		"worker.i1 → A 1",
		"pusher.i2 → B 7",
		"pusher.i3 → C 8",
		"pusher.i4 → D 9",
		"worker.i5 → D 2")
}

// TestLateHandlers: the timer came before there was an item. The handler finds the deadline passed, and does what the timer does.
func TestLateHandlers(t *testing.T) {
	late := func(b *bench) func() {
		return func() { b.Advance(5 * time.Second); b.due() }
	}
	t.Run("pull", func(t *testing.T) {
		b := newBench(t)
		worker, _ := b.pair()
		b.putTask().Run(late(b))
		b.says(worker.pull("1", `{"prefix":"math","timeout":5}`), "")
		b.want("worker.i1 → i2 1")
		worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
	})
	t.Run("push", func(t *testing.T) {
		b := newBench(t)
		_, pusher := b.pair()
		b.putTask().Run(late(b))
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "")
		b.want("pusher.i1 → i2 7")
		pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	})
	t.Run("convert", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(worker.pull("1", "math"), "")
		b.updateTask().With("pusher/7").Run(late(b))
		b.says(pusher.push("7", `{"method":"math.add","params":[1],"timeout":5}`), "")
		b.want(
			"worker.i1 → i2 1",
			"pusher.i3 → i2 7")
		worker.got("1 i2-math. math.add [1] ttl=5")
		pusher.got(`7 error {"code":-32000,"message":"Timeout"}`)
	})
}
