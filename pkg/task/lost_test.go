package task_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/task"
)

// write is a conditional write of the package, and how it comes about.
type write struct {
	name    string
	kind    func(b *bench) harness.Kind
	prepare func(b *bench, worker, pusher *client)
	run     func(b *bench, worker, pusher *client) string
	unknown string // what run says if every response to the write is lost
}

func nothing(*bench, *client, *client) {}

func pull(b *bench, worker, _ *client) { b.says(worker.pull("1", "math"), "") }

func push(b *bench, _, pusher *client) { b.says(pusher.push("7", "math.add"), "") }

func works(b *bench, worker, pusher *client) {
	push(b, worker, pusher)
	pull(b, worker, pusher)
}

// old is what repair may act on.
func old(prepare func(*bench, *client, *client)) func(*bench, *client, *client) {
	return func(b *bench, worker, pusher *client) {
		prepare(b, worker, pusher)
		b.Advance(task.RepairAge)
	}
}

func repair(b *bench, _, _ *client) string { b.repair(); return "" }

func writes() []write {
	update := (*bench).updateTask
	remove := func(b *bench) harness.Kind { return b.On("DeleteItem", `"nexus-tasks"`) }
	return []write{
		{"push put", (*bench).putTask, nothing, func(_ *bench, _, pusher *client) string { return pusher.push("7", "math.add") }, "recorded"},
		{"pull put", (*bench).putTask, nothing, func(_ *bench, worker, _ *client) string { return worker.pull("1", "math") }, "recorded"},
		{"convert", func(b *bench) harness.Kind { return update(b).With("pusher/7") }, pull,
			func(_ *bench, _, pusher *client) string { return pusher.push("7", "math.add") }, "recorded"},
		{"convert of a detached push", func(b *bench) harness.Kind { return update(b).With("pusher/7") }, pull,
			func(_ *bench, _, pusher *client) string {
				return pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`)
			}, "recorded"},
		{"claim", func(b *bench) harness.Kind { return update(b).With("worker/1") }, push,
			func(_ *bench, worker, _ *client) string { return worker.pull("1", "math") }, "recorded"},
		{"pair by a push", (*bench).pairing, func(b *bench, worker, pusher *client) {
			b.putTask().With("pusher/7").Run(func() { pull(b, worker, pusher) })
		},
			func(_ *bench, _, pusher *client) string { return pusher.push("7", "math.add") }, "recorded"},
		{"pair by a pull", (*bench).pairing, func(b *bench, worker, pusher *client) {
			b.putTask().With("worker/1").Run(func() { push(b, worker, pusher) })
		},
			func(_ *bench, worker, _ *client) string { return worker.pull("1", "math") }, "recorded"},
		{"result", update, works, func(_ *bench, worker, _ *client) string { return worker.result("2", "A", "3") }, "recorded"},
		{"long result", update, works, func(_ *bench, worker, _ *client) string {
			return worker.result("2", "A", `"`+strings.Repeat("r", 5000)+`"`)
		}, "recorded"},
		{"cancel of a pull", update, pull, func(_ *bench, worker, _ *client) string { return worker.cancel("2", `{"id":1}`) }, "recorded"},
		{"time-out", update, func(b *bench, worker, _ *client) {
			b.says(worker.pull("1", `{"prefix":"math","timeout":5}`), "")
			b.Advance(5 * time.Second)
		}, repair, ""},
		{"pusher gone", func(b *bench) harness.Kind { return update(b).With(":done") }, push,
			func(_ *bench, _, pusher *client) string { pusher.end(); return "" }, ""},
		{"deletion", remove, works, func(_ *bench, worker, _ *client) string { return worker.result("2", "A", "3") }, "recorded"},
		{"withdrawal", remove, pull, func(_ *bench, worker, _ *client) string { worker.end(); return "" }, ""},
		{"reject", func(b *bench) harness.Kind { return update(b).With(":ret") }, works,
			func(_ *bench, worker, _ *client) string { return worker.reject("2", "A") }, "recorded"},
		{"reject's debt", func(b *bench) harness.Kind { return update(b).With("REMOVE #debts") }, works,
			func(_ *bench, worker, _ *client) string { return worker.reject("2", "A") }, "recorded"},
		{"worker gone", func(b *bench) harness.Kind { return update(b).With(":ret") }, works,
			func(_ *bench, worker, _ *client) string { worker.end(); return "" }, ""},
		{"worker gone at the hand-over", func(b *bench) harness.Kind { return update(b).With(":ret") },
			func(b *bench, worker, pusher *client) { pull(b, worker, pusher); worker.Lost() },
			func(_ *bench, _, pusher *client) string { return pusher.push("7", "math.add") }, "recorded"},
		{"directory", func(b *bench) harness.Kind { return update(b).With("@paths") }, nothing,
			func(_ *bench, worker, _ *client) string { return worker.pull("1", "math") }, "recorded"},
		{"arming", func(b *bench) harness.Kind { return update(b).With("armed") }, old(func(b *bench, worker, _ *client) {
			b.says(worker.pull("1", `{"prefix":"math","timeout":300}`), "")
		}), repair, ""},
	}
}

// TestLostResponses loses the response to each conditional write. The SDK repeats it, its condition fails, and the handler finds that it was
// itself: everything is then as if nothing had happened.
func TestLostResponses(t *testing.T) {
	for _, w := range writes() {
		t.Run(w.name, func(t *testing.T) {
			after := func(lose int) (all []string, requests int) {
				b := newBench(t)
				worker, pusher := b.pair()
				w.prepare(b, worker, pusher)
				before := b.state()
				if lose > 0 {
					w.kind(b).Lose(lose)
				}
				n := w.kind(b).Count()
				b.says(w.run(b, worker, pusher), "")
				requests = w.kind(b).Count() - n
				var got []string
				for _, c := range []*client{worker, pusher} {
					for _, m := range c.Got() {
						got = append(got, c.name+" got "+b.names.message(m))
					}
				}
				slices.Sort(got) // answers come in any order
				all = b.state()
				if w.name != "directory" && slices.Equal(all, before) {
					t.Error("the write changes nothing")
				}
				return append(all, got...), requests
			}
			want, n := after(0)
			got, m := after(1)
			if n == 0 || m != n+1 {
				t.Errorf("%d requests, %d if a response is lost", n, m)
			}
			if !slices.Equal(got, want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestUnknownOutcomes loses all responses to a write that a call begins with. The call counts as recorded, says nothing, and repair answers it.
func TestUnknownOutcomes(t *testing.T) {
	for _, w := range writes() {
		switch w.name {
		case "push put", "pull put", "convert", "convert of a detached push", "claim", "result", "long result", "cancel of a pull", "reject":
		default:
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			for _, blind := range []bool{false, true} {
				b := newBench(t)
				worker, pusher := b.pair()
				w.prepare(b, worker, pusher)
				w.kind(b).Lose(attempts)
				if blind { // it cannot read what became of it either
					w.kind(b).Then(func() {
						w.kind(b).Then(func() { w.kind(b).Then(func() { b.On("GetItem", `"nexus-tasks"`).Fail(attempts) }) })
					})
				}
				b.says(w.run(b, worker, pusher), w.unknown)
				worker.Got()
				b.pass(2 * task.RepairAge)
				b.repair()
				b.pass(2 * task.RepairAge)
				b.repair()
				switch w.name {
				case "push put":
					b.says(worker.pull("1", "math"), "")
					worker.got("1 A-math. math.add [1] ttl=5")
				case "pull put":
					b.says(pusher.push("7", "math.add"), "")
					worker.got("1 A-math. math.add [1] ttl=5")
				case "convert", "claim":
					worker.got("1 A-math. math.add [1] ttl=5")
					pusher.got()
				case "convert of a detached push":
					worker.got("1 A-math. math.add [1] ttl=5")
					pusher.got(`7 {"ok":true}`)
				case "result":
					worker.got(`2 {"ok":true}`)
					pusher.got("7 3")
				case "long result":
					worker.got(`2 {"ok":true}`)
					pusher.got(`7 "rrrrrrrrrrrrrrrrr…(5004 bytes)`)
				case "cancel of a pull":
					worker.got(`1 error {"code":-32001,"message":"Cancel"}`, `2 {"ok":true}`)
				case "reject":
					worker.got(`2 {"ok":true}`)
				}
			}
		})
	}
}

