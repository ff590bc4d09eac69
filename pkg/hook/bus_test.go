package hook_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// bench is a bus with a client who is root.
type bench struct {
	*harness.Harness
	t    *testing.T
	root *harness.Client
	n    int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Harness: harness.New(t), t: t}
	if _, err := b.Bus.Users.CreateRoot(t.Context(), "password"); err != nil {
		t.Fatal(err)
	}
	b.root = b.login()
	return b
}

func (b *bench) login() *harness.Client {
	b.t.Helper()
	c := b.Connect()
	b.send(c, "sys.login", `{"user":"root","pass":"password"}`)
	if got := c.Got(); len(got) != 1 || !strings.Contains(got[0], `"ok":true`) {
		b.t.Fatalf("login: %q", got)
	}
	return c
}

func (b *bench) origin(c *harness.Client) nexus.Origin {
	b.n++
	return nexus.Origin{Stage: nexus.V1, ConnectionID: strings.TrimPrefix(c.Connid, b.Connid("")), IP: harness.IP, Request: fmt.Sprintf("r%d", b.n)}
}

// send has the bus carry out a request.
func (b *bench) send(c *harness.Client, method, params string) {
	b.t.Helper()
	o := b.origin(c)
	b.Try(b.Bus.Message(b.t.Context(), o, fmt.Appendf(nil, `{"id":%d,"method":%q,"params":%s}`, b.n, method, params)))
}

// subscribe subscribes a new pipe.
func (b *bench) subscribe(topic string) (owner *harness.Client, pipeid string) {
	b.t.Helper()
	owner = b.login()
	b.send(owner, "pipe.create", `{}`)
	var a struct{ Result struct{ Pipeid string } }
	if err := json.Unmarshal([]byte(owner.Got()[0]), &a); err != nil {
		b.t.Fatal(err)
	}
	b.send(owner, "topic.sub", fmt.Sprintf(`{"pipeid":%q,"topic":%q}`, a.Result.Pipeid, topic))
	if got := owner.Got(); len(got) != 1 || !strings.Contains(got[0], `"ok":true`) {
		b.t.Fatalf("subscribe to %s: %q", topic, got)
	}
	return owner, a.Result.Pipeid
}

// published returns the actions of the last publications of each row.
func (b *bench) published() []string {
	b.t.Helper()
	var actions []string
	for _, i := range b.Table(store.Topics) {
		if !strings.HasPrefix(i.Str("part"), "p#") {
			continue
		}
		var m struct{ Action string }
		if err := json.Unmarshal([]byte(i.Str("msg")), &m); err != nil {
			b.t.Fatal(err)
		}
		actions = append(actions, m.Action)
	}
	slices.Sort(actions)
	return actions
}

func (b *bench) asking() harness.Kind     { return b.On("Query", `"h#"`) }
func (b *bench) publishing() harness.Kind { return b.On("UpdateItem", `"nexus-topics"`, `"p#`) }

// requests are all that the bus has sent to tables, but for the rows of paths, which it renews now and then.
func (b *bench) requests() (n int) {
	for _, operation := range []string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "TransactWriteItems"} {
		n += b.On(operation).Count()
	}
	return n - b.On("UpdateItem", `"@paths"`).Count()
}

// costs are the requests to tables of a call about users and one about tasks, beside those that ask who listens, and how many ask. No more than 5 s pass
// in between.
type costs struct{ user, task, asked int }

func (b *bench) costs() costs {
	b.t.Helper()
	count := func(method, params string) int {
		all, asking := b.requests(), b.asking().Count()
		b.send(b.root, method, params)
		return b.requests() - all - (b.asking().Count() - asking)
	}
	asking := b.asking().Count()
	c := costs{user: count("user.setTags", `{"user":"root","prefix":"a","tags":{"x":1}}`), task: count("task.push", `{"method":"a.b","params":1}`)}
	c.asked = b.asking().Count() - asking
	return c
}

