package task

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// claim is the write that gives a waiting task to a pull.
//
// Key: the task. Condition: it is a task that waits, its deadline ahead. Effect: it works in its next attempt, bound to the pull's session and
// out of the queue; the row that will mark its hand-over is named, not written. A loser finds the task taken, over or expired, or, by
// the request id, that it was itself.
func claim(k key, worker string, workerID json.RawMessage, request string, mark call.Key, now time.Time) store.Write {
	return store.Write{Table: store.Tasks, Key: k.item(),
		Update: "SET #state = :working, #at = :now, #worked = :now, #wc = :wc, #wi = :wi, #claim = :request, #mc = :mc, #mr = :mr, #att = #att + :one REMOVE #queue",
		If:     "#kind = :task AND #state = :waiting AND #dl > :now" + notRefused(":request"),
		Values: store.Item{":working": store.S(working), ":now": store.Millis(now), ":wc": store.S(worker), ":wi": store.S(string(workerID)),
			":request": store.S(request), ":mc": store.S(mark.Connid), ":mr": store.S(mark.Row), ":one": store.N(1), ":task": store.S(kindTask),
			":waiting": store.S(waiting)}}
}

// handOver posts a task to the worker that it is bound to and marks that it did. A worker that is gone gives the task back, unspent, before
// its session ends, so that the end does not take it for a return.
func (t *Tasks) handOver(ctx context.Context, e *item) error {
	answer, err := t.pulled(ctx, e)
	if err != nil {
		return err
	}
	err = t.post(ctx, e.worker, e.workerID, answer)
	if errors.Is(err, deliver.ErrGone) {
		return t.refused(ctx, e, func() error {
			if e.mark.Row != e.pusherRow {
				return nil
			}
			return t.Rows.Put(ctx, t.markRow(e)) // which also says that a detached push was answered
		})
	}
	if err != nil {
		return err // not marked: repair posts it again
	}
	return t.Rows.Put(ctx, t.markRow(e))
}

// markRow is the row that marks a hand-over: it belongs to the worker, but where a push converted a waiting pull, which has a row already;
// then it belongs to the pusher.
func (t *Tasks) markRow(e *item) call.Row {
	if e.mark.Row == e.pusherRow {
		return t.pusherRowOf(e)
	}
	return call.Row{Key: e.mark, Kind: Kind, Item: e.key, ID: e.workerID}
}

// refused gives a task back whose worker turned out to be gone, does what may be done only then, ends the worker's session and finds the task
// another worker.
func (t *Tasks) refused(ctx context.Context, e *item, then func() error) error {
	back, err := t.giveBack(ctx, e, homeward{action: actionPullerDisconnect, unspent: true})
	if err == nil || errors.Is(err, errMoved) {
		err = errors.Join(err, then())
	}
	err = errors.Join(err, t.Sessions.End(ctx, e.worker, false))
	if back {
		err = errors.Join(err, t.settleTask(ctx, e.path(), nil))
	}
	return err
}

// pulled is the outcome of a pull that gets a task.
func (t *Tasks) pulled(ctx context.Context, e *item) (jsonrpc.Outcome, error) {
	params, tags, err := t.bodyOf(ctx, e)
	if err != nil {
		return "", err
	}
	var o jsonrpc.Object
	o.String("taskid", e.taskid()).String("path", e.path()).String("method", e.method).Raw("params", params).Raw("tags", tags).
		Int("prio", e.prio).Bool("detach", e.detached).String("user", e.user).Int("ttl", e.ttl).Time("creationTime", e.created).
		Time("deadLine", e.deadline)
	return jsonrpc.Success(o.JSON()), nil
}

// bodyOf returns a task's params and tags, from where they are.
func (t *Tasks) bodyOf(ctx context.Context, e *item) (params, tags json.RawMessage, err error) {
	if e.body == "" {
		return e.params, e.tags, nil
	}
	i, err := t.DB.Get(ctx, store.Bodies, store.Item{"id": store.S(e.body)})
	if err != nil {
		return nil, nil, err
	}
	if i == nil {
		return nil, nil, errors.New("the body of task " + e.taskid() + " is missing")
	}
	return raw(i, "params"), raw(i, "tags"), nil
}

// putBody writes a row for what is too long for its item. Nobody deletes it: TimeToLive costs nothing, a deletion a write unit per KB.
func (t *Tasks) putBody(ctx context.Context, deadline time.Time, content store.Item) (id string, err error) {
	id = t.NewID()
	content["id"], content[store.AttrExpires] = store.S(id), store.N(expiry(deadline))
	// Key: a new id. No condition: nobody else knows it, and a repeated put changes nothing.
	_, err = t.DB.Do(ctx, store.Write{Table: store.Bodies, Item: content})
	return id, err
}

// together runs independent steps side by side, the last in the caller's goroutine, and returns the error of each. A panic is an error here: in a
// goroutine of its own it would end the process.
func together(steps ...func() error) []error {
	errs := make([]error, len(steps))
	var others sync.WaitGroup
	last := len(steps) - 1
	for n, step := range steps[:last] {
		others.Go(func() { errs[n] = chores.Caught(step) })
	}
	errs[last] = chores.Caught(steps[last])
	others.Wait()
	return errs
}
