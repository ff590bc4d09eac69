package task_test

import (
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/task"
)

// TestFinish: any session may finish a task that it knows, working or waiting; the pusher gets the outcome, who finishes gets ok, and nothing is left
// but rows.
func TestFinish(t *testing.T) {
	for _, test := range []struct {
		name, outcome string
		finish        func(c *client) string
	}{
		{"result", `7 { "a" : [1.50,"<é>\u00e9"] }`, func(c *client) string { return c.result("9", "A", `{ "a" : [1.50,"<é>\u00e9"] }`) }},
		{"no result", `7 null`, func(c *client) string { return do(c, "9", c.b.named("A", ""), task.ReadResult, c.b.tasks.Finish) }},
		{"null", `7 null`, func(c *client) string { return c.result("9", "A", `null`) }},
		{"error", `7 error {"code":12,"message":"no <é>","data":[ 1.50, {} ]}`,
			func(c *client) string { return c.error("9", "A", `,"code":12,"message":"no <é>","data":[ 1.50, {} ]`) }},
		{"error of nothing", `7 error {"code":0,"message":""}`, func(c *client) string { return c.error("9", "A", ``) }},
		{"cancel", `7 error {"code":-32001,"message":"Cancel"}`, func(c *client) string { return c.cancel("9", c.b.named("A", `,"id":7`)) }},
	} {
		for _, state := range []string{"waiting", "working", "converted"} {
			t.Run(test.name+" "+state, func(t *testing.T) {
				b := newBench(t)
				worker, pusher := b.pair()
				other := b.client("other")
				switch state {
				case "waiting":
					b.says(pusher.push("7", "math.add"), "")
				case "working":
					b.says(pusher.push("7", "math.add"), "")
					b.says(worker.pull("1", "math"), "")
				case "converted":
					b.says(worker.pull("1", "math"), "")
					b.says(pusher.push("7", "math.add"), "")
				}
				worker.Got()
				rows := b.state()[1:]
				b.PostTo(pusher.Client).Run(func() { // the outcome is written before it is posted
					if got := b.state()[0]; !strings.HasPrefix(got, "A math. task done ") || strings.Contains(got, "queued") || strings.Contains(got, "posted") ||
						!strings.Contains(got, " fin=other/9 out=") || !strings.HasSuffix(got, " finisher=other/9") {
						t.Error(got)
					}
				})
				b.says(test.finish(other), "")
				b.want(rows...)
				pusher.got(test.outcome)
				other.got(`9 {"ok":true}`)
				worker.got()
				b.says(test.finish(other), "-32002 Invalid task:[A-math.]")
				b.says(other.reject("10", "A"), "-32002 Invalid task:[A-math.]")
				b.want(rows...)
				pusher.got()
				other.got()
			})
		}
	}
}

// TestLongOutcomes: what is over 4 KB is in a row of its own, and comes byte for byte.
func TestLongOutcomes(t *testing.T) {
	long := `["` + strings.Repeat(`é\u00e9`, task.MaxBody/8-1) + `" ]`
	for name, test := range map[string]struct {
		want   string
		finish func(c *client) string
	}{
		"result": {`{"jsonrpc":"2.0","id":7,"result":` + long + `}`, func(c *client) string { return c.result("9", "A", long) }},
		"error": {`{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m","data":` + long + `}}`,
			func(c *client) string { return c.error("9", "A", `,"code":1,"message":"m","data":`+long) }},
	} {
		t.Run(name, func(t *testing.T) {
			for _, died := range []bool{false, true} {
				b := newBench(t)
				worker, pusher := b.pair()
				b.says(pusher.push("7", "math.add"), "")
				b.says(worker.pull("1", "math"), "")
				worker.Got()
				if died { // repair reads it back
					b.DiesAfter(b.updateTask(), func() string { return test.finish(worker) })
					b.later()
				} else {
					b.says(test.finish(worker), "")
				}
				if got := pusher.Got(); len(got) != 1 || got[0] != test.want {
					t.Errorf("%d messages, %.100s", len(got), strings.Join(got, " "))
				}
				worker.got(`9 {"ok":true}`)
				if state := b.state(); len(state) != 3 || !isBody(state[2]) {
					t.Errorf("left: %q", state)
				}
			}
		})
	}
}