// While nobody is subscribed to events, they cost a read every 5 s, whatever else is subscribed to.
func TestWhatNobodyHearsCostsNothing(t *testing.T) {
	b := newBench(t)
	b.costs() // the paths
	b.Advance(5 * time.Second)
	nobody := b.costs()
	if nobody.asked != 1 {
		t.Errorf("asked %d times", nobody.asked)
	}
	for _, topic := range []string{"hoo.*", "hook", "hook.github", "hook.github.*", "*", "hook.tasks.*", "hook.task.a", "hook.task|a.b|root|x", "hooks.task|a.b", `hook.task|a\b`} {
		b.subscribe(topic)
	}
	b.Advance(5 * time.Second)
	if got := b.costs(); got != nobody {
		t.Errorf("%+v, without what hears no event %+v", got, nobody)
	}
	b.Advance(5*time.Second - time.Millisecond)
	if got := b.costs(); got.asked != 0 || got.user != nobody.user || got.task != nobody.task {
		t.Errorf("%+v a moment later, the first time %+v", got, nobody)
	}
	b.Advance(time.Millisecond)
	if got := b.costs(); got != nobody {
		t.Errorf("%+v, want %+v", got, nobody)
	}
	// What is no event does not ask.
	b.Advance(time.Hour)
	asked := b.asking().Count()
	b.send(b.root, "user.list", `{}`)
	b.send(b.root, "task.pull", `{"prefix":"none"}`)
	b.send(b.root, "user.delete", `{"user":"nosuch"}`)
	if n := b.asking().Count() - asked; n != 0 {
		t.Errorf("asked %d times", n)
	}
	if got := b.published(); got != nil {
		t.Errorf("published %q", got)
	}
}

// Who listens costs those a publication of whom he would hear, and nobody else; and nobody any more once he is gone, however he goes.
func TestWhoListensCostsWhatHeHears(t *testing.T) {
	for _, test := range []struct {
		topic      string
		user, task int // publications
	}{
		{"hook.*", 1, 1}, {"hook.task.*", 0, 1}, {"hook.task|a.b", 0, 1}, {"hook.task|*|root", 0, 1}, {"hook.task|a.c", 0, 0}, {"hook.task|a.*|bob", 0, 0},
		{"hook.user", 1, 0}, {"hook.user|root|root", 1, 0}, {"hook.user|bob", 0, 0},
	} {
		for how, goes := range map[string]func(b *bench, c *harness.Client, pipeid string){
			"unsub": func(b *bench, c *harness.Client, pipeid string) {
				b.send(c, "topic.unsub", fmt.Sprintf(`{"pipeid":%q,"topic":%q}`, pipeid, test.topic))
			},
			"the pipe is closed": func(b *bench, c *harness.Client, pipeid string) {
				b.send(c, "pipe.close", fmt.Sprintf(`{"pipeid":%q}`, pipeid))
			},
			"the session ends": func(b *bench, c *harness.Client, _ string) { b.Try(b.Bus.Disconnected(b.t.Context(), b.origin(c))) },
			"the connection is cut": func(b *bench, c *harness.Client, _ string) {
				c.Lost()
				b.send(c, "sys.ping", `{}`) // which finds it gone
			},
		} {
			t.Run(test.topic+", "+how, func(t *testing.T) {
				b := newBench(t)
				b.costs()
				b.Advance(5 * time.Second)
				before := b.costs()
				c, pipeid := b.subscribe(test.topic)
				b.Advance(5 * time.Second)
				if got, want := b.costs(), (costs{before.user + test.user, before.task + test.task, 1}); got != want {
					t.Errorf("%+v while subscribed, want %+v", got, want)
				}
				goes(b, c, pipeid)
				b.Advance(5 * time.Second)
				if got := b.costs(); got != before {
					t.Errorf("%+v 5 s after, before %+v", got, before)
				}
				for _, i := range b.Table(store.Topics) {
					if i.Str("part") == "h#" {
						t.Errorf("left: %v", i)
					}
				}
			})
		}
	}
}

// Where there are more listeners than are told apart, everything is published.
func TestManyListeners(t *testing.T) {
	b := newBench(t)
	owner, pipeid := b.subscribe("hook.task|x0")
	for n := 1; n <= 100; n++ {
		b.send(owner, "topic.sub", fmt.Sprintf(`{"pipeid":%q,"topic":"hook.task|x%d"}`, pipeid, n))
	}
	b.send(b.root, "user.create", `{"user":"bob","pass":"secret"}`)
	if got := b.published(); !slices.Equal(got, []string{"create"}) {
		t.Errorf("published %q", got)
	}
	for n := range 2 {
		b.send(owner, "topic.unsub", fmt.Sprintf(`{"pipeid":%q,"topic":"hook.task|x%d"}`, pipeid, n))
	}
	b.send(b.root, "user.delete", `{"user":"bob"}`)
	if got := b.published(); !slices.Equal(got, []string{"create"}) {
		t.Errorf("then published %q", got)
	}
}

// An event is published when its call has been answered, by one write.
func TestTheAnswerComesFirst(t *testing.T) {
	b := newBench(t)
	b.subscribe("hook.user.*")
	var before []string
	b.publishing().Run(func() { before = b.root.Got() })
	b.send(b.root, "user.create", `{"user":"bob","pass":"secret"}`)
	if len(before) != 1 || !strings.Contains(before[0], `"ok":true`) {
		t.Errorf("before the publication: %q", before)
	}
	if n := b.publishing().Count(); n != 1 {
		t.Errorf("%d writes", n)
	}
	if got := b.published(); !slices.Equal(got, []string{"create"}) {
		t.Errorf("published %q", got)
	}
	for _, i := range b.Table(store.Topics) {
		if strings.Contains(fmt.Sprint(i), "secret") {
			t.Errorf("the password is in %v", i)
		}
	}
}

