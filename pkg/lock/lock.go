package lock

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Kept is how long a lock that nobody holds is kept, so that its fences go on from where they were.
const Kept = 24 * time.Hour

// Sessions is what locks need of sessions.
type Sessions interface {
	// Live tells which of some connections have a live session.
	Live(ctx context.Context, connids ...string) (map[string]bool, error)
	// End ends the session of a connection that is known to be closed, or not.
	End(ctx context.Context, connid string, closed bool) error
}

// Locks carries out the calls of this family.
type Locks struct {
	DB       *store.DB
	Post     *deliver.Poster
	Sessions Sessions
	Log      *slog.Logger
	Now      func() time.Time
}

// Named is what sync.lock and sync.unlock take.
type Named struct{ Lock string }

// ReadNamed reads the params of sync.lock and sync.unlock.
func ReadNamed(p *jsonrpc.Params) Named {
	name, err := access.Lock(p.String("lock"))
	p.Check("lock", err)
	return Named{name}
}

// Subject is the name that permission is needed on: the lock.
func (n Named) Subject() string { return n.Lock }

// errNotOwned refuses a lock that is held, or that is not the caller's to unlock.
var errNotOwned error = jsonrpc.Err(jsonrpc.LockNotOwned, "")

func key(name string) store.Item { return store.Item{"lock": store.S(name)} }

// A lock that others get in the way of is tried so often: each attempt that loses is another's grant or unlock.
const attempts = 8

// Lock carries out sync.lock. -32006 if a live session holds the lock, be it the caller's.
func (l *Locks) Lock(ctx context.Context, c *call.Call, p Named) (jsonrpc.Outcome, error) {
	var gone store.Item // the lock as held by a session that is gone
	for range attempts {
		fence, met, err := l.take(ctx, c, p.Lock, gone)
		switch {
		case err != nil:
			return "", err
		case met == nil:
			return granted(fence), nil
		case met.Str("owner") == c.Connid:
			return "", errNotOwned
		case met.Str("owner") == "":
			gone = nil
			continue
		}
		free, err := l.holderGone(ctx, c, p.Lock, met)
		if err != nil {
			return "", err
		}
		if !free {
			return "", errNotOwned
		}
		gone = met
	}
	return "", fmt.Errorf("lock %s: %w", p.Lock, errBusy)
}

func granted(fence int64) jsonrpc.Outcome {
	return jsonrpc.Outcome(`"result":{"ok":true,"fence":` + strconv.FormatInt(fence, 10) + `}`)
}

// take grants a lock that nobody holds or, if gone is not nil, that a session which is gone holds still. It returns the fence, or what the write
// met that lost: never nil then.
func (l *Locks) take(ctx context.Context, c *call.Call, name string, gone store.Item) (fence int64, met store.Item, err error) {
	now := l.Now()
	w := store.Write{Table: store.Locks, Key: key(name),
		Update: "SET #fence = if_not_exists(#fence, :now) + :one, #owner = :me, #by = :request, #exp = :exp",
		Values: store.Item{":now": store.Millis(now), ":one": store.N(1), ":me": store.S(c.Connid), ":request": store.S(c.Request),
			// It must not go while it is held: a connection does not last as long as its rows.
			":exp": store.N(now.Add(call.Life + Kept).Unix())}}
	if gone == nil {
		// Key: the lock. Condition: nobody holds it. Effect: the session holds it, by the next fence. A loser finds who holds it.
		w.If = "attribute_not_exists(#owner)"
	} else {
		// Key: the lock. Condition: the very grant whose holder is gone, for others may have found out too. Effect: as above. A loser finds
		// who was first, or that nobody holds it.
		w.If = "#owner = :gone AND #fence = :fence"
		w.Values[":gone"], w.Values[":fence"] = gone["owner"], gone["fence"]
	}
	// Both: no later attempt of anybody has made this one void (send).
	item, met, err := l.send(ctx, w, func(i store.Item) bool { return i.Str("by") == c.Request }, func(store.Item) bool { return false })
	return item.Int("fence"), met, err
}

// Unlock carries out sync.unlock. -32006 if the caller's session does not hold the lock; another error if that cannot be known.
func (l *Locks) Unlock(ctx context.Context, c *call.Call, p Named) (jsonrpc.Outcome, error) {
	// Key: the lock. Condition: the session holds it, and no later attempt has made this one void (send). Effect: nobody holds it. A loser finds
	// the lock in other hands or in none; in these it may have been itself too, if a response was lost and another has unlocked the lock since.
	_, met, err := l.send(ctx, store.Write{Table: store.Locks, Key: key(p.Lock), Update: "SET #freed = :request, #exp = :exp REMOVE #owner",
		If: "#owner = :me",
		Values: store.Item{":me": store.S(c.Connid), ":request": store.S(c.Request),
			":exp": store.N(l.Now().Add(Kept).Unix())}},
		func(i store.Item) bool { return i.Str("freed") == c.Request }, func(i store.Item) bool { return i.Has("freed") })
	switch {
	case err != nil:
		return "", fmt.Errorf("unlock %s: %w", p.Lock, err)
	case met != nil:
		return "", errNotOwned
	}
	return jsonrpc.OK, nil
}
