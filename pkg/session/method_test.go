package session_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/task"
	"nexus/pkg/timer"
)

// worker is a connection that serves the login method "door".
type worker struct {
	*harness.Client
	b *bench
}

// keeps are the tags of workers: as little as they need.
const keeps = `{"sys.login":{"@task.pull":true}}`

// worker connects a worker, who pulled a moment ago.
func (b *bench) worker() worker {
	b.t.Helper()
	w := worker{b.Connect(), b}
	b.user("keeper", keeps)
	b.as(w.Connid, "keeper")
	if _, err := harness.Call(b.ctx, w.call(`"pull"`), `{"prefix":"sys.login.door"}`, task.ReadPull, b.Bus.Tasks.Pull); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.Bus.Tasks.Cancel(b.ctx, w.call(`"cancel"`), task.Cancel{ID: json.RawMessage(`"pull"`)}); err != nil {
		b.t.Fatal(err)
	}
	w.Got()
	return w
}

// ask has a client log in by the method "door", and the worker pull the task.
func (b *bench) ask(c *harness.Client, w worker) (taskid string) {
	b.t.Helper()
	request := b.call(c.Connid)
	request.ID = json.RawMessage(`"login"`)
	if o, err := harness.Call(b.ctx, request, `{"method":"door","key":"secret"}`, session.ReadLogin, b.sessions.Login); o != "" || err != nil {
		b.t.Fatalf("login: %s %v", o, err)
	}
	return w.pull()
}

func (w worker) call(id string) *call.Call {
	w.b.t.Helper()
	c := w.b.call(w.Connid)
	c.ID = json.RawMessage(id)
	var err error
	if c.Session, err = w.b.sessions.Load(w.b.ctx, w.Connid); err != nil {
		w.b.t.Fatal(err)
	}
	return c
}

// pull pulls the task of ask.
func (w worker) pull() (taskid string) {
	w.b.t.Helper()
	return w.pulled(`{"method":"door","key":"secret"}`)
}

// pullTask pulls the task of a login without params of its own.
func (w worker) pullTask() (taskid string) {
	w.b.t.Helper()
	return w.pulled("")
}

// pulled pulls a task, which has certain params if any are named.
func (w worker) pulled(params string) (taskid string) {
	w.b.t.Helper()
	w.Got() // of before
	if _, err := harness.Call(w.b.ctx, w.call(`"pull"`), `{"prefix":"sys.login.door"}`, task.ReadPull, w.b.Bus.Tasks.Pull); err != nil {
		w.b.t.Fatal(err)
	}
	got := w.Got()
	var answer struct {
		Result struct {
			Taskid, Path, Method, User string
			Params, Tags               json.RawMessage
		}
	}
	if len(got) != 1 || json.Unmarshal([]byte(got[0]), &answer) != nil {
		w.b.t.Fatalf("pull: %v", got)
	}
	r := answer.Result
	if r.Path != "sys.login.door." || r.Method != "login" || r.User != "@internal" || (params != "" && string(r.Params) != params) ||
		string(r.Tags) != `{"@admin":true}` {
		w.b.t.Errorf("the worker got %s", got[0])
	}
	return r.Taskid
}

// answer finishes a task: with a result, or with an error if o says so.
func (w worker) answer(taskid string, o jsonrpc.Outcome) error {
	_, err := w.b.Bus.Tasks.Finish(w.b.ctx, w.call(`"finish"`), task.Finish{Taskid: taskid, Outcome: o})
	return err
}

func vouch(result string) jsonrpc.Outcome { return jsonrpc.Outcome(`"result":` + result) }

// got checks what a client was sent.
func (b *bench) got(c *harness.Client, want ...string) {
	b.t.Helper()
	if got := c.Got(); !slices.Equal(got, want) {
		b.t.Errorf("got %v, want %v", got, want)
	}
}

func welcome(connid, user, tags, metadata string) string {
	return `{"jsonrpc":"2.0","id":"login","result":{"ok":true,"connid":"` + connid + `","user":"` + user + `","tags":` + tags + `,"metadata":` + metadata + `}}`
}

func refusal(text string) string {
	return `{"jsonrpc":"2.0","id":"login","error":{"code":-32010,"message":"Permission denied` + text + `"}}`
}

func (b *bench) mask(connid string) string {
	b.t.Helper()
	item, err := b.DB.Get(b.ctx, store.Sessions, store.Item{"id": store.S(connid)})
	if err != nil {
		b.t.Fatal(err)
	}
	return item.Str("mask")
}

