package task_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/task"
)

// TestCancelByID: pushes and pulls of the caller's own connection, by their id, byte for byte.
func TestCancelByID(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("5", "math.add"), "")
	b.says(pusher.push(`"5"`, "math.mul"), "")
	b.says(pusher.push("5.0", `{"method":"math.sub","params":[],"detach":true}`), "")
	b.says(pusher.pull(`{"x": 5}`, "text"), "")
	b.says(worker.pull("5", "math"), "") // the same id on another connection
	b.want(
		"A math. task working dl=240h0m0s worker=worker/5 pusher=pusher/5 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/5 claim=worker/5",
		`B math. task waiting queued dl=240h0m0s pusher=pusher/"5" maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 push=pusher/"5"`,
		"C math. task waiting queued dl=240h0m0s pusher=pusher/5.0 maker=pusher.i4 row=i4 math.sub [] att=0 ttl=5 det push=pusher/5.0",
		`D text. pull waiting queued dl=3h0m0s worker=pusher/{"x": 5} maker=pusher.i5 pull=pusher/{"x": 5}`,
		"pusher.i1 → A 5",
		`pusher.i3 → B "5"`,
		"pusher.i4 → C 5.0",
		`pusher.i5 → D {"x": 5}`,
		"worker.i2 → A 5")
	pusher.Got()
	worker.Got()
	const none = "-32002 Invalid task:[no open call has this id]"
	b.says(pusher.cancel("10", `{"id":5.0}`), none) // a detached push is answered already
	b.says(pusher.cancel("11", `{"id":6}`), none)
	b.says(pusher.cancel("12", `{"id":{"x":5}}`), none)
	b.says(worker.cancel("13", `{"id":5}`), none) // it works, it waits for nothing
	b.says(pusher.cancel("14", `{"id":"5"}`), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/5 pusher=pusher/5 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/5 claim=worker/5",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/5.0 maker=pusher.i4 row=i4 math.sub [] att=0 ttl=5 det push=pusher/5.0",
		`D text. pull waiting queued dl=3h0m0s worker=pusher/{"x": 5} maker=pusher.i5 pull=pusher/{"x": 5}`,
		"pusher.i1 → A 5",
		`pusher.i3 → B "5"`,
		"pusher.i4 → C 5.0",
		`pusher.i5 → D {"x": 5}`,
		"worker.i2 → A 5")
	pusher.got(
		`"5" error {"code":-32001,"message":"Cancel"}`,
		`14 {"ok":true}`)
	b.says(pusher.cancel("15", `{"id":{"x": 5}}`), "")
	pusher.got(
		`15 {"ok":true}`,
		`{"x": 5} error {"code":-32001,"message":"Cancel"}`)
	b.says(pusher.cancel("16", `{"id":5}`), "")
	pusher.got(
		`16 {"ok":true}`,
		`5 error {"code":-32001,"message":"Cancel"}`)
	worker.got()
	b.want(
		"C math. task waiting queued dl=240h0m0s pusher=pusher/5.0 maker=pusher.i4 row=i4 math.sub [] att=0 ttl=5 det push=pusher/5.0",
		"pusher.i1 → A 5",
		`pusher.i3 → B "5"`,
		"pusher.i4 → C 5.0",
		`pusher.i5 → D {"x": 5}`,
		"worker.i2 → A 5")
	b.says(pusher.cancel("17", `{"id":5}`), none)
}

// TestCancelPullThatWorks: a pull that got its task waits no more, although the task is its own connection's push.
func TestCancelPullThatWorks(t *testing.T) {
	b := newBench(t)
	both := b.client("both")
	b.says(both.pull("5", "math"), "")
	b.says(both.push("7", "math.add"), "")
	both.got("5 A-math. math.add [1] ttl=5")
	before := b.state()
	b.says(both.cancel("8", `{"id":5}`), "-32002 Invalid task:[no open call has this id]")
	b.want(before...)
	b.says(both.cancel("9", `{"id":7}`), "")
	both.got(`7 error {"code":-32001,"message":"Cancel"}`, `9 {"ok":true}`)
}

