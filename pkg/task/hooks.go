package task

import (
	"context"
	"encoding/json"
	"strconv"

	"nexus/pkg/jsonrpc"
)

// Hooks is what this family asks of hooks.
type Hooks interface {
	// Happened notes what happened to a task of a method that a user pushed: it may be published once the call is done, and msg is called then. What happened
	// to one id is published in order. It neither fails nor takes time.
	Happened(ctx context.Context, method, user, id string, msg func() json.RawMessage)
}

// The actions of events. The id is that of the task, and empty for one of the bus' own (PushThen). Each is noted where the write that it is about is known to
// have happened, by whose write that was.
const (
	// actionPush: id, connid, user, tags (all of the pusher's session, by prefix, as in Nexus), path, method, params, detach, ttl, prio, creationTime,
	// timeout (in seconds).
	actionPush = "push"
	// actionPull: id, connid and user of the worker, ttl, timestamp. The worker may not have got it.
	actionPull = "pull"
	// actionFinish stands for result (id, result, timestamp) or error (id, code, message, data, timestamp), as the outcome is.
	actionFinish = "finish"
	// The others: id, timestamp. A return that spends the ttl is told of before actionTTLExpired.
	actionReject           = "reject"
	actionCancel           = "cancel"
	actionTimeout          = "timeout"
	actionTTLExpired       = "ttlExpired"
	actionPusherDisconnect = "pusherDisconnect"
	actionPullerDisconnect = "pullerDisconnect"
)

// note notes an event of a task. tell makes its message.
func (t *Tasks) note(ctx context.Context, e *item, tell func(*jsonrpc.Object)) {
	t.Hooks.Happened(ctx, Push{Path: e.path(), Method: e.method}.Subject(), e.user, e.taskid(), func() json.RawMessage {
		var o jsonrpc.Object
		tell(&o)
		return o.JSON()
	})
}

// notePush notes that a task was pushed, which is now the item of a key.
func (t *Tasks) notePush(ctx context.Context, k key, n *task) {
	e := &item{key: k, kind: kindTask, method: n.method, user: n.user, pusher: n.pusher, then: n.then}
	t.note(ctx, e, func(o *jsonrpc.Object) {
		params := n.params
		if e.internal() {
			params = nil // a password may be in them
		}
		timeout := strconv.FormatFloat(n.deadline.Sub(n.created).Seconds(), 'f', -1, 64)
		o.String("action", actionPush).String("id", e.shownID()).String("connid", n.pusher).String("user", n.user).Raw("tags", n.all.JSON()).
			String("path", n.path).String("method", n.method).Raw("params", params).Bool("detach", n.detached).Int("ttl", n.ttl).Int("prio", n.prio).
			Time("creationTime", n.created).Raw("timeout", json.RawMessage(timeout))
	})
}

// notePull notes that a task was given to a pull, that of a connection and its user.
func (t *Tasks) notePull(ctx context.Context, e *item, connid, user string) {
	at := t.Now()
	t.note(ctx, e, func(o *jsonrpc.Object) {
		o.String("action", actionPull).String("id", e.shownID()).String("connid", connid).String("user", user).Int("ttl", e.ttl).Time("timestamp", at)
	})
}

// noteEnd notes how an item ended, if it is a task: by an action, and maybe one that led to it.
func (t *Tasks) noteEnd(ctx context.Context, e *item, how end) {
	for _, action := range how.actions {
		switch {
		case e.kind != kindTask:
		case action == actionFinish:
			t.noteFinish(ctx, e, how.outcome)
		default:
			t.noteMove(ctx, e, action)
		}
	}
}

// noteFinish notes that a task was given its outcome. What the worker of a login method hands to who logs in, in its result or an error's data, is between
// the two.
func (t *Tasks) noteFinish(ctx context.Context, e *item, outcome jsonrpc.Outcome) {
	at := t.Now()
	t.note(ctx, e, func(o *jsonrpc.Object) {
		result, failure, err := outcome.Read()
		if e.internal() {
			result = nil
			if failure != nil {
				failure.Data = nil
			}
		}
		switch {
		case err != nil: // it was written by jsonrpc
			t.Log.Error("hooks: read an outcome", "task", e.taskid(), "error", err)
			o.String("action", actionFinish).String("id", e.shownID())
		case failure != nil:
			o.String("action", "error").String("id", e.shownID()).Int("code", int64(failure.Code)).String("message", failure.Message).Raw("data", failure.Data)
		default:
			o.String("action", "result").String("id", e.shownID()).Raw("result", result)
		}
		o.Time("timestamp", at)
	})
}

// noteMove notes that a task returned or ended by an action that has nothing to tell.
func (t *Tasks) noteMove(ctx context.Context, e *item, action string) {
	at := t.Now()
	t.note(ctx, e, func(o *jsonrpc.Object) { o.String("action", action).String("id", e.shownID()).Time("timestamp", at) })
}