func TestLoginByTask(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"a":1,"b":{"x":1.0}},"p":{"c":true}}`)
	c, w := b.Connect(), b.worker()
	finished := `{"jsonrpc":"2.0","id":"finish","result":{"ok":true}}`

	// Without a mask all tags stay.
	if err := w.answer(b.ask(c, w), vouch(`{"user":"DORA","metadata":{"n":1.50}}`)); err != nil {
		t.Error(err)
	}
	all := `{".":{"a":1,"b":{"x":1.0}},"p":{"c":true}}`
	b.got(c, welcome(c.Connid, "dora", all, `{"n":1.50}`))
	b.got(w.Client, finished)
	b.want(loggedIn(c.Connid, "dora", all), loggedIn(w.Connid, "keeper", keeps))

	// With one those that are equal in both, through reloads too; whoever reloads.
	if err := w.answer(b.ask(c, w), vouch(`{"user":"dora","tags":{".":{"a":1.0,"b":{"x":2}},"p":{"c":true,"d":1}}}`)); err != nil {
		t.Error(err)
	}
	masked := `{".":{"a":1},"p":{"c":true}}`
	b.got(c, welcome(c.Connid, "dora", masked, `null`))
	b.want(loggedIn(c.Connid, "dora", masked), loggedIn(w.Connid, "keeper", keeps))
	b.set("dora", "tags", store.S(`{".":{"a":1,"b":{"x":2},"e":5},"p":{"c":false}}`))
	if _, err := b.sessions.Reload(b.ctx, b.call(c.Connid)); err != nil {
		t.Error(err)
	}
	b.want(loggedIn(c.Connid, "dora", `{".":{"a":1,"b":{"x":2}}}`), loggedIn(w.Connid, "keeper", keeps))
	b.set("dora", "tags", store.S(`{".":{"a":2}}`))
	b.reload(c.Connid, `"result":{"reloaded":1}`, anybody)
	b.want(loggedIn(c.Connid, "dora", `{}`), loggedIn(w.Connid, "keeper", keeps))

	// Another login takes the mask off.
	b.as(c.Connid, "dora")
	b.want(loggedIn(c.Connid, "dora", `{".":{"a":2}}`), loggedIn(w.Connid, "keeper", keeps))
	if got := b.mask(c.Connid); got != "" {
		t.Errorf("mask %s", got)
	}
	if items := b.Table(store.Tasks); len(items) != 2 || items[0].Str("part") != "@paths" || items[1].Str("part") != "@served" {
		t.Errorf("left: %v", items)
	}
}

// What a worker says that logs nobody in. The session stays as it was.
func TestLoginByTaskRefused(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"kept":1}}`)
	b.user("off", `{}`)
	b.set("off", "disabled", store.Bool(true))
	b.user("far", `{}`)
	b.set("far", "blacklist", store.Strings([]string{"."}))
	b.user("full", `{}`)
	b.set("full", "maxsessions", store.N(1))
	b.as(b.Connect().Connid, "full")
	b.user("huge", `{".":{"x":"`+strings.Repeat("x", 100<<10)+`"}}`)
	c, w := b.Connect(), b.worker()
	b.as(c.Connid, "dora")
	before := b.table()
	const odd = ":[the login method's answer is not understood]"
	for _, test := range []struct {
		outcome jsonrpc.Outcome
		text    string
	}{
		{vouch(`null`), odd},
		{vouch(`"dora"`), odd},
		{vouch(`{}`), odd},
		{vouch(`{"user":7}`), odd},
		{vouch(`{"user":"a b"}`), odd},
		{vouch(`{"user":"dora","tags":[]}`), odd},
		{vouch(`{"user":"dora","tags":{"a..b":{}}}`), odd},
		{vouch(`{"user":"ghost"}`), ""},
		{vouch(`{"user":"off"}`), ":[off is disabled]"},
		{vouch(`{"user":"far"}`), ":[far from " + harness.IP + "]"},
		{vouch(`{"user":"full"}`), ":[too many sessions of full]"},
		{vouch(`{"user":"huge","metadata":"` + strings.Repeat("m", 30<<10) + `"}`), ":[tags and metadata do not fit one message]"},
		{`"error":{"code":7,"message":"wrong <key>","data":{"why":1}}`, ":[[7] wrong <key>]"},
	} {
		if err := w.answer(b.ask(c, w), test.outcome); err != nil {
			t.Error(err)
		}
		b.got(c, refusal(test.text))
		w.Got()
		if got := b.table(); got != before {
			t.Errorf("%.60s: sessions\n%s\nwant\n%s", test.outcome, got, before)
		}
	}
}

// woken carries out the messages that are due.
func (b *bench) woken() {
	b.t.Helper()
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.Bus.Woken(b.ctx, w); err != nil {
			b.t.Error(err)
		}
	}
}

