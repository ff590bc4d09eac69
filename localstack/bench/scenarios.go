package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
)

// work is what one pair does again and again. once does it a single time; helper, unless nil, runs beside it until its context ends; end, unless nil,
// removes what is left.
type work struct {
	once, helper, end func(ctx context.Context) error
}

// scenario is what is measured under a name.
type scenario struct {
	name    string
	prepare preparation
}

// preparation prepares pair number i for its work.
type preparation func(ctx context.Context, s *site, i int, p pair) (work, error)

// scenarios returns all that pairs do, in the order in which it is measured.
func scenarios() []scenario {
	own := func(s *site, i int) string { return s.prefix + ".own" + strconv.Itoa(i) }
	shared := func(s *site, _ int) string { return s.prefix + ".shared" }
	return []scenario{{"pings", pings}, {"tasks, a prefix each", tasks(own)}, {"tasks, one prefix", tasks(shared)}, {"pipe messages", pipes},
		{"lock pairs", locks(own)}, {"logins", logins}}
}

func pings(_ context.Context, _ *site, _ int, p pair) (work, error) {
	return work{once: p.pusher.Ping}, nil
}

func tasks(prefix func(s *site, i int) string) preparation {
	return func(_ context.Context, s *site, i int, p pair) (work, error) {
		path := prefix(s, i)
		once := func(ctx context.Context) error { return p.pusher.Push(ctx, path+".add", [2]int{1, i}, nil, nil) }
		helper := func(ctx context.Context) error {
			for {
				task, err := p.worker.Pull(ctx, path, 0)
				if err != nil {
					return err
				}
				if err := p.worker.Result(ctx, task.ID, i); err != nil {
					return err
				}
			}
		}
		return work{once: once, helper: helper}, nil
	}
}

func pipes(ctx context.Context, _ *site, _ int, p pair) (work, error) {
	in, err := createPipe(ctx, p.worker)
	if err != nil {
		return work{}, err
	}
	arrived := make(chan struct{}, 1) // there is never a second message under way
	once := func(ctx context.Context) error {
		if err := p.pusher.Call(ctx, "pipe.write", message{in.ID, 1}, nil); err != nil {
			return err
		}
		select {
		case <-arrived:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	helper := func(ctx context.Context) error {
		for {
			messages, err := in.read(ctx)
			if err != nil {
				return err
			}
			for range messages {
				arrived <- struct{}{}
			}
		}
	}
	return work{once, helper, in.close}, nil
}

func locks(name func(s *site, i int) string) preparation {
	return func(_ context.Context, s *site, i int, p pair) (work, error) {
		lock := struct {
			Lock string `json:"lock"`
		}{name(s, i)}
		return work{once: func(ctx context.Context) error {
			if err := p.pusher.Call(ctx, "sync.lock", lock, &granted{}); err != nil {
				return err
			}
			return p.pusher.Call(ctx, "sync.unlock", lock, &granted{})
		}}, nil
	}
}

// granted is the answer of a lock call. The stage v0 says {"ok":false} where v1 has an error.
type granted struct{}

// UnmarshalJSON fails where the lock was not granted, or not given back.
func (*granted) UnmarshalJSON(text []byte) error {
	var answer struct{ OK bool }
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	if !answer.OK {
		return errors.New("lock not owned")
	}
	return nil
}

func logins(_ context.Context, s *site, _ int, p pair) (work, error) {
	return work{once: func(ctx context.Context) error {
		c, err := s.dial(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Login(ctx, p.user, p.pass)
		return err
	}}, nil
}
