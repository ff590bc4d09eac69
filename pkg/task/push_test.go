package task_test

import (
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/task"
)

// TestPushMeetsPull: the item of the pull becomes the task, and the row that marks the hand-over is the pusher's, put after the post.
func TestPushMeetsPull(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i1 pull=worker/1",
		"worker.i1 → A 1")
	b.PostTo(worker.Client).Run(func() {
		b.want(
			"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 pull=worker/1 push=pusher/7",
			"worker.i1 → A 1")
	})
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 pull=worker/1 push=pusher/7",
		"worker.i1 → A 1",
		"pusher.i2 → A 7")
	worker.got("1 A-math. math.add [1] ttl=5")
	pusher.got()
	b.timers()
}

// TestPullMeetsTask: the task is claimed, and the row that marks the hand-over is a new one of the worker, put after the post.
func TestPullMeetsTask(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
		"pusher.i1 → A 7")
	b.PostTo(worker.Client).Run(func() {
		b.want(
			"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
			"pusher.i1 → A 7")
	})
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
	pusher.got()
	b.timers()
}

// TestPulledTask looks at all that a pull gets, of a task that it found and of one that found it, of params that are in the item and of longer ones.
func TestPulledTask(t *testing.T) {
	for name, params := range map[string]string{"inline": ` { "b" : [1.50,"<é>\u00e9"], "a":null}`, "body": `["` + strings.Repeat("é\\u00e9", 1000) + `" ]`} {
		t.Run(name, func(t *testing.T) {
			params = strings.TrimSpace(params)
			b := newBench(t)
			worker, pusher := b.pair()
			tags, err := access.ParseTags([]byte(`{".":{"n":1.50},"math":{"s":"<é>"},"other":{"x":1}}`))
			b.Try(err)
			pusher.tags = tags
			push := `{"method":"Math.ADD","params":` + params + `,"prio":-9,"ttl":2,"timeout":90.5,"detach":true}`
			want := func(id string) string {
				b.state() // names the item
				item := map[string]string{"1": "A", "2": "B"}[id]
				return `{"jsonrpc":"2.0","id":` + id + `,"result":{"taskid":"` + b.names.taskid(item) + `","path":"math.","method":"add","params":` + params +
					`,"tags":{"n":1.50,"s":"<é>"},"prio":-9,"detach":true,"user":"nobody","ttl":2,"creationTime":"2026-11-23T12:00:00.000Z","deadLine":"2026-11-23T12:01:30.500Z"}}`
			}
			b.says(worker.pull("1", "math"), "")
			b.says(pusher.push("7", push), "")
			if got := worker.Got(); len(got) != 1 || got[0] != want("1") {
				t.Errorf("found by the push:\n%s\nwant\n%s", got, want("1"))
			}
			b.says(pusher.push("8", push), "")
			b.says(worker.pull("2", "math"), "")
			if got := worker.Got(); len(got) != 1 || got[0] != want("2") {
				t.Errorf("found by the pull:\n%s\nwant\n%s", got, want("2"))
			}
			pusher.got(`7 {"ok":true}`, `8 {"ok":true}`)
		})
	}
}

// TestDetached: a detached push is answered as soon as its task is stored, and its task's end tells nobody but who ended it.
func TestDetached(t *testing.T) {
	const push = `{"method":"math.add","params":null,"detached":true}`
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", push), "")
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add null att=0 ttl=5 det push=pusher/7",
		"pusher.i1 → A 7")
	pusher.got(`7 {"ok":true}`)
	pusher.end()
	b.want(
		"pusher ended",
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add null att=0 ttl=5 det push=pusher/7",
		"pusher.i1 → A 7")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.result("2", "A", "3"), "")
	b.want(
		"pusher ended",
		"pusher.i1 → A 7",
		"worker.i2 → A 1")
	worker.got(
		"1 A-math. math.add null ttl=5",
		`2 {"ok":true}`)

	pusher = b.client("another")
	b.says(worker.pull("3", "math"), "")
	b.says(pusher.push("8", push), "")
	pusher.got(`8 {"ok":true}`)
	b.want(
		"pusher ended",
		"B math. task working dl=240h0m0s worker=worker/3 pusher=another/8 maker=worker.i3 mark=another.i4 row=i4 math.add null att=1 ttl=5 det pull=worker/3 push=another/8",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"worker.i3 → B 3",
		"another.i4 → B 8")
	b.says(worker.error("4", "B", `,"message":"no"`), "")
	b.want(
		"pusher ended",
		"pusher.i1 → A 7",
		"worker.i2 → A 1",
		"worker.i3 → B 3",
		"another.i4 → B 8")
	worker.got(
		"3 B-math. math.add null ttl=5",
		`4 {"ok":true}`)
	pusher.got()
}

