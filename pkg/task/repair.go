package task

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Changed reads back items that the table's stream told of, and repairs those on which nothing has moved for RepairAge. What is younger and not
// gone is looked at again then. What completed costs one read. An error says that nothing of the kind is sure: what became of one item is no error of all,
// an item whose repair failed, or for which there was no time, goes on by a message of its own.
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
	waits := make([]time.Duration, len(items))
	errs := t.Chores.Each(ctx, len(items), func(ctx context.Context, n int) (err error) {
		waits[n], err = t.inspect(ctx, items[n])
		return err
	})
	var later []timer.Later
	for n, err := range errs {
		e := items[n]
		switch {
		case errors.Is(err, chores.ErrTime):
		case err != nil:
			t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "repair", "task", e.taskid(), "error", err)
			waits[n] = t.RepairAge
		case waits[n] == 0:
			continue
		}
		later = append(later, timer.Later{After: waits[n], Wake: e.inspection()})
	}
	return t.Timer.All(ctx, later...)
}

// inspection is the message that has an item looked at again, as it is now.
func (e *item) inspection() timer.Wake {
	return timer.Wake{Kind: WakeInspect, Key: []string{e.key[0], e.key[1]}, Cursor: map[string]string{inspectedAt: e.version()}}
}

// inspectedAt is where a message of inspection has the item's version.
const inspectedAt = "at"

// version names an item as it is since it moved last.
func (e *item) version() string { return strconv.FormatInt(e.at.UnixMilli(), 10) }

// inspectAgain reads back an item for which a message came. One that has moved since, and is too young, has another message for that, or will have, by the
// record of its move in the stream: would each message go on, there were one more after each attempt at a repair that fails.
func (t *Tasks) inspectAgain(ctx context.Context, k key, version string) error {
	i, err := t.DB.Get(ctx, store.Tasks, k.item())
	if err != nil || i == nil {
		return err
	}
	e := decode(i)
	wait, err := t.inspect(ctx, e)
	if err != nil || wait == 0 || version != e.version() {
		return err
	}
	return t.Timer.After(ctx, wait, e.inspection())
}

// inspect acts on the item as it was just read: its age is tested on the same read that shows its state. It returns after how long it is to be looked at
// again, 0 if it is not. That an answer could not be delivered is no error: what was written before it was posted has a record of its own in the stream, by
// which the item is looked at again.
func (t *Tasks) inspect(ctx context.Context, e *item) (wait time.Duration, err error) {
	defer func() {
		if deliver.OnlyUndelivered(err) {
			err = nil
		}
	}()
	now := t.Now()
	if e.open() && !e.deadline.After(now) {
		if err := t.expire(ctx, e.key, e.kind); err != nil && !deliver.OnlyUndelivered(err) || e.kind != kindTask {
			return 0, err
		}
		i, err := t.DB.Get(ctx, store.Tasks, e.item()) // its hand-over, or a detached push's ok, may be owed, and old enough
		if e = decode(i); err != nil || i == nil || e.open() {
			return 0, err
		}
	}
	if age := now.Sub(e.still()); age < t.RepairAge {
		wait := t.RepairAge - age
		if e.open() {
			wait = min(wait, e.deadline.Sub(now))
		}
		return wait, nil
	}
	if e.state == done {
		return 0, t.repairDone(ctx, e)
	}
	return 0, t.repairOpen(ctx, e)
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
	// What one connection is owed and does not take keeps no other from what it is owed, nor the item from its deadline.
	failed := []error{t.arm(ctx, e), t.payDebts(ctx, e)}
	if !acknowledged {
		err := t.acknowledge(ctx, e)
		if deliver.OnlyUndelivered(err) {
			err = t.oweOK(ctx, e)
		}
		// The same row may mark the hand-over, which is looked at below.
		if err == nil && e.mark != pusherRow {
			err = t.Rows.Put(ctx, t.pusherRowOf(e))
		}
		acknowledged = err == nil
		failed = append(failed, err)
	}
	if !handed && (acknowledged || e.mark != pusherRow) {
		failed = append(failed, t.Post.Overdue(ctx, e.worker, t.handOver(ctx, e)))
	}
	switch {
	case e.state != waiting:
	case e.kind == kindPull:
		failed = append(failed, t.settlePull(ctx, e))
	default:
		failed = append(failed, t.settleTask(ctx, e.path(), nil))
	}
	return errors.Join(failed...)
}

// acknowledge answers a detached push late.
func (t *Tasks) acknowledge(ctx context.Context, e *item) error {
	err := t.post(ctx, e.pusher, e.pusherID, jsonrpc.OK)
	if isGone(err) {
		return nil
	}
	return t.Post.Overdue(ctx, e.pusher, err)
}

