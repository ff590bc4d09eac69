package task

import (
	"context"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// homeward says how a task returns to its queue.
type homeward struct {
	action  string // what hooks tell of it
	lost    string // the session with which it was lost, if it was
	unspent bool   // the worker never saw it: no ttl is spent
	request string
	debts   map[string]debt
	end     end // how the task ends if its ttl is spent; the outcome and condition are set here
}

// giveBack returns a task that works to its queue, where it stands before what came later, or ends it if that spends its ttl. It tells whether
// the task waits now.
func (t *Tasks) giveBack(ctx context.Context, e *item, how homeward) (back bool, err error) {
	if how.request == "" {
		how.request = t.NewID()
	}
	ttl := e.ttl
	if !how.unspent {
		ttl--
	}
	if ttl < 1 {
		how.end.request, how.end.actions = how.request, []string{how.action, actionTTLExpired}
		how.end.outcome = jsonrpc.Failure(jsonrpc.Err(jsonrpc.TTLExpired, ""))
		how.end.only = "#kind = :task AND #state = :working AND #att = :att"
		how.end.values = store.Item{":task": store.S(kindTask), ":att": store.N(e.attempt)}
		lost, _, err := t.finish(ctx, e.key, how.end)
		if lost {
			return false, errMoved
		}
		return false, err
	}
	vals := store.Item{":waiting": store.S(waiting), ":working": store.S(working), ":task": store.S(kindTask), ":att": store.N(e.attempt),
		":qk": store.S(e.order), ":ttl": store.N(ttl), ":now": store.Millis(t.Now()), ":ret": store.S(how.request)}
	update := "SET #state = :waiting, #queue = :qk, #ttl = :ttl, #at = :now, #ret = :ret"
	if how.lost != "" {
		update, vals[":lost"] = update+", #lost = :lost", store.S(how.lost)
	}
	own := map[string]string{}
	n := 0
	for _, name := range sortedNames(how.debts) {
		n++
		p := "debt" + string(rune('0'+n))
		update += ", #debts.#" + p + " = :" + p
		own["#"+p] = name
		vals[":"+p] = store.M(how.debts[name].attribute())
	}
	// Key: the task. Condition: it works, in the attempt that was read. Effect: it waits where its priority and its push's time put it, with
	// its new ttl, nobody's; the answers that it owes are noted. A loser finds it over or in another attempt, or, by the request id or by
	// what is owed for it (if it was returned again since), that it was itself.
	mine := func(i *item) bool {
		_, owed := i.debts[how.request]
		return i.ret == how.request || owed
	}
	_, err = t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: e.item(), Update: update + " REMOVE #wc, #wi, #mc, #mr, #worked",
		If: "#kind = :task AND #state = :working AND #att = :att" + notRefused(":ret"), Values: vals, Names: own})
	if old, lost := store.Lost(err); lost {
		if !mine(decode(old)) {
			return false, errMoved
		}
		err = nil
	}
	if err == nil {
		t.noteMove(ctx, e, how.action)
		return true, nil
	}
	return false, t.unsure(ctx, e.key, how.request, err)
}
