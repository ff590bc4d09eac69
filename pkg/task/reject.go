package task

import (
	"context"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Named is what task.reject takes: the task.
type Named struct{ Taskid string }

// ReadReject reads task.reject's params.
func ReadReject(p *jsonrpc.Params) Named { return Named{p.String("taskid")} }

// errMoved says that an item was no longer what was read.
var errMoved = errors.New("the item has moved")

// Reject carries out task.reject: a task that is worked on returns to its queue, a ttl poorer.
func (t *Tasks) Reject(ctx context.Context, c *call.Call, p Named) (jsonrpc.Outcome, error) {
	k, ok := parseTaskid(p.Taskid)
	if !ok {
		return "", invalid(p.Taskid)
	}
	i, err := t.DB.Get(ctx, store.Tasks, k.item())
	if err != nil {
		return "", err
	}
	e := decode(i)
	if e.kind != kindTask || e.state != working || !e.deadline.After(t.Now()) {
		return "", invalid(p.Taskid)
	}
	if e.internal() && e.worker != c.Connid { // as onlyHolder has it: the write goes by the attempt that was read, which has one worker
		return "", invalid(p.Taskid)
	}
	how := homeward{action: actionReject, request: c.Request, debts: map[string]debt{}, end: end{by: c}}
	if c.ID != nil {
		how.debts[c.Request] = debt{connid: c.Connid, id: c.ID, answer: jsonrpc.OK}
	}
	rows, err := t.Rows.Exist(ctx, e.mark)
	if err != nil {
		return "", err
	}
	if !rows[e.mark] {
		// Its hand-over is under way, or died. Whichever it was, the pull must not be forgotten.
		how.debts[e.claimOrPush()] = debt{connid: e.worker, id: e.workerID, mark: e.mark,
			answer: jsonrpc.Failure(jsonrpc.Err(jsonrpc.Timeout, ""))}
	}
	back, err := t.giveBack(ctx, e, how)
	switch {
	case errors.Is(err, errMoved):
		return "", invalid(p.Taskid)
	case err != nil || !back:
		return "", err
	}
	errs := together(
		func() error {
			err := t.post(ctx, c.Connid, c.ID, jsonrpc.OK)
			if err != nil && !isGone(err) {
				return err // repair pays the debt
			}
			paid := t.pay(ctx, e.key, c.Request)
			if isGone(err) {
				return errors.Join(paid, t.Sessions.End(ctx, c.Connid, false))
			}
			return paid
		},
		func() error { return t.settleTask(ctx, e.path(), nil) })
	return "", call.Recorded(errors.Join(errs...))
}

// claimOrPush is the request that bound a task to its worker.
func (e *item) claimOrPush() string {
	if e.mark.Row == e.pusherRow {
		return e.push
	}
	return e.claim
}

// pay takes a debt off an item.
func (t *Tasks) pay(ctx context.Context, k key, name string) error {
	// Key: the item. Condition: it owes that. Effect: it does not. A loser finds it paid.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: k.item(), Update: "REMOVE #debts.#debt", If: "attribute_exists(#debts.#debt)",
		Names: map[string]string{"#debt": name}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}