// TestDetachedNotAnswered: a detached push whose answer cannot be posted is answered by repair.
func TestDetachedNotAnswered(t *testing.T) {
	const push = `{"method":"math.add","params":[1],"detached":true}`
	for _, test := range []string{"stored", "converted"} {
		t.Run(test, func(t *testing.T) {
			b := newBench(t)
			worker, pusher := b.pair()
			if test == "converted" {
				b.says(worker.pull("1", "math"), "")
			}
			b.PostTo(pusher.Client).Fail(attempts)
			b.says(pusher.push("7", push), "recorded")
			want, debts := 0, 0
			if test == "converted" { // the row says that the task was handed over too; so the ok is noted as owed
				want, debts = 1, 1
			}
			if n := b.putRow().With(pusher.Connid).Count(); n != want {
				t.Errorf("%d rows say that the push was answered", n)
			}
			if n := b.updateTask().With("#debts.#debt = :debt").Count(); n != debts {
				t.Errorf("%d times was the ok noted as owed", n)
			}
			worker.Got()
			pusher.got()
			b.later()
			b.later()
			pusher.got(`7 {"ok":true}`)
			worker.got()
		})
	}
}

// TestNotifications: a push without id is a task that nobody hears of; a pull without id is nothing at all.
func TestNotifications(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("", "math"), "")
	b.want()
	b.paths()
	b.says(pusher.push("", "math.add"), "")
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/ maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/",
		"pusher.i1 → A")
	b.says(worker.pull("1", "math"), "")
	b.says(worker.result("", "A", "3"), "")
	b.want(
		"pusher.i1 → A",
		"worker.i2 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
	pusher.got()

	b.says(pusher.push("", "math.add"), "")
	b.says(worker.pull("2", "math"), "")
	b.says(worker.reject("", "B"), "")
	b.want(
		"B math. task waiting queued dl=240h0m0s pusher=pusher/ maker=pusher.i3 row=i3 math.add [1] att=1 ttl=4 push=pusher/ claim=worker/2 ret=worker/",
		"pusher.i1 → A",
		"worker.i2 → A 1",
		"pusher.i3 → B",
		"worker.i4 → B 2")
	worker.got("2 B-math. math.add [1] ttl=5")
}