func TestLoginByTaskTimesOut(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	c, w := b.Connect(), b.worker()
	taskid := b.ask(c, w)
	b.Advance(9 * time.Second)
	b.woken()
	b.got(c)
	b.Advance(time.Second)
	b.woken()
	b.got(c, refusal(":[[-32000] Timeout]"))
	if err := w.answer(taskid, vouch(`{"user":"dora"}`)); err == nil {
		t.Error("a late answer was taken")
	}
	b.want(nobody(c.Connid), loggedIn(w.Connid, "keeper", keeps))
}

// What happens on the connection while the worker is asked: another login wins, a reload does not, and an end drops the task.
func TestLoginByTaskOvertaken(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"d":1}}`)
	b.user("elsa", `{".":{"e":1}}`)
	c, w := b.Connect(), b.worker()
	taskid := b.ask(c, w)
	b.as(c.Connid, "elsa")
	if err := w.answer(taskid, vouch(`{"user":"dora"}`)); err != nil {
		t.Error(err)
	}
	b.got(c, refusal(":[another login came meanwhile]"))
	b.want(loggedIn(c.Connid, "elsa", `{".":{"e":1}}`), loggedIn(w.Connid, "keeper", keeps))

	// Another by a method does not: one is asked at a time.
	first := b.ask(c, w)
	b.fails(b.door(c, ""), jsonrpc.LimitExceeded, "one login at a time on a connection")
	if err := w.answer(first, vouch(`{"user":"dora"}`)); err != nil {
		t.Error(err)
	}
	b.got(c, welcome(c.Connid, "dora", `{".":{"d":1}}`, "null"))

	taskid = b.ask(c, w)
	if _, err := b.sessions.Reload(b.ctx, b.call(c.Connid)); err != nil {
		t.Error(err)
	}
	if err := w.answer(taskid, vouch(`{"user":"elsa"}`)); err != nil {
		t.Error(err)
	}
	b.got(c, welcome(c.Connid, "elsa", `{".":{"e":1}}`, "null"))

	taskid = b.ask(c, w)
	if err := b.sessions.End(b.ctx, c.Connid, true); err != nil {
		t.Error(err)
	}
	err := w.answer(taskid, vouch(`{"user":"dora"}`))
	b.fails(err, jsonrpc.InvalidTask, taskid)
	b.got(c)
}

// TestLoginByTaskLosesItsHandler has the handler that finishes the task die, or lose a response, at each of its writes. The login is answered once
// what is left of it was repaired, and happened once.
func TestLoginByTaskLosesItsHandler(t *testing.T) {
	for _, test := range []struct {
		name     string
		disturb  func(b *bench)
		repaired bool
	}{
		{"the session's response is lost", func(b *bench) { b.On("UpdateItem", "#login").Lose(1) }, false},
		{"the session is not written", func(b *bench) { b.On("UpdateItem", "#login").Fail(3) }, true},
		{"the session is written, and nobody knows", func(b *bench) { b.On("UpdateItem", "#login").Lose(3) }, true},
		{"the answer's response is lost", func(b *bench) { b.On("UpdateItem", "attribute_exists(#then)").Lose(1) }, false},
		{"the answer is not recorded", func(b *bench) { b.On("UpdateItem", "attribute_exists(#then)").Fail(3) }, true},
		{"the answer is recorded, and nobody knows", func(b *bench) { b.On("UpdateItem", "attribute_exists(#then)").Lose(3) }, true},
		{"the answer is not posted", func(b *bench) { b.On("PostToConnection", `"id":"login"`).Fail(3) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.user("dora", `{".":{"d":1}}`)
			b.user("elsa", `{}`)
			c, w := b.Connect(), b.worker()
			taskid := b.ask(c, w)
			test.disturb(b)
			err := w.answer(taskid, vouch(`{"user":"dora","metadata":7}`))
			if call.IsRecorded(err) != test.repaired || (err != nil) != test.repaired {
				t.Errorf("%v", err)
			}
			if test.repaired {
				b.got(c)
				// What changes meanwhile does not change the answer of a login that took place.
				if b.table() == loggedIn(c.Connid, "dora", `{".":{"d":1}}`)+"\n"+loggedIn(w.Connid, "keeper", keeps) {
					b.set("dora", "disabled", store.Bool(true))
				}
				b.Advance(31 * time.Second)
				id, part, _ := strings.Cut(taskid, "-")
				for range 2 {
					if err := b.Bus.Tasks.Changed(b.ctx, [][2]string{{part, id}}); err != nil {
						t.Error(err)
					}
				}
			}
			b.got(c, welcome(c.Connid, "dora", `{".":{"d":1}}`, "7"))
			b.want(loggedIn(c.Connid, "dora", `{".":{"d":1}}`), loggedIn(w.Connid, "keeper", keeps))
			if items := b.Table(store.Tasks); len(items) != 2 {
				t.Errorf("left: %v", items)
			}
		})
	}
}