// openRows puts the open rows that are missing of an item, the worker's and the pusher's, and then reads both sessions: one that ends later
// finds the rows.
func (t *Tasks) openRows(ctx context.Context, e *item, pusher string, pusherRow call.Key) (alive map[string]bool, there map[call.Key]bool, err error) {
	var rows []call.Row
	add := func(connid string, id json.RawMessage) {
		rows = append(rows, call.Row{Key: call.Key{Connid: connid, Row: call.Open(e.key, id)}, Kind: Kind, Item: e.key, ID: id})
	}
	switch {
	case e.worker == "", e.worker == pusher: // the one row, which the push's id finds
	case e.kind == kindPull:
		add(e.worker, e.workerID)
	default:
		add(e.worker, nil)
	}
	if pusher != "" {
		add(pusher, e.pusherID)
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
	// What one connection is owed and does not take keeps no other from what it is owed.
	failed := []error{t.payDebts(ctx, e)}
	if !e.posted {
		failed = append(failed, t.postLate(ctx, e))
	}
	if !acknowledged {
		err := t.owe(ctx, e.pusher, e.pusherID, jsonrpc.OK)
		failed = append(failed, err)
		if deliver.OnlyUndelivered(err) {
			err = t.oweOK(ctx, e)
			failed = append(failed, err)
		}
		if err == nil && e.mark != pusherRow && errors.Join(failed...) != nil {
			failed = append(failed, t.Rows.Put(ctx, t.pusherRowOf(e))) // not again, when the rest is
		}
	}
	if !handed {
		answer, err := t.pulled(ctx, e)
		if err == nil {
			err = t.owe(ctx, e.worker, e.workerID, answer)
		}
		if failed = append(failed, err); err == nil && errors.Join(failed...) != nil {
			failed = append(failed, t.Rows.Put(ctx, t.markRow(e))) // not again, when the rest is
		}
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return t.clear(ctx, e, false)
}

// postLate posts the outcome of an item that is over, and ok to who ended it.
func (t *Tasks) postLate(ctx context.Context, e *item) error {
	outcome, err := t.outcomeOf(ctx, e)
	if err == nil {
		outcome, err = t.told(ctx, e, outcome)
	}
	if err != nil {
		return err
	}
	connid, id := e.answers()
	toCaller, toFinisher := t.owe(ctx, connid, id, outcome), t.owe(ctx, e.finisher.Connid, e.finisherID, jsonrpc.OK)
	return errors.Join(toCaller, toFinisher, t.halfPosted(ctx, e, toCaller == nil, toFinisher == nil))
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
		return t.Sessions.End(ctx, connid, false)
	}
	return t.Post.Overdue(ctx, connid, err)
}

// oweOK notes that the pusher of a detached task is owed its ok, which it did not take: the row that says so besides may mark a hand-over as well.
func (t *Tasks) oweOK(ctx context.Context, e *item) error {
	d := debt{connid: e.pusher, id: e.pusherID, answer: jsonrpc.OK}
	// Key: the item. Condition: it is there. Effect: it owes the ok. A loser finds it gone, and with it all that it owed.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: e.item(), Update: "SET #debts.#debt = :debt", If: "attribute_exists(#id)",
		Values: store.Item{":debt": store.M(d.attribute())}, Names: map[string]string{"#debt": "ok " + e.push}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}

// halfPosted notes which of the two answers that the end of an item brings was posted, if the other could not be: it is not to come again with that.
func (t *Tasks) halfPosted(ctx context.Context, e *item, toCaller, toFinisher bool) error {
	w := store.Write{Table: store.Tasks, Key: e.item(), If: "#state = :done", Values: store.Item{":done": store.S(done)}}
	switch {
	case toCaller == toFinisher || e.finisherID == nil:
		return nil
	case toCaller:
		d := debt{connid: e.finisher.Connid, id: e.finisherID, answer: jsonrpc.OK}
		w.Update, w.Names = "SET #posted = :true, #debts.#debt = :debt", map[string]string{"#debt": e.fin}
		w.Values[":true"], w.Values[":debt"] = store.Bool(true), store.M(d.attribute())
	default:
		w.Update = "REMOVE #fc, #fi"
	}
	// Key: the item. Condition: it is over. Effect: it owes only the answer that could not be delivered. A loser finds it gone.
	_, err := t.DB.Do(ctx, w)
	if _, lost := store.Lost(err); lost {
		return nil
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