// TestPushFindsOtherWaiting: where tasks wait a push takes its place behind them, although a pull waits too.
func TestPushFindsOtherWaiting(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	// The pull is stored when the first push has looked, and the first push dies before it looks again.
	put := b.putTask().With("pusher/7")
	put.Run(func() { b.says(worker.pull("1", "math"), "") })
	b.DiesAfter(put, func() string { return pusher.push("7", "math.add") })
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add [1] att=0 ttl=5 push=pusher/7",
		"B math. pull waiting queued dl=3h0m0s worker=worker/1 maker=worker.i2 pull=worker/1",
		"worker.i2 → B 1")
	b.says(pusher.push("8", "math.mul"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i3 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i4",
		"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i2 posted pull=worker/1",
		"C math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i5 row=i5 math.mul [1] att=0 ttl=5 push=pusher/8",
		"worker.i2 → B 1",
		"pusher.i5 → C 8",
		"worker.i3 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
	pusher.got()
}

// TestPushPairsTheHeadFirst: a push that finds others waiting before it pairs them, and goes on to its own.
func TestPushPairsTheHeadFirst(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	put := b.putTask().With("pusher/7")
	put.Run(func() {
		b.says(worker.pull("1", "math"), "")
		b.says(worker.pull("2", "math"), "")
		b.says(worker.pull("3", "math"), "")
	})
	b.DiesAfter(put, func() string { return pusher.push("7", "math.add") })
	b.says(pusher.push("8", "math.mul"), "")
	b.items(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=i3",
		"B math. pull done dl=3h0m0s worker=worker/1 maker=worker.i4 posted pull=worker/1",
		"C math. pull done dl=3h0m0s worker=worker/2 maker=worker.i5 posted pull=worker/2",
		"D math. pull waiting queued dl=3h0m0s worker=worker/3 maker=worker.i6 pull=worker/3",
		"E math. task working dl=240h0m0s worker=worker/2 pusher=pusher/8 maker=pusher.i7 mark=worker.i8 row=i7 math.mul [1] att=1 ttl=5 push=pusher/8 claim=i9")
	worker.got(
		"1 A-math. math.add [1] ttl=5",
		"2 E-math. math.mul [1] ttl=5")
}

// TestPriorities: higher first, then first come; the head goes to the pull, not the task just pushed.
func TestPriorities(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	for n, prio := range []string{"0", "5", "-9223372036854775808", "9223372036854775807", "0", "-1", "1"} {
		id := string(rune('1' + n))
		b.says(pusher.push(id, `{"method":"math.p`+id+`","params":[],"prio":`+prio+`}`), "")
		if n == 4 {
			b.Advance(1)
		}
	}
	for _, want := range []string{"p4", "p2", "p7", "p1", "p5", "p6", "p3"} {
		b.says(worker.pull("9", "math"), "")
		if got := strings.Join(worker.Got(), ""); !strings.Contains(got, `"method":"`+want+`"`) {
			t.Errorf("pulled %s, want %s", got, want)
		}
	}
}

// TestOrderKeys: the keys by which tasks wait are in the order of priority, higher first, then of time.
func TestOrderKeys(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	prios := []string{"9223372036854775807", "9223372036854775806", "4294967296", "2", "1", "0", "-1", "-2", "-4294967296", "-9223372036854775807",
		"-9223372036854775808"}
	last := ""
	for _, prio := range prios {
		for range 2 {
			b.says(pusher.push("1", `{"method":"math.add","params":[],"prio":`+prio+`}`), "")
			items := b.Table("tasks")
			key := ""
			for _, i := range items {
				key = max(key, i.Str("queue"))
			}
			if key <= last {
				t.Errorf("prio %s: the greatest key is %q as before", prio, key)
			}
			last = key
			b.Advance(1)
		}
	}
}

// TestReadPush reads params as clients send them.
func TestReadPush(t *testing.T) {
	long := `"` + strings.Repeat("x", task.MaxBody-2) + `"`
	for _, test := range []struct{ params, detail string }{
		{`{"method":"a.b","params":null}`, ""},
		{`{"method":"a.b","params":` + long + `}`, ""},
		{`{"method":"a.b","params":` + long + `x}`, "params"},
		{`{"method":"a.b","params": ` + strings.Replace(long, "x", "xx", 1) + `}`, "params: over 120 KB"},
		{`{"method":"a.b"}`, "params"},
		{`{"params":1}`, "method"},
		{`{"method":"@a.b","params":1}`, "method: starts with @"},
		{`{"method":"a..b","params":1}`, "method: empty label"},
		{`{"method":"a.b.","params":1}`, "method: empty label"},
		{`{"method":"a b","params":1}`, "method: holds white space"},
		{`{"method":"a.b","params":1,"prio":1.5}`, "prio"},
		{`{"method":"a.b","params":1,"prio":9223372036854775808}`, "prio"},
		{`{"method":"a.b","params":1,"ttl":"5"}`, "ttl"},
		{`{"method":"a.b","params":1,"timeout":"5"}`, "timeout"},
		{`{"method":"a.b","params":1,"detach":1}`, "detach"},
	} {
		if got := harness.Detail(task.ReadPush)(test.params); got != test.detail {
			t.Errorf("%.60s: %q, want %q", test.params, got, test.detail)
		}
	}
	for _, test := range []struct {
		params string
		want   task.Push
	}{
		{`{"method":"Single","params":0}`, task.Push{Path: ".", Method: "single", TTL: 5, Timeout: task.DefaultTimeout}},
		{`{"method":"a.b.C","params":0,"ttl":0,"timeout":0}`, task.Push{Path: "a.b.", Method: "c", TTL: 5, Timeout: task.DefaultTimeout}},
		{`{"method":"a.b","params":0,"ttl":-3,"timeout":-1,"prio":null}`, task.Push{Path: "a.", Method: "b", TTL: 5, Timeout: task.DefaultTimeout}},
		{`{"method":"a.b","params":0,"ttl":1e2,"timeout":0.25,"prio":-3,"detached":true}`,
			task.Push{Path: "a.", Method: "b", TTL: 100, Timeout: 250e6, Prio: -3, Detached: true}},
	} {
		p := jsonrpc.ReadParams([]byte(test.params))
		got := task.ReadPush(p)
		if string(got.Params) != "0" || p.Err() != nil {
			t.Errorf("%s: params %s, %v", test.params, got.Params, p.Err())
		}
		got.Params = nil
		if got.Subject() != strings.ToLower(strings.Split(test.params, `"`)[3]) {
			t.Errorf("%s: subject %s", test.params, got.Subject())
		}
		if !equal(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.params, got, test.want)
		}
	}
}

func equal(a, b task.Push) bool {
	return a.Path == b.Path && a.Method == b.Method && a.TTL == b.TTL && a.Timeout == b.Timeout && a.Prio == b.Prio && a.Detached == b.Detached
}

// TestBodyBound fills params and tags together to the last byte: what is longer is refused before anything is written.
func TestBodyBound(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	tags, err := access.ParseTags([]byte(`{".":{"t":"` + strings.Repeat("t", 60<<10) + `"}}`))
	b.Try(err)
	pusher.tags = tags
	room := task.MaxBody - len(`{"t":""}`) - 60<<10 - len(`""`)
	push := func(n int) string {
		return pusher.push("7", `{"method":"math.add","params":"`+strings.Repeat("x", n)+`"}`)
	}
	b.says(push(room+1), "-32602 Invalid params:[params: with the tags over 120 KB]")
	b.want()
	b.paths()
	b.says(push(room), "")
	b.want(
		"A math. task waiting queued dl=240h0m0s pusher=pusher/7 maker=pusher.i1 row=i1 math.add att=0 ttl=5 push=pusher/7 body=i2",
		"pusher.i1 → A 7",
		`body i2 params="xxxxxxxxxxxxxxxxxxx…(61432 bytes) tags={"t":"tttttttttttttt…(61448 bytes) out=`)
	b.says(worker.pull("1", "math"), "")
	if got := worker.Got(); len(got) != 1 || len(got[0]) <= task.MaxBody || len(got[0]) > 128<<10 {
		t.Errorf("%d messages", len(got))
	}
}
