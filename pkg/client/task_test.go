package client

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const pulled = `{"taskid":"t1","path":"a.","method":"m","params":[1],"tags":{"@admin":true},"prio":2,"detach":true,"user":"root","ttl":4,` +
	`"creationTime":"2026-11-23T20:00:00.123Z","deadLine":"2026-12-03T20:00:00.123Z"}`

func TestTasks(t *testing.T) {
	answer := func(r request) []string {
		switch r.Method {
		case "task.pull":
			return r.result(pulled)
		case "task.push":
			return r.result(`{"sum":3}`)
		case "sys.login":
			return r.result(`{"ok":true,"connid":"1a2b3c4dxyz","user":"bob","tags":{"a":{"b":1}},"metadata":null}`)
		}
		return r.result(`{"ok":true}`)
	}
	run(t, answer, Options{}, func(t *testing.T, b *bus, c *Client) {
		ctx := t.Context()
		session, err := c.Login(ctx, "Bob", "secret")
		if err != nil || session.ConnID != "1a2b3c4dxyz" || session.User != "bob" || string(session.Tags) != `{"a":{"b":1}}` {
			t.Errorf("%+v, %v", session, err)
		}
		var sum struct{ Sum int }
		if err := c.Push(ctx, "a.m", []int{1, 2}, &sum, nil); err != nil || sum.Sum != 3 {
			t.Errorf("%+v, %v", sum, err)
		}
		opts := &PushOptions{Prio: -1, TTL: 2, Timeout: 1500 * time.Millisecond, Detached: true}
		if err := c.Push(ctx, "a.m", nil, &sum, opts); err != nil {
			t.Error(err)
		}
		task, err := c.Pull(ctx, "a", 0)
		if err != nil || task.ID != "t1" || task.Path != "a." || task.Method != "m" || string(task.Params) != "[1]" || string(task.Tags["@admin"]) != "true" ||
			task.Prio != 2 || !task.Detach || task.User != "root" || task.TTL != 4 || task.DeadLine.Sub(task.CreationTime) != 240*time.Hour {
			t.Errorf("%+v, %v", task, err)
		}
		if _, err := c.Pull(ctx, "a", 2*time.Second); err != nil {
			t.Error(err)
		}
		for _, err := range []error{c.Result(ctx, "t1", nil), c.Result(ctx, "t1", json.RawMessage(`{ "a":1.0}`)), c.Error(ctx, "t1", 7, "<no>", []int{1}),
			c.Error(ctx, "t1", 0, "", nil), c.Reject(ctx, "t1"), c.Cancel(ctx, "t1"), c.Notify(ctx, "sys.ping", nil)} {
			if err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		want := []string{
			`{"jsonrpc":"2.0","id":1,"method":"sys.login","params":{"user":"Bob","pass":"secret"}}`,
			`{"jsonrpc":"2.0","id":2,"method":"task.push","params":{"method":"a.m","params":[1,2]}}`,
			`{"jsonrpc":"2.0","id":3,"method":"task.push","params":{"method":"a.m","params":null,"prio":-1,"ttl":2,"timeout":1.5,"detached":true}}`,
			`{"jsonrpc":"2.0","id":4,"method":"task.pull","params":{"prefix":"a"}}`,
			`{"jsonrpc":"2.0","id":5,"method":"task.pull","params":{"prefix":"a","timeout":2}}`,
			`{"jsonrpc":"2.0","id":6,"method":"task.result","params":{"taskid":"t1","result":null}}`,
			`{"jsonrpc":"2.0","id":7,"method":"task.result","params":{"taskid":"t1","result":{ "a":1.0}}}`,
			`{"jsonrpc":"2.0","id":8,"method":"task.error","params":{"taskid":"t1","code":7,"message":"<no>","data":[1]}}`,
			`{"jsonrpc":"2.0","id":9,"method":"task.error","params":{"taskid":"t1","code":0,"message":""}}`,
			`{"jsonrpc":"2.0","id":10,"method":"task.reject","params":{"taskid":"t1"}}`,
			`{"jsonrpc":"2.0","id":11,"method":"task.cancel","params":{"taskid":"t1"}}`,
			`{"jsonrpc":"2.0","method":"sys.ping"}`,
		}
		if len(b.asked) != len(want) {
			t.Fatalf("%d requests: %s", len(b.asked), b.methods())
		}
		for i, r := range b.asked {
			if r.text != want[i] {
				t.Errorf("sent %s\nexpected %s", r.text, want[i])
			}
		}
	})
}

// cancelled pulls with a context that ends after a second and returns what came of it.
func cancelled(t *testing.T, c *Client) (*Task, error) {
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	return c.Pull(ctx, "a", 0)
}

const cancelError = `{"code":-32001,"message":"Cancel"}`

func TestCancelledPull(t *testing.T) {
	cancels := 0
	answer := func(r request) []string {
		if r.Method != "task.cancel" {
			return nil
		}
		if string(r.Params) != `{"id":1}` || r.ID != nil {
			t.Errorf("sent %s", r.text)
		}
		if cancels++; cancels < 3 { // it overtook the pull
			return nil
		}
		return []string{`{"id":1,"error":` + cancelError + `}`}
	}
	run(t, answer, Options{}, func(t *testing.T, b *bus, c *Client) {
		if task, err := cancelled(t, c); task != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v, expected the context's error", task, err)
		}
		if b.methods() != "task.pull task.cancel task.cancel task.cancel" {
			t.Errorf("asked %s", b.methods())
		}
	})
}

// A task that was on its way when the context ended is not lost.
func TestCancelledPullWithATask(t *testing.T) {
	answer := func(r request) []string {
		if r.Method == "task.cancel" {
			return []string{`{"id":1,"result":` + pulled + `}`}
		}
		return nil
	}
	run(t, answer, Options{}, func(t *testing.T, b *bus, c *Client) {
		if task, err := cancelled(t, c); err != nil || task.ID != "t1" {
			t.Errorf("%v, %v, expected the task", task, err)
		}
	})
}

// Nor is one that comes when nobody believes in it any more.
func TestCancelledPullGivenUp(t *testing.T) {
	run(t, func(request) []string { return nil }, Options{KeepAlive: -1}, func(t *testing.T, b *bus, c *Client) {
		began := time.Now()
		if task, err := cancelled(t, c); task != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v, expected the context's error", task, err)
		}
		if d := time.Since(began); d != time.Second+cancelFor {
			t.Errorf("given up after %v", d)
		}
		b.send(`{"id":1,"result":` + pulled + `}`)
		synctest.Wait()
		if last := b.asked[len(b.asked)-1]; last.Method != "task.reject" || string(last.Params) != `{"taskid":"t1"}` {
			t.Errorf("sent %s, expected a rejection", last.text)
		}
		if len(c.late)+len(c.open) != 0 {
			t.Errorf("left open: %v, %v", c.open, c.late)
		}
	})
}

func TestCancelledPush(t *testing.T) {
	answer := func(r request) []string {
		if r.Method == "task.cancel" {
			return []string{`{"id":1,"error":` + cancelError + `}`}
		}
		return nil
	}
	run(t, answer, Options{}, func(t *testing.T, b *bus, c *Client) {
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if err := c.Push(ctx, "a.m", nil, nil, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, expected the context's error", err)
		}
	})
	// Somebody else's cancel is an answer.
	run(t, func(r request) []string { return r.error(cancelError) }, Options{}, func(t *testing.T, b *bus, c *Client) {
		if err := c.Push(t.Context(), "a.m", nil, nil, nil); !IsCode(err, CodeCancel) {
			t.Errorf("%v, expected -32001", err)
		}
	})
}