// TestFailedWrites loses every attempt of such a write on its way. The call fails, and nothing has changed.
func TestFailedWrites(t *testing.T) {
	for _, w := range writes() {
		if w.unknown == "" {
			continue
		}
		switch w.name {
		case "deletion", "reject's debt", "worker gone at the hand-over", "directory", "pair by a push", "pair by a pull":
			continue // other writes came before
		}
		t.Run(w.name, func(t *testing.T) {
			b := newBench(t)
			worker, pusher := b.pair()
			w.prepare(b, worker, pusher)
			worker.Got()
			before := slices.DeleteFunc(b.state(), isBody)
			w.kind(b).Fail(attempts)
			b.says(w.run(b, worker, pusher), "unknown")
			if after := slices.DeleteFunc(b.state(), isBody); !slices.Equal(after, before) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			worker.got()
			pusher.got()
		})
	}
}

// isBody: the row of a body is put before the write that names it, and TimeToLive takes it.
func isBody(line string) bool { return strings.HasPrefix(line, "body ") }

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
		b.pass(task.RepairAge)
		b.repair()
		b.want(
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		worker.got()
		pusher.got()
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
		b.pass(task.RepairAge)
		b.repair()
		b.want(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		worker.got()
		pusher.got()
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
		b.pass(task.RepairAge)
		b.repair()
		b.want(
			"A math. task waiting queued at=30s dl=240h0m0s pusher=pusher/7 maker=worker.i1 row=i2 math.add [1] att=1 ttl=4 det pull=worker/1 push=pusher/7 ret=worker/2",
			"worker.i1 → A 1",
			"pusher.i2 → A 7")
		worker.got()
		pusher.got()
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
		b.pass(task.RepairAge)
		b.repair()
		b.want(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		worker.got()
		pusher.got()
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
		b.pass(task.RepairAge)
		b.repair()
		b.want("worker.i1 → A 1")
		worker.got()
	})
}
