package task

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/store"
)

// A write whose outcome is unknown although it was repeated may be there, or be under way still and arrive when its handler is long over. A
// caller that was told -32603 would then be answered a second time, by what finds the write. So such a write is settled: it is there, or it
// can happen no more. So is a pull's claim that was repeated and lost, for the attempt before may come when the task waits again.

// unsure settles the write of a request to an item that exists, and returns what its caller is to make of err: recorded if the write is there,
// and also where even that cannot be told; else err as it is, which is answered -32603. All that a client's request writes to an item is
// conditional on notRefused.
func (t *Tasks) unsure(ctx context.Context, k key, request string, err error) error {
	if err == nil || call.IsRecorded(err) || store.Refused(err) {
		return err
	}
	if there, failed := t.refuse(ctx, k, request); failed == nil && !there {
		return err
	}
	return call.Recorded(err)
}

// refuse sees to it that a request writes to an item no more, unless it has: there tells that.
func (t *Tasks) refuse(ctx context.Context, k key, request string) (there bool, err error) {
	// Key: the item. Condition: it is there, and nothing on it tells of the request. Effect: the request can write to it no more. A loser finds
	// the write there, or the item gone, where it cannot happen either.
	_, err = t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: k.item(), Update: "ADD #refused :refused",
		If: "attribute_exists(#id) AND NOT (#push = :mine OR #pull = :mine OR #claim = :mine OR #ret = :mine OR #fin = :mine OR " +
			"attribute_exists(#debts.#mine))",
		Values: store.Item{":refused": store.Set(request), ":mine": store.S(request)}, Names: map[string]string{"#mine": request}})
	if old, lost := store.Lost(err); lost {
		return old != nil, nil
	}
	return false, err
}

// notRefused is the condition that unsure has not settled a request, by the name of the value that holds it.
func notRefused(request string) string { return " AND NOT contains(#refused, " + request + ")" }

// unmade is unsure for the put of a new item: it takes the item's place.
func (t *Tasks) unmade(ctx context.Context, k key, err error) error {
	if err == nil || store.Refused(err) {
		return err
	}
	now := t.Now()
	// Key: the new item's. Condition: there is nothing. Effect: an item that is over and that nobody asks for stands where the other would be
	// put, until repair deletes it. A loser finds the new item, or, by the kind, that it was itself.
	_, failed := t.DB.Do(ctx, store.Write{Table: store.Tasks, If: "attribute_not_exists(#id)",
		Item: store.Item{"part": store.S(k[0]), "id": store.S(k[1]), "kind": store.S(kindNone), "state": store.S(done), "at": store.Millis(now),
			"posted": store.Bool(true), store.AttrExpires: store.N(expiry(now))}})
	if old, lost := store.Lost(failed); failed == nil || lost && old.Str("kind") == kindNone {
		return err
	}
	return call.Recorded(err)
}
