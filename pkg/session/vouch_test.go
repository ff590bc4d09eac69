package session_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	"nexus/pkg/user"
)

// everything is all that is stored, one item a line.
func (b *bench) everything() string {
	b.t.Helper()
	var lines []string
	for _, table := range store.Schema() {
		for _, i := range b.Table(table.Name) {
			for _, turn := range []string{"ask", "askof", "asked", "turn", "turnof", "turned"} { // that a login was tried, in its connection's session
				delete(i, turn)
			}
			text, err := json.Marshal(i)
			if err != nil {
				b.t.Fatal(err)
			}
			lines = append(lines, table.Name+" "+string(text))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// door tries a login by the method door.
func (b *bench) door(c *harness.Client, more string) error {
	b.t.Helper()
	request := b.call(c.Connid)
	request.ID = json.RawMessage(`"login"`)
	_, err := harness.Call(b.ctx, request, `{"method":"door"`+more+`}`, session.ReadLogin, b.sessions.Login)
	return err
}

// What nobody serves is refused as a wrong password is, whatever comes with it, and leaves nothing.
func TestAMethodThatNobodyServesStoresNothing(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	c := b.Connect()
	_, wrong := b.login(c.Connid, `{"user":"dora","pass":"wrong"}`)
	before := b.everything()
	for range 3 {
		for _, more := range []string{"", `,"token":"` + strings.Repeat("x", 100<<10) + `"`} {
			if err := b.door(c, more); err == nil || err.Error() != wrong.Error() {
				t.Errorf("%v, want %v", err, wrong)
			}
		}
	}
	if after := b.everything(); after != before {
		t.Errorf("stored\n%s\nbefore\n%s", after, before)
	}
	if len(b.Due()) > 0 {
		t.Error("a message was sent")
	}

	// It was served: until a minute after, and no longer.
	w := b.worker()
	b.Advance(time.Minute)
	if err := b.door(c, ""); err != nil {
		t.Errorf("a minute after: %v", err)
	}
	b.Advance(16 * time.Second)
	if err := b.door(c, ""); err == nil || err.Error() != wrong.Error() {
		t.Errorf("later: %v", err)
	}

	// While a pull waits it is served, however long, and for a minute after its task.
	if _, err := harness.Call(b.ctx, w.call(`"wait"`), `{"prefix":"sys.login.door"}`, task.ReadPull, b.Bus.Tasks.Pull); err != nil {
		t.Fatal(err)
	}
	w.Got() // nothing: the logins' time is over
	b.Advance(time.Hour)
	for n := range 2 {
		if err := b.door(b.Connect(), ""); err != nil {
			t.Errorf("login %d: %v", n, err)
		}
	}
}

// LoginTasks wait at most, and one that is one too many leaves nothing.
func TestLimitOfLoginTasks(t *testing.T) {
	b := newBench(t)
	b.Bus.Tasks.LoginTasks = 3
	w := b.worker()
	for range 3 {
		if err := b.door(b.Connect(), ""); err != nil {
			t.Fatal(err)
		}
	}
	c := b.Connect()
	before := b.everything()
	b.fails(b.door(c, ""), jsonrpc.LimitExceeded, "3 logins wait for this method")
	if after := b.everything(); after != before {
		t.Errorf("stored\n%s\nbefore\n%s", after, before)
	}
	w.pullAny()
	if err := b.door(c, ""); err != nil {
		t.Errorf("after one was taken: %v", err)
	}
}

// Who may push on a method's path neither uses up LoginTasks nor comes before a login, whatever the priority.
func TestTasksPushedOnALoginMethodsPathHoldUpNoLogin(t *testing.T) {
	b := newBench(t)
	b.Bus.Tasks.LoginTasks = 1
	w, pusher, c := b.worker(), b.Connect(), b.Connect()
	push := fmt.Sprintf(`{"method":"sys.login.door.login","params":null,"prio":%d,"detach":true,"timeout":60}`, int64(math.MaxInt64))
	for n := range 5 {
		request := b.call(pusher.Connid)
		request.ID = json.RawMessage(fmt.Sprint(n))
		if _, err := harness.Call(b.ctx, request, push, task.ReadPush, b.Bus.Tasks.Push); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.door(c, ""); err != nil {
		t.Fatalf("beside pushed tasks: %v", err)
	}
	w.Got()
	w.pullAny()
	if got := fmt.Sprint(w.Got()); !strings.Contains(got, `"user":"@internal"`) {
		t.Errorf("the worker was given %s first", got)
	}
}

func (w worker) pullAny() {
	w.b.t.Helper()
	if _, err := harness.Call(w.b.ctx, w.call(`"pull"`), `{"prefix":"sys.login.door"}`, task.ReadPull, w.b.Bus.Tasks.Pull); err != nil {
		w.b.t.Fatal(err)
	}
}

// A pull that waits whose session may not vouch any more is given nothing: by a login, by a task that comes back, by repair. It is told so.
func TestAPullThatLostItsRight(t *testing.T) {
	for _, test := range []struct{ by, comes string }{
		{"reload", "a login"}, {"reload", "a reject"}, {"reload", "a repair"}, {"another login", "a login"}, {"another login", "a reject"},
	} {
		t.Run(test.by+", "+test.comes, func(t *testing.T) {
			b := newBench(t)
			b.user("dora", `{}`)
			c, w, lost := b.Connect(), b.worker(), worker{b.Connect(), b}
			b.user("lost", keeps)
			b.as(lost.Connid, "lost")
			var taskid string
			if test.comes != "a login" {
				taskid = b.ask(c, w)
			}
			lost.pullAny()
			if test.by == "reload" {
				b.set("lost", "tags", store.S(`{".":{"@task.pull":true}}`))
				if _, err := b.sessions.Reload(b.ctx, b.call(lost.Connid)); err != nil {
					t.Fatal(err)
				}
			} else {
				b.as(lost.Connid, "dora")
			}
			switch test.comes {
			case "a login":
				b.Try(b.door(c, ""))
			case "a repair": // of what a reject left undone
				b.On("Query", `"nexus-tasks"`, `"p#"`).Fail(harness.Attempts)
				if _, err := b.Bus.Tasks.Reject(b.ctx, w.call(`"reject"`), task.Named{Taskid: taskid}); !call.IsRecorded(err) {
					t.Errorf("reject: %v", err)
				}
				b.got(lost.Client)
				b.Bus.Tasks.RepairAge = time.Second
				b.Advance(2 * time.Second)
				id, part, _ := strings.Cut(taskid, "-")
				b.Try(b.Bus.Tasks.Changed(b.ctx, [][2]string{{part, id}}))
			default:
				_, err := b.Bus.Tasks.Reject(b.ctx, w.call(`"reject"`), task.Named{Taskid: taskid})
				b.Try(err)
			}
			b.got(lost.Client, `{"jsonrpc":"2.0","id":"pull","error":{"code":-32010,"message":"Permission denied"}}`)
			// Who may has it then.
			b.Try(w.answer(w.pullTask(), vouch(`{"user":"dora"}`)))
			b.got(c, welcome(c.Connid, "dora", `{}`, "null"))
		})
	}
}

// A login's task is ended by the session that works on it and by no other, in whatever state it is; whose it is stands in the write.
func TestOnlyTheWorkerEndsALogin(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	b.user("elsa", `{".":{"@admin":true}}`)
	c, w, other := b.Connect(), b.worker(), worker{b.Connect(), b}
	b.as(other.Connid, "elsa")
	tries := func(state string, of ...worker) {
		t.Helper()
		var taskid string
		for _, i := range b.Table(store.Tasks) {
			if i.Str("kind") == "task" {
				taskid = i.Str("id") + "-" + i.Str("part")
			}
		}
		before := b.everything()
		for _, of := range of {
			for method, try := range map[string]func() error{
				"result": func() error { return of.answer(taskid, vouch(`{"user":"elsa"}`)) },
				"error":  func() error { return of.answer(taskid, `"error":{"code":1,"message":""}`) },
				"cancel": func() error {
					_, err := b.Bus.Tasks.Cancel(b.ctx, of.call(`"cancel"`), task.Cancel{Taskid: taskid})
					return err
				},
				"cancel by id": func() error {
					_, err := b.Bus.Tasks.Cancel(b.ctx, of.call(`"cancel"`), task.Cancel{ID: json.RawMessage(`"login"`)})
					return err
				},
				"reject": func() error {
					_, err := b.Bus.Tasks.Reject(b.ctx, of.call(`"reject"`), task.Named{Taskid: taskid})
					return err
				},
			} {
				if e, ok := errors.AsType[*jsonrpc.Error](try()); !ok || e.Code != jsonrpc.InvalidTask {
					t.Errorf("%s by another, %s: %v", method, state, e)
				}
			}
		}
		if after := b.everything(); after != before {
			t.Errorf("%s: changed\n%s\nbefore\n%s", state, after, before)
		}
	}
	b.Try(b.door(c, ""))
	caller := worker{c, b}
	tries("waiting", w, other, caller)
	taskid := w.pullTask()
	tries("working", other, caller)
	_, err := b.Bus.Tasks.Reject(b.ctx, w.call(`"reject"`), task.Named{Taskid: taskid})
	b.Try(err)
	tries("rejected", w, other, caller)
	if again := other.pullTask(); again != taskid {
		t.Errorf("pulled %s, want %s", again, taskid)
	}
	tries("working for another", w, caller)
	b.Try(other.answer(taskid, vouch(`{"user":"dora"}`)))
	b.got(c, welcome(c.Connid, "dora", `{}`, "null"))
}

// What comes with a login is in no log and in no error, whatever fails.
func TestNoLogHoldsWhatLoginsBring(t *testing.T) {
	const secret = "S3CRET-of-dora"
	basic, door, long := `{"user":"dora","pass":"`+secret+`"}`, `{"method":"door","token":"`+secret+`"}`, `{"method":"door","token":"`+strings.Repeat(secret, 500)+`"}`
	var log bytes.Buffer
	for _, f := range []struct{ params, operation, with string }{
		{basic, "UpdateItem", "#turn"}, {basic, "GetItem", `"nexus-users"`}, {basic, "UpdateItem", "#login"},
		{`{"user":"` + secret + `","pass":"` + secret + `"}`, "GetItem", `"nexus-users"`}, {`{"user":"dora","pass":["` + secret + `"]}`, "", ""},
		{`{"method":"` + secret + `..a"}`, "", ""}, {`{"method":"` + secret + `"}`, "", ""},
		{door, "UpdateItem", "#ask"}, {door, "Query", `"nexus-tasks"`}, {door, "GetItem", `"@served"`}, {door, "PutItem", `"nexus-tasks"`},
		{door, "PutItem", `"nexus-calls"`}, {door, "SendMessage", ""}, {long, "PutItem", `"nexus-bodies"`},
	} {
		b := newBench(t)
		if _, err := b.users.Create(b.ctx, b.call(""), user.Create{User: "dora", Pass: secret}); err != nil {
			t.Fatal(err)
		}
		b.worker()
		to := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.sessions.Log, b.Bus.Tasks.Log = to, to
		c := b.Connect()
		if f.operation != "" {
			b.On(f.operation, f.with).Fail(harness.Attempts)
		}
		call := b.call(c.Connid)
		call.ID = json.RawMessage(`"login"`)
		o, err := harness.Call(b.ctx, call, f.params, session.ReadLogin, b.sessions.Login)
		fmt.Fprintln(&log, o, err)
		if f.operation != "" && err == nil {
			t.Errorf("%s %s failed in vain", f.operation, f.with)
		}
	}
	if strings.Contains(strings.ToLower(log.String()), strings.ToLower(secret)) {
		t.Errorf("logged: %s", log.String())
	}
}
