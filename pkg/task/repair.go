package task

import (
	"context"
	"errors"
	"strings"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Changed reads back items that the table's stream told of, and repairs those on which nothing has moved for RepairAge. What is younger and not
// gone is looked at again then. What completed costs one read.
func (t *Tasks) Changed(ctx context.Context, keys [][2]string) error {
	ks := make([]key, 0, len(keys))
	for _, k := range keys {
		if !strings.HasPrefix(k[0], "@") { // which partitions of another kind begin with, and no path
			ks = append(ks, k)
		}
	}
	items, err := t.read(ctx, ks)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range items {
		if err := t.inspect(ctx, e); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// inspect acts on the item as it was just read: its age is tested on the same read that shows its state.
func (t *Tasks) inspect(ctx context.Context, e *item) error {
	now := t.Now()
	if e.open() && !e.deadline.After(now) {
		if err := t.expire(ctx, e.key, e.kind); err != nil || e.kind != kindTask {
			return err
		}
		return t.Changed(ctx, [][2]string{e.key}) // its hand-over, or a detached push's ok, may be owed, and old enough
	}
	if age := now.Sub(e.still()); age < t.RepairAge {
		wait := t.RepairAge - age
		if e.open() {
			wait = min(wait, e.deadline.Sub(now))
		}
		return t.Timer.After(ctx, wait, timer.Wake{Kind: WakeInspect, Key: []string{e.key[0], e.key[1]}})
	}
	if e.state == done {
		return t.repairDone(ctx, e)
	}
	return t.repairOpen(ctx, e)
}

// still is since when nothing has moved on an item that a live handler may be about to do. One that is over and posted is only kept for its
// hand-over, or for its maker: that its end moved it does not make the pull, or a detached push, wait anew.
func (e *item) still() time.Time {
	switch {
	case e.kind != kindTask || e.state != done || !e.posted || len(e.debts) > 0 || e.seized:
		return e.at
	case e.worked.IsZero():
		return e.created
	}
	return e.worked
}

// repairOpen makes good what a handler that died left undone of an item that waits or works.
func (t *Tasks) repairOpen(ctx context.Context, e *item) error {
	pusher := e.pusher
	if e.detached {
		pusher = ""
	}
	pusherRow := call.Key{Connid: e.pusher, Row: e.pusherRow}
	alive, there, err := t.openRows(ctx, e, pusher, pusherRow)
	if err != nil {
		return err
	}
	acknowledged := e.kind != kindTask || !e.detached || there[pusherRow]
	switch {
	case e.kind == kindPull && !alive[e.worker]:
		return t.withdraw(ctx, e)
	case pusher != "" && !alive[pusher]:
		return t.drop(ctx, e)
	case e.state == working && !alive[e.worker]:
		if !acknowledged { // first: once it is back in its queue, it is left alone for RepairAge
			if seized, err := t.seize(ctx, e); err != nil || !seized {
				return err
			}
			if err := t.acknowledge(ctx, e); err != nil {
				return err
			}
			if err := t.Rows.Put(ctx, t.pusherRowOf(e)); err != nil {
				return err
			}
		}
		return t.lose(ctx, e)
	}
	handed := e.state != working || there[e.mark]
	if len(e.debts) > 0 || !acknowledged || !handed {
		if seized, err := t.seize(ctx, e); err != nil || !seized {
			return err
		}
	}
	if err := t.payDebts(ctx, e); err != nil {
		return err
	}
	if !acknowledged {
		if err := t.acknowledge(ctx, e); err != nil {
			return err
		}
		// The same row may mark the hand-over, which is looked at below.
		if e.mark != pusherRow {
			if err := t.Rows.Put(ctx, t.pusherRowOf(e)); err != nil {
				return err
			}
		}
	}
	if !handed {
		if err := t.handOver(ctx, e); err != nil {
			return err
		}
	}
	if err := t.arm(ctx, e); err != nil || e.state != waiting {
		return err
	}
	if e.kind == kindPull {
		return t.settlePull(ctx, e)
	}
	return t.settleTask(ctx, e.path(), nil)
}

// acknowledge answers a detached push late.
func (t *Tasks) acknowledge(ctx context.Context, e *item) error {
	if err := t.post(ctx, e.pusher, e.pusherID, jsonrpc.OK); err != nil && !isGone(err) {
		return err
	}
	return nil
}

// openRows puts the open rows that are missing of an item, the worker's and the pusher's, and then reads both sessions: one that ends later
// finds the rows.
func (t *Tasks) openRows(ctx context.Context, e *item, pusher string, pusherRow call.Key) (alive map[string]bool, there map[call.Key]bool, err error) {
	var rows []call.Row
	open := call.Open(e.key)
	if e.worker != "" {
		row := call.Row{Key: call.Key{Connid: e.worker, Row: open}, Kind: Kind, Item: e.key}
		if e.kind == kindPull {
			row.ID = e.workerID
		}
		rows = append(rows, row)
	}
	if pusher != "" && pusher != e.worker {
		rows = append(rows, call.Row{Key: call.Key{Connid: pusher, Row: open}, Kind: Kind, Item: e.key, ID: e.pusherID})
	} else if pusher != "" {
		rows[0].ID = e.pusherID
	}
	keys := []call.Key{e.mark, pusherRow}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	if there, err = t.Rows.Exist(ctx, keys...); err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		if there[row.Key] {
			continue
		}
		if err := t.Rows.Put(ctx, row); err != nil {
			return nil, nil, err
		}
	}
	alive, err = t.Sessions.Live(ctx, e.worker, pusher)
	return alive, there, err
}

// repairDone posts what an item that is over still owes, and deletes it.
func (t *Tasks) repairDone(ctx context.Context, e *item) error {
	pusherRow := call.Key{Connid: e.pusher, Row: e.pusherRow}
	there, err := t.Rows.Exist(ctx, e.mark, pusherRow)
	if err != nil {
		return err
	}
	handed := e.kind != kindTask || e.mark.Row == "" || there[e.mark]
	acknowledged := e.kind != kindTask || !e.detached || there[pusherRow]
	if !handed || !acknowledged || len(e.debts) > 0 || !e.posted {
		if seized, err := t.seize(ctx, e); err != nil || !seized {
			return err
		}
	}
	if !handed {
		answer, err := t.pulled(ctx, e)
		if err != nil {
			return err
		}
		if err := t.owe(ctx, e.worker, e.workerID, answer); err != nil {
			return err
		}
	}
	if !acknowledged {
		if err := t.owe(ctx, e.pusher, e.pusherID, jsonrpc.OK); err != nil {
			return err
		}
	}
	if err := t.payDebts(ctx, e); err != nil {
		return err
	}
	if !e.posted {
		outcome, err := t.outcomeOf(ctx, e)
		if err == nil {
			outcome, err = t.told(ctx, e, outcome)
		}
		if err != nil {
			return err
		}
		connid, id := e.answers()
		if err := errors.Join(t.owe(ctx, connid, id, outcome), t.owe(ctx, e.finisher.Connid, e.finisherID, jsonrpc.OK)); err != nil {
			return err
		}
	}
	return t.clear(ctx, e, false)
}

// seize takes an item for this repair, before it posts: the queue and the stream may give one item to two handlers at a time. It tells whether it
// did.
func (t *Tasks) seize(ctx context.Context, e *item) (bool, error) {
	// Key: the item. Condition: nothing has moved since it was read. Effect: it moved just now, so that no other repair acts on it for
	// RepairAge, well within which this handler ends. A loser finds that another took it, or, its response lost, leaves it to the next one.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: e.item(), Update: "SET #at = :now, #seized = :true",
		If:     "#state = :state AND #at = :at",
		Values: store.Item{":now": store.Millis(t.Now()), ":true": store.Bool(true), ":state": store.S(e.state), ":at": store.Millis(e.at)}})
	if _, lost := store.Lost(err); lost {
		return false, nil
	}
	return err == nil, err
}

