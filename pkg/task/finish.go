package task

import (
	"context"
	"encoding/json"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

func isGone(err error) bool { return errors.Is(err, deliver.ErrGone) }

// posted reports whether a post is over with: the message arrived, or it never will.
func posted(err error) bool { return err == nil || isGone(err) }

// end is a way for an item to be over.
type end struct {
	outcome jsonrpc.Outcome // what the waiting call gets; empty if nobody is left to be told
	request string          // who ends it; how it knows its own write
	by      *call.Call      // whose call ends it and gets ok; nil for timers and clean-ups
	only    string          // condition on the item, besides that it is open
	values  store.Item      // the condition's values
	actions []string        // what hooks tell of it, if it is a task
}

// finish ends an item: it writes the outcome, posts it, and deletes the item. Of racing ends one wins; lost tells the others, with the item that
// they met (nil if there is none).
func (t *Tasks) finish(ctx context.Context, k key, e end) (lost bool, old store.Item, err error) {
	now := t.Now()
	vals := store.Item{":done": store.S(done), ":now": store.Millis(now), ":fin": store.S(e.request), ":waiting": store.S(waiting),
		":working": store.S(working)}
	update := "SET #state = :done, #at = :now, #fin = :fin"
	if e.outcome != "" {
		if len(e.outcome) > inline {
			body, err := t.putBody(ctx, now, store.Item{"out": store.S(string(e.outcome))})
			if err != nil {
				return false, nil, err
			}
			update += ", #outb = :out"
			vals[":out"] = store.S(body)
		} else {
			update += ", #out = :out"
			vals[":out"] = store.S(string(e.outcome))
		}
	}
	if e.by != nil && e.by.ID != nil {
		update += ", #fc = :fc, #fi = :fi"
		vals[":fc"], vals[":fi"] = store.S(e.by.Connid), store.S(string(e.by.ID))
	}
	for name, v := range e.values {
		vals[name] = v
	}
	// Key: the item. Condition: it is open, and what the caller adds (its kind, whose it is, its deadline). Effect: it is done, out of the
	// queue, and holds its outcome and who is to get an ok. What the claims wrote stays, so that a hand-over under way finds itself. A
	// loser finds it done by another, or, by the request id, by itself.
	i, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: k.item(), Update: update + " REMOVE #queue",
		If: "#state IN (:waiting, :working) AND " + e.only + notRefused(":fin"), Values: vals})
	if old, failed := store.Lost(err); failed {
		if old.Str("fin") != e.request {
			return true, old, nil
		}
		i, err = old, nil
	}
	if err != nil {
		return false, nil, t.unsure(ctx, k, e.request, err)
	}
	ended := decode(i)
	t.noteEnd(ctx, ended, e)
	return false, nil, call.Recorded(t.conclude(ctx, ended, e))
}

// conclude posts what the end of an item brings and deletes the item. If its maker or its hand-over may still be under way, or it owes answers, it
// stays, and repair deletes it once they had their time.
func (t *Tasks) conclude(ctx context.Context, i *item, e end) error {
	outcome, err := t.told(ctx, i, e.outcome)
	if err != nil {
		return err // repair asks again
	}
	connid, id := i.answers()
	var finisher string
	var finisherID json.RawMessage
	if e.by != nil {
		finisher, finisherID = e.by.Connid, e.by.ID
	}
	keep := len(i.debts) > 0
	errs := together(
		func() error { return t.post(ctx, connid, id, outcome) },
		func() error { return t.post(ctx, finisher, finisherID, jsonrpc.OK) },
		func() error {
			if keep {
				return nil
			}
			rows, err := t.Rows.Exist(ctx, i.maker, i.mark, i.acknowledgement())
			for _, there := range rows {
				keep = keep || !there
			}
			return err
		})
	for _, err := range errs {
		if err != nil && !isGone(err) { // repair posts again
			toCaller, toFinisher := posted(errs[0]), posted(errs[1])
			return errors.Join(t.gone(ctx, []string{connid, finisher}, errs[:2]), errs[2], t.halfPosted(ctx, i, toCaller, toFinisher))
		}
	}
	// The sessions first: were the handler to die between, an answer would count as posted whose caller, by a 410 that was wrong, is there and waits.
	if err := t.gone(ctx, []string{connid, finisher}, errs[:2]); err != nil {
		return err
	}
	return t.clear(ctx, i, keep)
}

// acknowledgement is the row that says that a detached push was answered, empty for all else. Mostly it is the maker's, or the mark; not where a push
// converted a pull whose worker turned out to be gone.
func (i *item) acknowledgement() call.Key {
	if i.kind != kindTask || !i.detached {
		return call.Key{}
	}
	return call.Key{Connid: i.pusher, Row: i.pusherRow}
}

// clear deletes an item that is done and posted, or notes that it is only kept for what it owes.
func (t *Tasks) clear(ctx context.Context, i *item, keep bool) error {
	w := store.Write{Table: store.Tasks, Key: i.item(), If: "#state = :done", Values: store.Item{":done": store.S(done)}}
	// Key: the item. Condition: it is done and, to be deleted, owes nothing, also nothing that was noted since it was read. Effect: it is gone, or its
	// outcome counts as posted. A loser finds it gone already, or that it owes something: then it is kept.
	if keep {
		w.Update, w.Values[":true"] = "SET #posted = :true", store.Bool(true)
	} else {
		w.If, w.Values[":none"] = w.If+" AND (attribute_not_exists(#debts) OR size(#debts) = :none)", store.N(0)
	}
	_, err := t.DB.Do(ctx, w)
	old, lost := store.Lost(err)
	switch {
	case !lost:
		return err
	case !keep && len(decode(old).debts) > 0:
		return t.clear(ctx, i, true)
	}
	return nil
}

// outcomeOf returns an item's outcome, from where it is.
func (t *Tasks) outcomeOf(ctx context.Context, i *item) (jsonrpc.Outcome, error) {
	if i.outcomeBody == "" {
		return i.outcome, nil
	}
	row, err := t.DB.Get(ctx, store.Bodies, store.Item{"id": store.S(i.outcomeBody)})
	if err == nil && row == nil {
		err = errors.New("the outcome of task " + i.taskid() + " is missing")
	}
	return jsonrpc.Outcome(row.Str("out")), err
}
