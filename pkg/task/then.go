package task

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Internal is the user of tasks that the bus pushes itself. No user has its name.
const Internal = "@internal"

// PushThen pushes a task for a call that another family answers from its outcome: then is what that family wants to be told again (Then), never
// empty. The task is bound to the caller's connection as one that it pushed, but pushed by Internal, who has @admin on everything. Nobody is
// shown its params, nor its id, and only the session that it was handed to ends it while it works. -32010 if nobody serves the path, and -32012 if
// too many wait there: then nothing is written.
func (t *Tasks) PushThen(ctx context.Context, c *call.Call, path, method string, params json.RawMessage, timeout time.Duration, then string) (jsonrpc.Outcome, error) {
	if len(params) > MaxBody {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "params: "+tooLong)
	}
	if err := t.admit(ctx, path); err != nil {
		return "", err
	}
	now := t.Now()
	all := access.Tags{".": {"@admin": json.RawMessage("true")}}
	return t.push(ctx, &task{path: path, method: method, user: Internal, params: params, all: all, tags: access.TagSetJSON(all.InForce(path)), ttl: DefaultTTL,
		created: now, deadline: now.Add(timeout), pusher: c.Connid, pusherID: c.ID, pusherRow: call.Fresh(now, t.NewID(), c.ID), push: c.Request,
		order: loginOrder(now, t.NewID()), then: then})
}

// told is what the pusher of a task that is done is told of its outcome. Where another family answers, it does now what the outcome brings, and
// its answer takes the outcome's place, so that a repeated post has the same bytes.
func (t *Tasks) told(ctx context.Context, i *item, o jsonrpc.Outcome) (jsonrpc.Outcome, error) {
	if i.then == "" || o == "" {
		return o, nil
	}
	answer, err := t.Sessions.Then(ctx, i.pusher, i.push, i.then, o)
	if err != nil {
		return "", err
	}
	set, vals := "SET #out = :out REMOVE #then, #outb", store.Item{":done": store.S(done), ":out": store.S(string(answer))}
	if len(answer) > inline {
		body, err := t.putBody(ctx, t.Now(), store.Item{"out": vals[":out"]})
		if err != nil {
			return "", err
		}
		set, vals[":out"] = "SET #outb = :out REMOVE #then, #out", store.S(body)
	}
	// Key: the task. Condition: it is done, and still to be carried out. Effect: its outcome is the answer. A loser finds that another handler
	// did it, whose answer counts, or that it did itself.
	_, err = t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: i.item(), Update: set, If: "#state = :done AND attribute_exists(#then)", Values: vals})
	old, lost := store.Lost(err)
	switch {
	case !lost:
		return answer, err
	case old == nil:
		return "", errors.New("task " + i.taskid() + " was deleted before its outcome was told")
	}
	return t.outcomeOf(ctx, decode(old))
}
