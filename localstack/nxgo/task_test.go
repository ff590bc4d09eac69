package nxgo_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jaracil/ei"
	"github.com/nayarsystems/nxgo/nxcore"
)

// pull pulls a task that is there or comes.
func (b *bus) pull(c *nxcore.NexusConn, prefix string) *nxcore.Task {
	b.t.Helper()
	task, err := c.TaskPull(prefix, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return task
}

// pushed is a push under way.
type pushed struct {
	b      *bus
	result <-chan any
	err    <-chan error
}

func (b *bus) push(c *nxcore.NexusConn, method string, params any, opts ...*nxcore.TaskOpts) pushed {
	result, err := c.TaskPushCh(method, params, 0, opts...)
	return pushed{b, result, err}
}

// answer waits for what the push answers.
func (p pushed) answer() (any, error) {
	p.b.t.Helper()
	either := make(chan func() (any, error), 1)
	go func() {
		select {
		case result := <-p.result:
			either <- func() (any, error) { return result, nil }
		case err := <-p.err:
			either <- func() (any, error) { return nil, err }
		case <-p.b.t.Context().Done():
		}
	}()
	return receive(p.b, either)()
}

func TestTask(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "pusher")
	b.want(ok)(root.UserSetTags("pusher", "math", map[string]any{"@task.push": true, "limit": 7}))
	pusher, worker := b.as("pusher"), root

	push := b.push(pusher, "math.add", map[string]any{"a": 1, "b": []any{"x", nil}}, &nxcore.TaskOpts{Priority: 3, Ttl: 2})
	task := b.pull(worker, "math")
	if task.Id == "" || task.Path != "math." || task.Method != "add" || task.Prio != 3 || task.Detach || task.User != "pusher" || task.GetConn() != worker {
		t.Errorf("%+v", task)
	}
	b.want(`{"a":1,"b":["x",null]}`)(task.Params, nil)
	b.want(`{"@task.push":true,"limit":7}`)(task.Tags, nil)
	b.want(ok)(task.SendResult([]any{3, "three"}))
	b.want(`[3,"three"]`)(push.answer())
	b.refused(nxcore.ErrInvalidTask)(task.SendResult(4))
	b.refused(nxcore.ErrInvalidTask)(task.Accept())
	b.refused(nxcore.ErrInvalidTask)(task.SendError(1, "late", nil))
	b.refused(nxcore.ErrInvalidTask)(task.Reject())

	push = b.push(pusher, "math.nothing", nil)
	task = b.pull(worker, "math")
	b.want(`null`)(task.Params, nil)
	b.want(ok)(task.Accept())
	b.want(`null`)(push.answer())

	b.refused(nxcore.ErrPermissionDenied)(pusher.TaskPush("other.add", 1, 0))
	b.refused(nxcore.ErrPermissionDenied)(pusher.TaskPull("math", 0))
	b.refused(nxcore.ErrInvalidParams)(pusher.TaskPush("math..add", 1, 0))
	b.refused(nxcore.ErrInvalidTask)(nxcore.NewTask(worker).Accept())
}

func TestTaskErrors(t *testing.T) {
	b := newBus(t)
	c := b.root()
	for _, e := range []struct {
		code    int
		message string
		data    any
		want    string
	}{
		{7, "seven", map[string]any{"x": 1}, `{"code":7,"message":"seven","data":{"x":1}}`},
		{0, "", nil, `{"code":0,"message":""}`},
		{nxcore.ErrInvalidParams, "a", nil, `{"code":-32602,"message":"Invalid params:[a]"}`},
		{nxcore.ErrInternal, "", "why", `{"code":-32603,"message":"Internal error","data":"why"}`},
	} {
		push := b.push(c, "a.b", 1)
		b.want(ok)(b.pull(c, "a").SendError(e.code, e.message, e.data))
		answer, err := push.answer()
		if answer != nil {
			t.Errorf("%v", answer)
		}
		b.want(e.want)(err, nil)
	}
}

func TestTaskReject(t *testing.T) {
	b := newBus(t)
	c := b.root()
	push := b.push(c, "a.b", 1, &nxcore.TaskOpts{Ttl: 2})
	first := b.pull(c, "a")
	b.want(ok)(first.Reject())
	again := b.pull(c, "a")
	if again.Id != first.Id {
		t.Errorf("%s, then %s", first.Id, again.Id)
	}
	b.want(ok)(again.Reject())
	b.refused(nxcore.ErrTtlExpired)(push.answer())
}

func TestTaskDetached(t *testing.T) {
	b := newBus(t)
	pusher, worker := b.root(), b.root()
	b.want(ok)(b.push(pusher, "a.b", 1, &nxcore.TaskOpts{Detach: true}).answer())
	pusher.Close()
	task := b.pull(worker, "a")
	if !task.Detach {
		t.Errorf("%+v", task)
	}
	b.want(ok)(task.Accept())
}

// Which goes first, and the path that is none.
func TestTaskOrder(t *testing.T) {
	b := newBus(t)
	c := b.root()
	for i, prio := range []int{0, 5, -5, 5} {
		b.want(ok)(c.TaskPush("single", i, 0, &nxcore.TaskOpts{Detach: true, Priority: prio}))
	}
	for _, i := range []string{"1", "3", "0", "2"} {
		task := b.pull(c, ".")
		if task.Path != "." || task.Method != "single" {
			t.Errorf("%+v", task)
		}
		b.want(i)(task.Params, nil)
		b.want(ok)(task.Accept())
	}
}

