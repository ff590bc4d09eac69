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
				if blind { // it cannot learn what became of it either
					settle(b, w).Fail(attempts)
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

// settle is the write that settles one whose outcome is unknown.
func settle(b *bench, w write) harness.Kind {
	if strings.HasSuffix(w.name, " put") {
		return b.On("PutItem", `"nexus-tasks"`, `"none"`)
	}
	return b.updateTask().With(":refused")
}

// TestFailedWrites loses every attempt of such a write on its way. The call fails, and nothing has changed but that the write cannot happen any more.
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
			if n := settle(b, w).Count(); n != 1 {
				t.Errorf("settled %d times", n)
			}
			after := slices.DeleteFunc(b.state(), func(line string) bool { return isBody(line) || strings.Contains(line, " none done ") })
			for n, line := range after {
				after[n] = strings.Replace(line, " refused=", "", 1)
			}
			if !slices.Equal(after, before) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
			b.pass(task.RepairAge)
			b.repair()
			if left := b.state(); slices.ContainsFunc(left, func(line string) bool { return strings.Contains(line, " none done ") }) {
				t.Errorf("\n%s", strings.Join(left, "\n"))
			}
			worker.got()
			pusher.got()
			switch w.name {
			case "result", "long result", "cancel of a pull", "reject": // a write of that request that comes now is refused
				if says := w.run(b, worker, pusher); !strings.HasPrefix(says, "-32002 ") {
					t.Errorf("the request's write was not refused: %q", says)
				}
			}
		})
	}
}

// isBody: the row of a body is put before the write that names it, and TimeToLive takes it.
func isBody(line string) bool { return strings.HasPrefix(line, "body ") }