// Where asking or publishing fails, calls go on as if nothing were.
func TestPublishingFails(t *testing.T) {
	for name, fail := range map[string]func(b *bench){
		"asking":     func(b *bench) { b.asking().Fail(harness.Attempts) },
		"publishing": func(b *bench) { b.publishing().Fail(1) },
		"both, and reading it back": func(b *bench) {
			b.publishing().Fail(1)
			b.On("GetItem", `"nexus-topics"`, `"p#`).Fail(harness.Attempts)
		},
	} {
		b := newBench(t)
		b.subscribe("hook.*")
		fail(b)
		b.send(b.root, "user.create", `{"user":"bob","pass":"secret"}`)
		if got := b.root.Got(); len(got) != 1 || !strings.Contains(got[0], `"result":{"ok":true}`) {
			t.Errorf("%s: %q", name, got)
		}
		if got := b.published(); got != nil {
			t.Errorf("%s: published %q", name, got)
		}
		b.send(b.root, "user.delete", `{"user":"bob"}`)
		if got := b.published(); !slices.Equal(got, []string{"delete"}) {
			t.Errorf("%s: then published %q", name, got)
		}
	}
}

// woken carries out the messages that are due.
func (b *bench) woken() {
	b.t.Helper()
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		b.Try(err)
		b.Try(b.Bus.Woken(b.t.Context(), w))
	}
}

// repair has the stream tell of all tasks.
func (b *bench) repair() {
	b.t.Helper()
	for _, i := range b.Table(store.Tasks) {
		b.Try(b.Bus.Changed(b.t.Context(), store.Tasks, [][2]string{{i.Str("part"), i.Str("id")}}))
	}
}

// Whatever calls the bus, what it does to tasks is published.
func TestEveryEntryPublishes(t *testing.T) {
	for action, play := range map[string]func(b *bench, pusher *harness.Client){
		"pusherDisconnect": func(b *bench, pusher *harness.Client) { b.Try(b.Bus.Disconnected(t.Context(), b.origin(pusher))) },
		"timeout": func(b *bench, _ *harness.Client) {
			b.Advance(20 * time.Second)
			b.woken()
		},
		"timeout of a repair": func(b *bench, _ *harness.Client) {
			b.Advance(20 * time.Second)
			b.repair()
		},
		"pusherDisconnect of the watchdog": func(b *bench, pusher *harness.Client) {
			b.Advance(time.Minute)
			b.repair() // by what it notes of the task the end finds it
			pusher.Lost()
			b.Advance(2 * time.Minute)
			b.Try(b.Bus.Sweep(t.Context()))
			b.woken() // which cleans up
		},
		"pullerDisconnect at the hand-over": func(b *bench, _ *harness.Client) {
			worker := b.login()
			worker.Lost()
			b.send(worker, "task.pull", `{"prefix":"a"}`)
		},
		"pusherDisconnect of a post": func(b *bench, pusher *harness.Client) {
			pusher.Lost()
			b.send(pusher, "sys.ping", `{}`)
		},
	} {
		b := newBench(t)
		pusher := b.login()
		timeout := "10"
		if strings.HasPrefix(action, "pu") {
			timeout = "100000"
		}
		b.send(pusher, "task.push", `{"method":"a.b","params":1,"timeout":`+timeout+`}`)
		watcher, _ := b.subscribe("hook.task|a.*")
		b.send(watcher, "sys.watchdog", `600`)
		b.Advance(5 * time.Second)
		play(b, pusher)
		want, _, _ := strings.Cut(action, " ")
		if got := b.published(); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: published %q", action, got)
		}
	}
}

// The params of 120 KB that a task may have are null in its event.
func TestLongParams(t *testing.T) {
	b := newBench(t)
	b.subscribe("hook.task.*")
	b.send(b.root, "task.push", `{"method":"a.b","params":"`+strings.Repeat("x", 120<<10-20)+`"}`)
	for _, i := range b.Table(store.Topics) {
		msg := i.Str("msg")
		if strings.HasPrefix(i.Str("part"), "p#") && (!strings.Contains(msg, `"params":null,`) || !strings.Contains(msg, `"tags":{".":{"@admin":true}}`)) {
			t.Errorf("published %.200q", msg)
		}
	}
	if got := b.published(); !slices.Equal(got, []string{"push"}) {
		t.Errorf("published %q", got)
	}
}
