package lock

import (
	"context"
	"errors"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// AskEvery is how often API Gateway is asked, at most, whether the connection of a lock's holder is still there. So late may others learn that a
// lock is free whose holder was lost and of whose end nobody has heard.
const AskEvery = 5 * time.Second

// holderGone tells whether a session that holds a lock is gone: ended, missing, or without a connection, in which case it is ended here.
func (l *Locks) holderGone(ctx context.Context, c *call.Call, name string, held store.Item) (bool, error) {
	var (
		owner = held.Str("owner")
		live  map[string]bool
		mine  bool // it is for this call to ask
		both  errgroup.Group
	)
	if l.Now().Sub(held.Time("asked")) >= AskEvery {
		both.Go(func() (err error) {
			mine, err = l.claimAsking(ctx, c, name, held)
			return err
		})
	}
	live, err := l.Sessions.Live(ctx, owner)
	if err := errors.Join(err, both.Wait()); err != nil {
		return false, err
	}
	if !live[owner] {
		return true, nil
	}
	if !mine {
		return false, nil
	}
	_, err = l.Post.LastActive(ctx, owner)
	if !errors.Is(err, deliver.ErrGone) {
		if err != nil { // a holder of whom nothing can be learned holds on
			l.Log.Warn("ask for a holder", "lock", name, "connid", owner, "error", err)
		}
		return false, nil
	}
	if err := l.Sessions.End(ctx, owner, false); err != nil { // gone it is all the same
		l.Log.Warn("end", "connid", owner, "error", err)
	}
	return true, nil
}

// claimAsking tells whether it is for this call to ask for the holder's connection.
func (l *Locks) claimAsking(ctx context.Context, c *call.Call, name string, held store.Item) (bool, error) {
	w := store.Write{Table: store.Locks, Key: key(name), Update: "SET #asked = :now, #asker = :request",
		Values: store.Item{":now": store.Millis(l.Now()), ":request": store.S(c.Request), ":owner": held["owner"], ":fence": held["fence"]}}
	// Key: the lock. Condition: the grant that was read, and nobody has asked since it was read. Effect: it counts as asked now. A loser leaves
	// the asking to who did, which may be itself, or finds the lock in other hands.
	w.If = "#owner = :owner AND #fence = :fence AND "
	if seen, ok := held["asked"]; ok {
		w.If += "#asked = :seen"
		w.Values[":seen"] = seen
	} else {
		w.If += "attribute_not_exists(#asked)"
	}
	_, err := l.DB.Do(ctx, w)
	if old, lost := store.Lost(err); lost {
		return old.Str("asker") == c.Request, nil
	}
	return err == nil, err
}