// TestCancelSeveral: all open calls under an id are cancelled, and the cancel is answered once.
func TestCancelSeveral(t *testing.T) {
	for _, test := range []struct {
		name    string
		disturb func(b *bench)
	}{
		{"", func(*bench) {}},
		// The first is over when the cancel comes to it, or the last, or one's answer cannot be posted.
		{"first finished", func(b *bench) {
			b.updateTask().With(b.names.items["A"][1]).Run(func() { b.Try(b.finishes("A")) })
		}},
		{"last finished", func(b *bench) {
			b.updateTask().With(b.names.items["C"][1]).Run(func() { b.Try(b.finishes("C")) })
		}},
		{"first not posted", func(b *bench) { b.On("PostToConnection", `"id":5,`).Fail(attempts) }},
		{"first not cancelled", func(b *bench) { b.updateTask().With(b.names.items["A"][1]).Fail(attempts) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			_, pusher := b.pair()
			b.says(pusher.push("5", "math.add"), "")
			b.says(pusher.pull("5", "text"), "")
			b.says(pusher.push("5", "web.get"), "")
			b.state()
			test.disturb(b)
			if answer := pusher.cancel("9", `{"id":5}`); answer != "" && answer != "recorded" {
				t.Errorf("answer %q", answer)
			}
			b.pass(2 * task.RepairAge)
			b.repair()
			oks, cancelled, results := 0, 0, 0
			for _, m := range pusher.Got() {
				switch b.names.message(m) {
				case `9 {"ok":true}`:
					oks++
				case `5 error {"code":-32001,"message":"Cancel"}`:
					cancelled++
				case `5 3`:
					results++
				default:
					t.Errorf("got %s", m)
				}
			}
			want, left := 3, 0
			switch test.name {
			case "first finished", "last finished":
				want = 2
			case "first not cancelled":
				want, left = 2, 1
			}
			if oks != 1 || cancelled != want || results != 3-want-left {
				t.Errorf("%d answers to the cancel, %d calls cancelled, %d finished", oks, cancelled, results)
			}
			if items := slices.DeleteFunc(b.state(), func(line string) bool { return !strings.Contains(line, " dl=") }); len(items) != left {
				t.Errorf("left: %q", items)
			}
		})
	}
}

// TestCancelLate: a call that waits for longer than fresh rows count is found by the row that repair put.
func TestCancelLate(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	b.says(pusher.push("5", "math.add"), "")
	b.later()
	b.Advance(time.Hour)
	b.says(pusher.cancel("6", `{"id":5}`), "")
	b.want(
		"pusher.o#math.|i1 → i1 5",
		"pusher.i2 → i1 5")
	pusher.got(
		`5 error {"code":-32001,"message":"Cancel"}`,
		`6 {"ok":true}`)
}

// TestCancelPullByTaskid: a waiting pull's own id is no task.
func TestCancelPullByTaskid(t *testing.T) {
	b := newBench(t)
	worker, _ := b.pair()
	b.says(worker.pull("1", "math"), "")
	before := b.state()
	b.says(worker.cancel("2", b.named("A", "")), "-32002 Invalid task:[A-math.]")
	b.says(worker.result("3", "A", "3"), "-32002 Invalid task:[A-math.]")
	b.says(worker.reject("4", "A"), "-32002 Invalid task:[A-math.]")
	b.want(before...)
	worker.got()
}

func TestReadCancel(t *testing.T) {
	for _, test := range []struct {
		params       string
		taskid, want string
		detail       string
	}{
		{`{"taskid":"x"}`, "x", "", ""},
		{`{"taskid":"x","id":5}`, "x", "", ""},
		{`{"taskid":null,"id":5}`, "", "5", ""},
		{`{"id": [ 5 ] }`, "", "[ 5 ]", ""},
		{`{"id":null}`, "", "", "id"},
		{`{"id":"` + long(255) + `"}`, "", "", "id"},
		{`{"taskid":5}`, "", "", "taskid"},
		{`{}`, "", "", "taskid"},
	} {
		p := jsonrpc.ReadParams([]byte(test.params))
		got := task.ReadCancel(p)
		if test.detail != "" {
			if err := p.Err(); err == nil || err.Error() != "-32602 Invalid params:["+test.detail+"]" {
				t.Errorf("%.40s: %v", test.params, err)
			}
			continue
		}
		if got.Taskid != test.taskid || string(got.ID) != test.want || p.Err() != nil {
			t.Errorf("%s: %+v %v", test.params, got, p.Err())
		}
	}
}
