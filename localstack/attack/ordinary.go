package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"nexus/pkg/client"

	"golang.org/x/sync/errgroup"
)

// emptyPaths is finding 8: every path that was ever used slows task.list. It looks for as long as the bus may take to forget them.
func emptyPaths(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	var side errgroup.Group
	side.SetLimit(1000)
	n := t.of(6000)
	for i := range n {
		side.Go(func() error {
			err := root.Call(ctx, "task.pull", object{"prefix": fmt.Sprintf("empty.p%d", i), "timeout": 0.2}, nil)
			if !client.IsCode(err, client.CodeTimeout) {
				return fmt.Errorf("task.pull: %w", err)
			}
			return nil
		})
	}
	if err := side.Wait(); err != nil {
		return got{}, err
	}
	first, err := listTime(ctx, root)
	if err != nil {
		return got{}, err
	}
	took := first
	began := time.Now()
	for took > mostListing && time.Since(began) < t.lasting(100*time.Second) {
		time.Sleep(t.lasting(3 * time.Second))
		if took, err = listTime(ctx, root); err != nil {
			return got{}, err
		}
	}
	return got{value: float64(took.Microseconds()) / 1000, note: fmt.Sprintf("%v at first, so after %v", first.Round(time.Millisecond), time.Since(began).Round(time.Second))}, nil
}

// mostListing is how long a listing of nothing may take.
const mostListing = 50 * time.Millisecond

// listTime is the middle of five times that task.list takes.
func listTime(ctx context.Context, root *client.Client) (time.Duration, error) {
	var took []time.Duration
	for range 5 {
		began := time.Now()
		if err := root.Call(ctx, "task.list", nil, nil); err != nil {
			return 0, fmt.Errorf("task.list: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// hooks is issue 10's second: how many times as long tasks take while one session is subscribed to something that could be a hook.
func hooks(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	worker, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer worker.Close()
	go serve(ctx, worker, "work")
	quiet, err := t.tasks(ctx, root)
	if err != nil {
		return got{}, err
	}
	var pipe struct{ PipeID string }
	if err := root.Call(ctx, "pipe.create", nil, &pipe); err != nil {
		return got{}, err
	}
	for _, topic := range []string{"hook.github", "*"} {
		if err := root.Call(ctx, "topic.sub", object{"pipeid": pipe.PipeID, "topic": topic}, nil); err != nil {
			return got{}, fmt.Errorf("topic.sub: %w", err)
		}
	}
	time.Sleep(t.lasting(6 * time.Second)) // an environment looks every 5 s whether anybody listens
	loud, err := t.tasks(ctx, root)
	if err != nil {
		return got{}, err
	}
	return got{value: loud.Seconds() / quiet.Seconds(), note: fmt.Sprintf("%v, and %v without", loud.Round(10*time.Microsecond), quiet.Round(10*time.Microsecond))}, nil
}

// serve answers the tasks of a path until ctx or the connection ends.
func serve(ctx context.Context, worker *client.Client, prefix string) {
	for {
		task, err := worker.Pull(ctx, prefix, 0)
		if err != nil || worker.Result(ctx, task.ID, 1) != nil {
			return
		}
	}
}

// tasks is the middle of the times that tasks take, one after the other for two seconds.
func (t *target) tasks(ctx context.Context, pusher *client.Client) (time.Duration, error) {
	var took []time.Duration
	for end := time.Now().Add(t.lasting(2 * time.Second)); len(took) == 0 || time.Now().Before(end); {
		began := time.Now()
		if err := pusher.Push(ctx, "work.now", nil, nil, nil); err != nil {
			return 0, fmt.Errorf("task.push: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// fleet is issue 10's twelfth: how many workers one task ends, whose result each sends in a frame that API Gateway does not take.
func fleet(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	var ended atomic.Int64
	const workers = 5
	for range workers {
		s, err := t.open(ctx)
		if err != nil {
			return got{}, err
		}
		defer s.CloseNow()
		if _, err := s.call(ctx, "login", "sys.login", object{"user": t.user, "pass": t.pass}); err != nil {
			return got{}, err
		}
		go func() {
			a, err := s.call(ctx, "pull", "task.pull", object{"prefix": "large"})
			if err != nil || a.Error != nil {
				return
			}
			ended.Add(1)
			// In one frame, as a library without a thought does.
			_ = s.Write(ctx, 1, request("r", "task.result", object{"taskid": field(a.Result, "taskid"), "result": strings.Repeat("x", 40<<10)}))
			_, _, _ = s.Read(ctx) // until it is closed
		}()
	}
	time.Sleep(300 * time.Millisecond) // for the pulls; one that comes later finds the task
	pushing, stop := context.WithTimeout(ctx, t.lasting(15*time.Second))
	defer stop()
	err = root.Call(pushing, "task.push", object{"method": "large.result", "params": nil, "ttl": workers}, nil)
	told := "nothing"
	if !errors.Is(err, context.DeadlineExceeded) {
		told = fmt.Sprint(err)
	}
	return got{value: float64(ended.Load()), note: fmt.Sprintf("of %d; the pusher was told: %s", workers, told)}, nil
}

// sentAndClosed is issue 10's thirteenth: how many detached pushes were not carried out whose connection closed right after them.
func sentAndClosed(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	m, err := t.make(ctx, root, tags{"late": {"@task.push": true}})
	if err != nil {
		return got{}, err
	}
	if err := root.Call(ctx, "user.setMaxSessions", object{"user": m.user, "maxsessions": 0}, nil); err != nil {
		return got{}, err
	}
	n := t.of(200)
	for range n {
		s, err := t.open(ctx)
		if err != nil {
			return got{}, err
		}
		if _, err := s.call(ctx, "login", "sys.login", object{"user": m.user, "pass": m.pass}); err != nil {
			return got{}, err
		}
		if err := s.send(ctx, request("p", "task.push", object{"method": "late.work", "params": nil, "detached": true})); err != nil {
			return got{}, err
		}
		_ = s.CloseNow()
	}
	count := 0
	for end := time.Now().Add(3 * time.Second); count < n && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if count, err = stored(ctx, root, "late"); err != nil {
			return got{}, err
		}
	}
	return got{value: float64(n - count), note: fmt.Sprintf("of %d", n)}, nil
}