// owe posts an answer late. A connection that is gone is owed nothing, and its session ends.
func (t *Tasks) owe(ctx context.Context, connid string, id []byte, o jsonrpc.Outcome) error {
	err := t.post(ctx, connid, id, o)
	if isGone(err) {
		return t.Sessions.End(ctx, connid, true)
	}
	return err
}

// payDebts posts the answers that an item owes, unless they turn out to have been posted.
func (t *Tasks) payDebts(ctx context.Context, e *item) error {
	var failed []error
	for _, name := range sortedNames(e.debts) {
		d := e.debts[name]
		if d.mark.Row != "" {
			there, err := t.Rows.Exist(ctx, d.mark)
			if err != nil {
				return err
			}
			if there[d.mark] {
				d.connid = ""
			}
		}
		err := t.owe(ctx, d.connid, d.id, d.answer)
		if err == nil {
			err = t.pay(ctx, e.key, name)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// arm starts the chain of timers that goes to a deadline, once. Beyond what a connection lasts there is nobody to be told: a task whose pusher
// is gone is dropped, and a detached one's deadline is a condition on every claim.
func (t *Tasks) arm(ctx context.Context, e *item) error {
	left := e.deadline.Sub(t.Now())
	if e.armed || e.detached || left > connectionLife {
		return nil
	}
	if err := t.Timer.After(ctx, left, timer.Wake{Kind: WakeDeadline, Key: []string{e.key[0], e.key[1], e.kind}}); err != nil {
		return err
	}
	// Key: the item. Condition: it is open, of the same kind, and not armed. Effect: it is. The message went first: a death between the two
	// makes two chains, which is harmless, and never none. A loser finds it moved on; the message will find the same.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: e.item(), Update: "SET #armed = :true",
		If:     "#kind = :kind AND #state IN (:waiting, :working) AND attribute_not_exists(#armed)",
		Values: store.Item{":true": store.Bool(true), ":kind": store.S(e.kind), ":waiting": store.S(waiting), ":working": store.S(working)}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}

// connectionLife is how long API Gateway keeps a connection.
const connectionLife = 2 * time.Hour
