package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/client"
)

// vouch is finding 1: who sees the task of a login by a method, or its id, finishes it and is whoever he likes. Each way has a second connection that
// waits for its login, and a user who has one right that looks harmless.
func vouch(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	var worked []string
	for i, way := range []struct {
		name string
		may  tags
		// find returns the id of the task, empty if it is not found. It is called before the login.
		find  func(ctx context.Context, method string, c *client.Client) string
		pause time.Duration // before the login
	}{
		{"by @task.list on .", tags{".": {"@task.list": true}}, listed, 0},
		{"by @topic.sub on .", tags{".": {"@topic.sub": true}}, heard, 6 * time.Second}, // an environment looks every 5 s whether anybody listens
		{"by @task.pull on .", tags{".": {"@task.pull": true}}, pulled, 0},
		{"by @task.pull on sys", tags{"sys": {"@task.pull": true}}, pulled, 0},
		{"by @task.pull on another method", tags{"sys.login.other": {"@task.pull": true}}, pulled, 0},
	} {
		c, _, err := t.as(ctx, root, way.may)
		if err != nil {
			return got{}, err
		}
		became, err := vouched(ctx, t, c, "evil"+strconv.Itoa(i), t.lasting(way.pause), way.find)
		_ = c.Close()
		if err != nil {
			return got{}, err
		}
		if became {
			worked = append(worked, way.name)
		}
	}
	became, err := told(ctx, t, root)
	if err != nil {
		return got{}, err
	}
	if became {
		worked = append(worked, "by the id alone")
	}
	return got{value: float64(len(worked)), note: strings.Join(worked, ", ")}, nil
}

// vouched reports whether a connection became root by a login that c answered.
func vouched(ctx context.Context, t *target, c *client.Client, method string, pause time.Duration, find func(context.Context, string, *client.Client) string) (bool, error) {
	second, err := t.dial(ctx, stranger)
	if err != nil {
		return false, err
	}
	defer second.Close()
	ctx, stop := context.WithTimeout(ctx, pause+3*time.Second)
	defer stop()
	ids := make(chan string, 1)
	go func() { ids <- find(ctx, method, c) }()
	time.Sleep(pause + 200*time.Millisecond) // a pull should be there before
	answered := make(chan bool, 1)
	go func() { answered <- loginBy(ctx, second, method) == "root" }()
	if id := <-ids; id != "" {
		_ = c.Result(ctx, id, object{"user": "root"}) // refused or not: what counts is who the other is
	}
	return <-answered, nil
}

// loginBy logs in by a method, and returns as whom.
func loginBy(ctx context.Context, c *client.Client, method string) string {
	var session struct{ User string }
	_ = c.Call(ctx, "sys.login", object{"method": method, "user": "x"}, &session) // an error leaves it empty
	return session.User
}

// listed looks for the task in task.list.
func listed(ctx context.Context, method string, c *client.Client) string {
	for ctx.Err() == nil {
		var tasks []struct{ ID, Path, Method string }
		if c.Call(ctx, "task.list", object{"prefix": "", "limit": 1000}, &tasks) != nil {
			return ""
		}
		for _, task := range tasks {
			if strings.HasPrefix(task.Path, "sys.login."+method) && task.Method != "" && task.ID != "" {
				return task.ID
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ""
}

// heard waits for the hook of its push.
func heard(ctx context.Context, method string, c *client.Client) string {
	var pipe struct{ PipeID string }
	if c.Call(ctx, "pipe.create", nil, &pipe) != nil {
		return ""
	}
	for _, topic := range []string{"hook.*", "*", "hook.task.*"} {
		_ = c.Call(ctx, "topic.sub", object{"pipeid": pipe.PipeID, "topic": topic}, nil)
	}
	for ctx.Err() == nil {
		var read struct {
			Msgs []struct {
				Msg struct{ Msg json.RawMessage }
			}
		}
		if c.Call(ctx, "pipe.read", object{"pipeid": pipe.PipeID, "timeout": 1}, &read) != nil {
			return ""
		}
		for _, m := range read.Msgs {
			var hook struct{ ID, TaskID, Path string }
			if json.Unmarshal(m.Msg.Msg, &hook) == nil && strings.HasPrefix(hook.Path, "sys.login.") && hook.ID+hook.TaskID != "" {
				return hook.ID + hook.TaskID
			}
		}
	}
	return ""
}

// pulled is handed the task.
func pulled(ctx context.Context, method string, c *client.Client) string {
	var task struct{ TaskID string }
	_ = c.Call(ctx, "task.pull", object{"prefix": "sys.login." + method, "timeout": 2}, &task) // an error is no task
	return task.TaskID
}

// told reports whether somebody without any right became root by the id of a task that its rightful worker was handed.
func told(ctx context.Context, t *target, root *client.Client) (bool, error) {
	thief, _, err := t.as(ctx, root, nil)
	if err != nil {
		return false, err
	}
	defer thief.Close()
	// The worker is root, who may serve any method, and the id is shouted across the room.
	return vouched(ctx, t, thief, "honest", 0, func(ctx context.Context, method string, _ *client.Client) string { return pulled(ctx, method, root) })
}

// unserved is finding 1's other half: logins by a method that nobody serves store nothing.
func unserved(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	s, err := t.open(ctx)
	if err != nil {
		return got{}, err
	}
	defer s.CloseNow()
	const logins = 50
	for range logins {
		if err := s.send(ctx, request("x", "sys.login", object{"method": "nobodys"})); err != nil {
			break // closed: that is a way to store nothing
		}
	}
	time.Sleep(time.Second)
	n, err := stored(ctx, root, "sys.login.nobodys")
	return got{value: float64(n)}, err
}

// stored counts the tasks below a prefix.
func stored(ctx context.Context, root *client.Client, prefix string) (int, error) {
	var tasks []struct{ Method string }
	if err := root.Call(ctx, "task.list", object{"prefix": prefix, "limit": 1000}, &tasks); err != nil {
		return 0, err
	}
	n := 0
	for _, task := range tasks {
		if task.Method != "" {
			n++
		}
	}
	return n, nil
}
