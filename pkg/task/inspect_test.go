package task_test

import (
	"testing"
	"time"

	"nexus/pkg/task"
)

// TestEitherSideIsEnough: a task and a pull that did not see each other are paired when repair looks at either.
func TestEitherSideIsEnough(t *testing.T) {
	for _, item := range []string{"A", "B"} {
		b := newBench(t)
		worker, pusher := b.pair()
		put := b.putTask().With("pusher/7")
		put.Run(func() { b.DiesAfter(b.putTask().With("worker/1"), func() string { return worker.pull("1", "math") }) })
		b.DiesAfter(put, func() string { return pusher.push("7", "math.add") })
		b.items(
			"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
			"B math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i2 pull=worker/1")
		b.Advance(task.RepairAge)
		b.Try(b.tasks.Changed(b.ctx, [][2]string{b.names.items[item]}))
		b.items(
			"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i3 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
			"B math. pull done at=30s dl=3h0m0s worker=worker/1 maker=worker.i2 posted pull=worker/1")
		worker.got("1 A-math. math.add [1] ttl=5")
	}
}

// TestInspect: what is too young for repair is looked at again when it is old enough, or at its deadline if that is before.
func TestInspect(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", `{"prefix":"text","timeout":15}`), "")
	b.Discard()
	b.Advance(10 * time.Second)
	b.repair()
	b.timers(
		"15s task.inspect text. i1",
		"30s task.inspect math. i2")
	b.says(worker.pull("2", "math"), "") // it moves: the 30 s begin anew
	b.Advance(20 * time.Second)
	b.due(task.WakeInspect)
	b.timers("40s task.inspect math. i2")
	b.want(
		"i2 math. task working at=10s dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=pusher.i3 mark=worker.i4 row=i3 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/2",
		"pusher.i3 → i2 7",
		"worker.i5 → i1 1",
		"worker.i4 → i2 2")
	b.pass(10 * time.Second)
	b.want(
		"i2 math. task working at=10s dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=pusher.i3 mark=worker.i4 row=i3 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/2",
		"worker.o#math.|i2 → i2",
		"pusher.o#math.|i2 → i2 7",
		"pusher.i3 → i2 7",
		"worker.i5 → i1 1",
		"worker.i4 → i2 2")
}
