package client

import (
	"context"
	"encoding/json"
	"time"
)

// PushOptions are a push's; the zero value of each is the bus's default.
type PushOptions struct {
	Prio     int           // higher first; 0
	TTL      int           // how many pulls at most; 5
	Timeout  time.Duration // until an end must have come; ten days
	Detached bool          // nobody waits for the end: Push returns once the task is stored
}

// Push pushes a task and waits for its end: its result is decoded into result, unless that is nil; a worker's error, and the bus's (CodeTimeout,
// CodeCancel, CodeTTLExpired), is an *Error. opts may be nil. When ctx ends the task is cancelled, but for a detached one.
func (c *Client) Push(ctx context.Context, method string, params, result any, opts *PushOptions) error {
	b, err := appendJSON([]byte(`{"method":`), method)
	if err != nil {
		return err
	}
	if b, err = appendJSON(append(b, `,"params":`...), params); err != nil {
		return err
	}
	if opts == nil {
		opts = &PushOptions{}
	}
	more, err := json.Marshal(struct {
		Prio     int     `json:"prio,omitempty"`
		TTL      int     `json:"ttl,omitempty"`
		Timeout  float64 `json:"timeout,omitempty"`
		Detached bool    `json:"detached,omitempty"`
	}{opts.Prio, opts.TTL, opts.Timeout.Seconds(), opts.Detached})
	if err != nil {
		return err
	}
	if more = more[1:]; len(more) > 1 {
		b = append(b, ',')
	}
	message := json.RawMessage(append(b, more...))
	if opts.Detached {
		return c.Call(ctx, "task.push", message, nil)
	}
	return c.callLater(ctx, "task.push", message, result, nil)
}

// Task is a task that was pulled.
type Task struct {
	ID           string                     `json:"taskid"`
	Path         string                     `json:"path"` // with its dot: a.b. for the method a.b.c
	Method       string                     `json:"method"`
	Params       json.RawMessage            `json:"params"`
	Tags         map[string]json.RawMessage `json:"tags"` // the pusher's in force on the method
	Prio         int                        `json:"prio"`
	Detach       bool                       `json:"detach"`
	User         string                     `json:"user"` // the pusher
	TTL          int                        `json:"ttl"`
	CreationTime time.Time                  `json:"creationTime"`
	DeadLine     time.Time                  `json:"deadLine"`
}

// Pull waits for a task of the path prefix, for timeout if that is positive and for ten days else; an *Error with CodeTimeout says that none came.
// The task is the caller's, who ends it with Result, Error or Reject. When ctx ends the pull is cancelled; a task that was on its way is
// returned nevertheless, or, if the bus cannot be reached for seconds and the task comes after all, rejected.
func (c *Client) Pull(ctx context.Context, prefix string, timeout time.Duration) (*Task, error) {
	params := struct {
		Prefix  string  `json:"prefix"`
		Timeout float64 `json:"timeout,omitempty"`
	}{prefix, max(timeout, 0).Seconds()}
	task := &Task{}
	if err := c.callLater(ctx, "task.pull", params, task, c.giveBack); err != nil {
		return nil, err
	}
	return task, nil
}

// giveBack rejects a task that came for a pull which was given up.
func (c *Client) giveBack(a answer) {
	task := &Task{}
	if a.decode(task) != nil || task.ID == "" {
		return
	}
	go func() { // reading goes on meanwhile
		ctx, stop := context.WithTimeout(context.Background(), cancelFor)
		defer stop()
		_ = c.Notify(ctx, "task.reject", taskID{task.ID}) // if it cannot be sent the session ends, which gives the task back too
	}()
}

type taskID struct {
	TaskID string `json:"taskid"`
}

// Result ends a task with what its pusher gets; nil is null.
func (c *Client) Result(ctx context.Context, taskid string, result any) error {
	b, err := appendJSON([]byte(`{"taskid":`), taskid)
	if err != nil {
		return err
	}
	if b, err = appendJSON(append(b, `,"result":`...), result); err != nil {
		return err
	}
	return c.Call(ctx, "task.result", json.RawMessage(append(b, '}')), nil)
}

// Error ends a task with an error for its pusher. Codes below 0 are the bus's own; data may be nil for none.
func (c *Client) Error(ctx context.Context, taskid string, code int, message string, data any) error {
	b, err := appendJSON([]byte(`{"taskid":`), taskid)
	if err != nil {
		return err
	}
	if b, err = appendJSON(append(b, `,"code":`...), code); err != nil {
		return err
	}
	if b, err = appendJSON(append(b, `,"message":`...), message); err != nil {
		return err
	}
	if data != nil {
		if b, err = appendJSON(append(b, `,"data":`...), data); err != nil {
			return err
		}
	}
	return c.Call(ctx, "task.error", json.RawMessage(append(b, '}')), nil)
}

// Reject gives a task back: it waits again with a ttl of one less.
func (c *Client) Reject(ctx context.Context, taskid string) error {
	return c.Call(ctx, "task.reject", taskID{taskid}, nil)
}

// Cancel ends a task, whoever pushed it, with CodeCancel for its pusher.
func (c *Client) Cancel(ctx context.Context, taskid string) error {
	return c.Call(ctx, "task.cancel", taskID{taskid}, nil)
}