// TestReadFinish reads params as clients send them.
func TestReadFinish(t *testing.T) {
	result := harness.Detail(task.ReadResult)
	fault := harness.Detail(task.ReadError)
	long := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for _, test := range []struct {
		why            func(params string) string
		params, detail string
	}{
		{result, `{"taskid":"x","result":` + long(task.MaxBody) + `}`, ""},
		{result, `{"taskid":"x","result":` + long(task.MaxBody+1) + `}`, "result: over 120 KB"},
		{result, `{"result":1}`, "taskid"},
		{result, `{"taskid":7,"result":1}`, "taskid"},
		{fault, `{"taskid":"x","data":` + long(task.MaxBody) + `}`, ""},
		{fault, `{"taskid":"x","data":` + long(task.MaxBody+1) + `}`, "data: over 120 KB"},
		{fault, `{"taskid":"x","message":` + long(4067) + `}`, ""},
		{fault, `{"taskid":"x","message":` + long(4068) + `}`, "message: over 4 KB of JSON"},
		{fault, `{"taskid":"x","code":1.5}`, "code"},
		{fault, `{"taskid":"x","code":"1"}`, "code"},
		{fault, `{"taskid":"x","message":1}`, "message"},
		{fault, `{"code":1}`, "taskid"},
	} {
		if got := test.why(test.params); got != test.detail {
			t.Errorf("%.60s: %q, want %q", test.params, got, test.detail)
		}
	}
}

// TestFinishWhilePosting: the handler that hands a task over, or stores it, is not done when the task is finished. The item is kept as done and posted
// until that is sure; repair deletes it.
func TestFinishWhilePosting(t *testing.T) {
	t.Run("the hand-over is not marked", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.says(pusher.push("7", "math.add"), "")
		b.PostTo(worker.Client).With("taskid").Run(func() { b.says(pusher.cancel("8", `{"id":7}`), "") })
		b.says(worker.pull("1", "math"), "")
		b.want(
			`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=pusher/8 out="error":{"code":-32001,"message":"Cancel"} finisher=pusher/8`,
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
		worker.got("1 A-math. math.add [1] ttl=5")
		pusher.got(
			`7 error {"code":-32001,"message":"Cancel"}`,
			`8 {"ok":true}`)
		b.settled(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
	})
	t.Run("the maker's row is missing", func(t *testing.T) {
		b := newBench(t)
		worker, pusher := b.pair()
		b.putRow().With(pusher.Connid).Run(func() {
			b.says(worker.pull("1", "math"), "")
			b.says(worker.result("2", "A", "3"), "")
			b.items(
				`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 posted push=pusher/7 claim=worker/1 fin=worker/2 out="result":3 finisher=worker/2`)
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
		b.settled(
			"pusher.i1 → A 7",
			"worker.i2 → A 1")
	})
}

// TestHandOverDied: the task was over before repair could hand it over. The pull gets it all the same, late and once.
func TestHandOverDied(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	b.DiesAfter(b.updateTask().With("pusher/7"), func() string { return pusher.push("7", "math.add") })
	b.says(pusher.cancel("8", b.named("A", "")), "")
	b.want(
		`A math. task done dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=worker.i1 mark=pusher.i2 row=i2 math.add [1] att=1 ttl=5 posted pull=worker/1 push=pusher/7 fin=pusher/8 out="error":{"code":-32001,"message":"Cancel"} finisher=pusher/8`,
		"worker.i1 → A 1")
	worker.got()
	pusher.got(
		`7 error {"code":-32001,"message":"Cancel"}`,
		`8 {"ok":true}`)
	for range 2 {
		b.later()
	}
	b.want("worker.i1 → A 1")
	worker.got("1 A-math. math.add [1] ttl=5")
	pusher.got()
}

// TestPusherGone: the post of an outcome finds the pusher gone; its session ends, and with it what else it waits for.
func TestPusherGone(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(pusher.push("8", "math.mul"), "")
	b.says(worker.pull("1", "math"), "")
	b.want(
		"A math. task working dl=240h0m0s worker=worker/1 pusher=pusher/7 maker=pusher.i1 mark=worker.i2 row=i1 math.add [1] att=1 ttl=5 push=pusher/7 claim=worker/1",
		"B math. task waiting queued dl=240h0m0s pusher=pusher/8 maker=pusher.i3 row=i3 math.mul [1] att=0 ttl=5 push=pusher/8",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1")
	pusher.Lost()
	b.says(worker.result("2", "A", "3"), "")
	b.want(
		"pusher ended",
		"pusher.i1 → A 7",
		"pusher.i3 → B 8",
		"worker.i2 → A 1")
	worker.got(
		"1 A-math. math.add [1] ttl=5",
		`2 {"ok":true}`)
	b.timers(
		"5s session.ended pusher",
		"1m0s session.ended pusher")
}
