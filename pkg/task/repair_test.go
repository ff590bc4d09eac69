package task_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/pkg/task"
)

// TestRepair kills handlers between any two requests. What they left is made good once nothing has moved for 30 s, and not before; doing it
// again changes nothing.
func TestRepair(t *testing.T) {
	for _, test := range []struct {
		name          string
		die           func(b *bench, worker, pusher *client)
		before, after func(b *bench, worker, pusher *client)
	}{
		{"a pull was stored",
			func(b *bench, worker, _ *client) {
				b.DiesAfter(b.putTask(), func() string { return worker.pull("1", "math") })
			},
			func(b *bench, worker, pusher *client) {
				b.want("A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
					"worker.o#math.|A → A 1")
				worker.got()
			}},
		{"a task was stored",
			func(b *bench, _, pusher *client) {
				b.DiesAfter(b.putTask(), func() string { return pusher.push("7", "math.add") })
			},
			func(b *bench, worker, pusher *client) {
				b.want("A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
					"pusher.o#math.|A → A 7")
				pusher.got()
			}},
		{"a detached task was stored, its push not answered",
			func(b *bench, _, pusher *client) {
				b.DiesAfter(b.putTask(), func() string { return pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`) })
			},
			func(b *bench, worker, pusher *client) {
				b.want("A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 det push=pusher/7")
				pusher.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 det seized push=pusher/7",
					"pusher.i1 → A 7")
				pusher.got(`7 {"ok":true}`)
			}},
		{"a detached task was stored, its push not answered, and it was finished",
			func(b *bench, worker, pusher *client) {
				b.DiesAfter(b.putTask(), func() string { return pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`) })
				b.says(worker.result("2", "A", "3"), "")
				worker.got(`2 {"ok":true}`)
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					`A math. task done dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 det posted push=pusher/7 fin=worker/2 out="result":3 finisher=worker/2`)
				pusher.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want()
				pusher.got(`7 {"ok":true}`)
			}},
		{"a task and a pull were stored, neither having seen the other",
			func(b *bench, worker, pusher *client) {
				put := b.putTask().With("pusher/7")
				put.Run(func() { b.DiesAfter(b.putTask().With("worker/1"), func() string { return worker.pull("1", "math") }) })
				b.DiesAfter(put, func() string { return pusher.push("7", "math.add") })
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
					"B math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i2 pull=worker/1")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i3 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
					"B math. pull done at=30s dl=3h0m0s worker=worker/1 maker=worker.i2 posted pull=worker/1",
					"pusher.o#math.|A → A 7",
					"worker.o#math.|B → B 1",
					"worker.i3 → A 1")
				worker.got("1 A-math. math.add [1] ttl=5")
			}},
		{"a pull was converted",
			func(b *bench, worker, pusher *client) {
				b.says(worker.pull("1", "math"), "")
				b.DiesAfter(b.updateTask().With("pusher/7"), func() string { return pusher.push("7", "math.add") })
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 pull=worker/1 push=pusher/7",
					"worker.i1 → A 1")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 worked=0s math.add [1] att=1 ttl=5 seized pull=worker/1 push=pusher/7",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"worker.i1 → A 1",
					"pusher.i2 → A 7")
				worker.got("1 A-math. math.add [1] ttl=5")
			}},
		{"a pull was converted by a detached push, and its connection is gone",
			func(b *bench, worker, pusher *client) {
				b.says(worker.pull("1", "math"), "")
				b.DiesAfter(b.updateTask().With("pusher/7"), func() string {
					return pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`)
				})
				worker.Lost()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 det pull=worker/1 push=pusher/7",
					"worker.i1 → A 1")
				pusher.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"worker ended",
					"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=5 det seized pull=worker/1 push=pusher/7 ret=i3",
					"worker.o#math.|A → A",
					"worker.i1 → A 1",
					"pusher.i2 → A 7")
				pusher.got(`7 {"ok":true}`) // once
			}},
		{"a task was claimed",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.DiesAfter(b.updateTask().With("worker/1"), func() string { return worker.pull("1", "math") })
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
					"pusher.i1 → A 7")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 worked=0s math.add [1] att=1 ttl=5 seized push=pusher/7 claim=worker/1",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.got("1 A-math. math.add [1] ttl=5")
			}},
		{"a task was claimed and posted",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.DiesAfter(b.PostTo(worker.Client), func() string { return worker.pull("1", "math") })
				worker.got("1 A-math. math.add [1] ttl=5")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
					"pusher.i1 → A 7")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 worked=0s math.add [1] att=1 ttl=5 seized push=pusher/7 claim=worker/1",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.got("1 A-math. math.add [1] ttl=5") // the same again: nobody knows whether it arrived
			}},
		{"a task and a pull were paired",
			func(b *bench, worker, pusher *client) {
				b.putTask().With("pusher/7").Run(func() { b.says(worker.pull("1", "math"), "") })
				b.DiesAfter(b.pairing(), func() string { return pusher.push("7", "math.add") })
			},
			func(b *bench, worker, pusher *client) {
				b.items(
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i3",
					"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i4 posted pull=worker/1")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.items(
					"A math. task working at=30s dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 worked=0s math.add [1] att=1 ttl=5 seized push=pusher/7 claim=i3")
				worker.got("1 A-math. math.add [1] ttl=5")
			}},
		{"a task was finished",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.says(worker.pull("1", "math"), "")
				worker.Got()
				b.DiesAfter(b.updateTask(), func() string { return worker.result("2", "A", "3") })
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1 fin=worker/2 out="result":3 finisher=worker/2`,
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.got()
				pusher.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.got(`2 {"ok":true}`)
				pusher.got("7 3")
			}},
		{"a task was finished and posted",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.says(worker.pull("1", "math"), "")
				worker.Got()
				b.DiesBefore(b.On("DeleteItem"), func() string { return worker.result("2", "A", "3") })
				worker.got(`2 {"ok":true}`)
				pusher.got("7 3")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1 fin=worker/2 out="result":3 finisher=worker/2`,
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"pusher.i1 → A 7",
					"worker.i2 → A 1")
				worker.Got()
				pusher.Got()
			}},
		{"a pull timed out",
			func(b *bench, worker, pusher *client) {
				b.says(worker.pull("1", `{"prefix":"math","timeout":5}`), "")
				b.Advance(5 * time.Second)
				b.timerDies(b.updateTask())
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					`A math. pull done at=5s dl=5s worker=worker/1 maker=worker.i1 pull=worker/1 fin=i2 out="error":{"code":-32000,"message":"Timeout"}`,
					"worker.i1 → A 1")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.want("worker.i1 → A 1")
				worker.got(`1 error {"code":-32000,"message":"Timeout"}`)
			}},
		{"a worker's session ended",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.says(worker.pull("1", "math"), "")
				b.says(worker.pull("2", "text"), "")
				worker.Got()
				b.ends(worker)
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"worker ended",
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
					"B text. pull waiting queued dl=3h0m0s worker=worker/2 maker=worker.i3 pull=worker/2",
					"pusher.i1 → A 7",
					"worker.i2 → A 1",
					"worker.i3 → B 2")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"worker ended",
					"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=i4 lost=worker",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"worker.o#text.|B → B 2",
					"pusher.i1 → A 7",
					"worker.i2 → A 1",
					"worker.i3 → B 2")
				pusher.got()
			}},
		{"a worker's session ended, the hand-over not made",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.DiesAfter(b.updateTask(), func() string { return worker.pull("1", "math") })
				worker.end()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"worker ended",
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
					"pusher.i1 → A 7")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"worker ended",
					"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=i3 lost=worker",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"pusher.i1 → A 7")
			}},
		{"a pusher's session ended",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.says(pusher.push("8", `{"method":"math.mul","params":[1],"detach":true}`), "")
				pusher.Got()
				b.says(worker.pull("1", "math"), "")
				b.ends(pusher)
				worker.Got()
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"pusher ended",
					"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
					"B math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 det push=pusher/8",
					"pusher.i1 → A 7",
					"pusher.i3 → B 8",
					"worker.i2 → A 1")
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					"pusher ended",
					"B math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 det push=pusher/8",
					"worker.o#math.|A → A",
					"pusher.o#math.|A → A 7",
					"pusher.i1 → A 7",
					"pusher.i3 → B 8",
					"worker.i2 → A 1")
				worker.got()
			}},
		{"a task was returned, and a pull waits",
			func(b *bench, worker, pusher *client) {
				b.says(pusher.push("7", "math.add"), "")
				b.says(worker.pull("1", "math"), "")
				b.says(worker.pull("2", "math"), "")
				worker.Got()
				b.DiesAfter(b.updateTask().With(":ret"), func() string { return worker.reject("3", "A") })
			},
			func(b *bench, worker, pusher *client) {
				b.want(
					`A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=1 ttl=4 push=pusher/7 claim=worker/1 ret=worker/3 debt=worker/3:worker/3:"result":{"ok":true}`,
					"B math. pull waiting queued dl=3h0m0s worker=worker/2 maker=worker.i3 pull=worker/2",
					"pusher.i1 → A 7",
					"worker.i2 → A 1",
					"worker.i3 → B 2")
				worker.got()
			},
			func(b *bench, worker, pusher *client) {
				b.items(
					"A math. task working at=30s dl=240h0m0s worker=worker/2 pusher=pusher/7 maker=pusher.i1 mark=worker.i4 row=i1 math.add [1] att=2 ttl=4 seized push=pusher/7 claim=i5 ret=worker/3",
					"B math. pull done at=30s dl=3h0m0s worker=worker/2 maker=worker.i3 posted pull=worker/2")
				worker.got(
					"2 A-math. math.add [1] ttl=4",
					`3 {"ok":true}`)
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			worker, pusher := b.pair()
			test.die(b, worker, pusher)
			b.Discard()
			test.before(b, worker, pusher)
			before := b.state()
			b.Advance(task.RepairAge - time.Millisecond)
			b.repair()
			b.repair()
			if got := b.state(); !slices.Equal(got, before) {
				t.Errorf("repair does not wait: %s", strings.Join(got, "\n"))
			}
			if n := len(worker.Got()) + len(pusher.Got()); n > 0 {
				t.Errorf("repair does not wait: %d messages", n)
			}
			b.Advance(time.Millisecond)
			b.repair()
			test.after(b, worker, pusher)
			after := b.state()
			for range 3 {
				b.repair()
			}
			if got := b.state(); !slices.Equal(got, after) {
				t.Errorf("repaired again:\n%s\nwas\n%s", strings.Join(got, "\n"), strings.Join(after, "\n"))
			}
			b.later()
			b.later()
			if got := slices.Concat(worker.Got(), pusher.Got()); len(got) > 0 {
				t.Errorf("repaired later: %s", b.names.short(strings.Join(got, "\n")))
			}
		})
	}
}
