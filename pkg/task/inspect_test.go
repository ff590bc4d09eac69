package task_test

import (
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/nexus"
	"nexus/pkg/task"
	"nexus/pkg/timer"
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
	b.timers() // that is the matter of the move's own record in the stream
	b.repair()
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

// TestARepairThatAlwaysFails: a repair that fails is tried now and then, however often, and its messages do not grow in number. Each attempt moves the
// item, of which the stream tells besides.
func TestARepairThatAlwaysFails(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	long := `{"method":"math.add","params":"` + strings.Repeat("x", 5<<10) + `"}`
	b.DiesAfter(b.updateTask().With(":pull"), func() string { return pusher.push("7", long) }) // it is the worker's, who was not told
	b.Discard()
	body := b.On("GetItem", `"nexus-bodies"`)
	const rounds = 60
	body.Fail(rounds * attempts / 2) // one every 30 s, and then it succeeds
	var again []harness.Message      // that failed, and come again
	most, moved := 0, ""
	for range rounds {
		b.Advance(task.RepairAge / 2)
		due := b.Due()
		for len(again) > 0 && !again[0].Due.After(b.Now()) {
			due, again = append(due, again[0]), again[1:]
		}
		for _, m := range due {
			w, err := timer.Parse(m.Body)
			b.Try(err)
			if b.Bus.Woken(b.ctx, w) != nil {
				again = append(again, harness.Message{Due: b.Now().Add(nexus.TimerVisibility), Body: m.Body})
			}
		}
		items := b.Table("tasks")
		if now := items[len(items)-1].Time("at").String(); now != moved { // the directory's row stands before it
			moved = now
			b.repair() // what the stream tells
		}
		most = max(most, len(b.Messages())+len(again))
	}
	if n := body.Count() / attempts; n < rounds/2 || n > rounds/2+1 || most > 3 {
		t.Errorf("%d attempts in %d rounds, %d messages at a time", n, rounds, most)
	}
}