// The library has no call for it, but a way to make any, and ids. A call can be cancelled by its id once it is recorded, which may be a moment after
// others see its task.
func TestTaskCancel(t *testing.T) {
	b := newBus(t)
	pusher, worker := b.root(), b.root()
	id, answer, err := pusher.ExecNoWait("task.push", ei.M{"method": "a.b", "params": 1})
	if err != nil {
		t.Fatal(err)
	}
	task := b.pull(worker, "a")
	b.until("the push is cancelled", func() bool { return done(pusher.Exec("task.cancel", ei.M{"id": id})) })
	if a := receive(b, answer); a.Error == nil || a.Error.Code() != nxcore.ErrCancel {
		t.Errorf("%+v", a)
	}
	b.refused(nxcore.ErrInvalidTask)(task.SendResult(1))

	push := b.push(pusher, "a.b", 1)
	task = b.pull(worker, "a")
	b.want(ok)(worker.Exec("task.cancel", ei.M{"taskid": task.Id}))
	b.refused(nxcore.ErrCancel)(push.answer())
	b.refused(nxcore.ErrInvalidTask)(worker.Exec("task.cancel", ei.M{"taskid": task.Id}))

	id, answer, err = worker.ExecNoWait("task.pull", ei.M{"prefix": "a"})
	if err != nil {
		t.Fatal(err)
	}
	b.until("the pull is cancelled", func() bool { return done(worker.Exec("task.cancel", ei.M{"id": id})) })
	if a := receive(b, answer); a.Error == nil || a.Error.Code() != nxcore.ErrCancel {
		t.Errorf("%+v", a)
	}
}

func TestTaskList(t *testing.T) {
	b := newBus(t)
	c, other := b.root(), b.root()
	push := b.push(c, "a.b", map[string]any{"x": 1}, &nxcore.TaskOpts{Priority: 2, Ttl: 4})
	working := b.pull(c, "a")
	b.want(ok)(c.TaskPush("a.b.c", nil, 0, &nxcore.TaskOpts{Detach: true}))
	b.want(ok)(c.TaskPush("z.y", nil, 0, &nxcore.TaskOpts{Detach: true}))
	go other.TaskPull("a.c", 0) // until the test ends
	var list []nxcore.Task
	b.until("two tasks and a pull", func() (is bool) {
		var err error
		list, err = c.TaskList("a", 10, 0)
		return err == nil && len(list) == 3
	})
	if w := list[0]; w.Id != working.Id || w.Stat != "working" || w.Path != "a." || w.Method != "b" || w.Prio != 2 || w.Ttl != 4 || w.Detach ||
		w.User != "root" || w.Tags["@admin"] != true || w.CreationTime.IsZero() || !w.DeadLine.After(w.CreationTime) {
		t.Errorf("%+v", w)
	}
	b.want(`{"x":1}`)(list[0].Params, nil)
	if w := list[1]; w.Stat != "waiting" || w.Path != "a.b." || w.Method != "c" || !w.Detach {
		t.Errorf("%+v", w)
	}
	if w := list[2]; w.Stat != "waiting" || w.Path != "a.c." || w.Method != "" || w.Tags != nil {
		t.Errorf("%+v", w)
	}
	for _, l := range []struct {
		limit, skip int
		opts        nxcore.ListOpts
		paths       string
	}{
		{2, 0, nxcore.ListOpts{}, "[a. a.b.]"},
		{0, 1, nxcore.ListOpts{}, "[a.b. a.c.]"},
		{0, 0, nxcore.ListOpts{LimitByDepth: true}, "[a.]"},
		{0, 0, nxcore.ListOpts{Filter: "b[.]$"}, "[a.b.]"},
	} {
		list, err := c.TaskList("a", l.limit, l.skip, &l.opts)
		var paths []string
		for _, task := range list {
			paths = append(paths, task.Path)
		}
		if fmt.Sprint(paths) != l.paths {
			t.Errorf("%+v: %v %v", l, paths, err)
		}
	}
	b.want(`{"count":3,"pullCount":1,"pushCount":2}`)(c.TaskCount("a"))
	b.want(`{"count":1,"pullCount":0,"pushCount":1}`)(c.TaskCount("", &nxcore.CountOpts{Filter: "^z"}))
	counted, err := c.TaskCount("a", &nxcore.CountOpts{Subprefixes: true})
	if list := ei.N(counted).SliceZ(); err != nil || len(list) != 3 {
		t.Errorf("%v %v", counted, err)
	}
	b.want(ok)(working.Accept())
	b.want(`null`)(push.answer())
}

// Workers as programs have them: loops that pull and answer, several on a connection.
func TestWorkers(t *testing.T) {
	b := newBus(t)
	var loops sync.WaitGroup
	var workers []*nxcore.NexusConn
	for range 3 {
		c := b.root()
		workers = append(workers, c)
		for range 4 {
			loops.Go(func() {
				for {
					task, err := c.TaskPull("sum", 0)
					if err != nil {
						return // the connection was closed
					}
					p := ei.N(task.Params)
					_, _ = task.SendResult(p.M("a").IntZ() + p.M("b").IntZ()) // the pusher misses it otherwise
				}
			})
		}
	}
	var pushers sync.WaitGroup
	for i := range 3 {
		c := b.root()
		for j := range 4 {
			pushers.Go(func() {
				for k := range 5 {
					sum, err := c.TaskPush("sum.up", ei.M{"a": i * 100, "b": j*10 + k}, patience)
					if want := float64(i*100 + j*10 + k); err != nil || sum != want {
						t.Errorf("%v %v, expected %v", sum, err, want)
					}
				}
			})
		}
	}
	pushers.Wait()
	for _, c := range workers {
		c.Close()
	}
	loops.Wait()
}
