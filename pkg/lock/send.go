package lock

import (
	"context"
	"errors"
	"time"

	"nexus/pkg/store"
)

// tries is how often a write is sent whose response is lost.
const tries = 3

// errOverwritten says that a write may have been carried out and its trace been overwritten since, so that neither answer is known to be true.
var errOverwritten = errors.New("a response was lost, and others have written to the lock since")

// send carries out the write of a grant or an unlock, once whatever becomes of its attempts, and returns the lock after it, or what it met that lost: never
// nil then. mine recognises the lock as this write left it, and others tells whether a lock may have been left so by it and been overwritten.
//
// What such a write is conditional on comes again, since one session may be granted a lock, free it and be granted it anew: an attempt that was held up
// on its way could free a later grant, or bring a grant that nobody knows of. So it is sent with one attempt at a time, and before the next one whoever
// lost the response writes into the lock that attempts sent until then count no more (blind). That costs nothing where no response is lost. Times
// are those of the senders' clocks; who is refused because its own is behind goes by the time that it met.
func (l *Locks) send(ctx context.Context, w store.Write, mine, others func(store.Item) bool) (item, met store.Item, err error) {
	w.Once = true
	w.If += " AND (attribute_not_exists(#blind) OR #blind < :sent)"
	sent, lost := l.Now(), 0
	for range attempts {
		w.Values[":sent"] = store.Millis(sent)
		item, err = l.DB.Do(ctx, w)
		old, failed := store.Lost(err)
		switch {
		case err == nil:
			return item, nil, nil
		case failed && old == nil: // TimeToLive took it meanwhile, or nobody ever had it
			return nil, store.Item{}, nil
		case failed && old.Has("blind") && !old.Time("blind").Before(sent.Truncate(time.Millisecond)):
			sent = old.Time("blind").Add(time.Millisecond)
			continue
		case failed && lost > 0 && others(old):
			return nil, nil, errOverwritten
		case failed:
			return nil, old, nil
		}
		now, unknown := l.blind(ctx, w.Key, sent)
		switch lost++; {
		case unknown != nil || lost == tries && !mine(now):
			return nil, nil, errors.Join(err, unknown)
		case mine(now):
			return now, nil, nil
		}
		sent = now.Time("blind").Add(time.Millisecond)
	}
	return nil, nil, errors.Join(errBusy, err)
}

// errBusy is for a lock that others always were first at.
var errBusy = errors.New("others were first at each attempt")

// blind sees to it that no attempt which was sent until a time counts any more, and returns the lock after that.
func (l *Locks) blind(ctx context.Context, key store.Item, sent time.Time) (store.Item, error) {
	// Key: the lock. Condition: none that was sent later is refused yet. Effect: all that were sent until then are; a lock that is not there begins so,
	// held by nobody. A loser finds that they are refused already.
	item, err := l.DB.Do(ctx, store.Write{Table: store.Locks, Key: key, Update: "SET #blind = :sent, #exp = :exp",
		If:     "attribute_not_exists(#blind) OR #blind < :sent",
		Values: store.Item{":sent": store.Millis(sent), ":exp": store.N(l.Now().Add(Kept).Unix())}})
	if old, lost := store.Lost(err); lost {
		return old, nil
	}
	return item, err
}
