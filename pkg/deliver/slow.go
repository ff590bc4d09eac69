package deliver

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// ErrUndelivered is about a message that API Gateway did not take: it refused it, since the client does not read or a rate is exceeded, or it did not
// answer, or it was not even asked, since just now it took nothing for that connection.
var ErrUndelivered = errors.New("undelivered")

// undelivered is an ErrUndelivered.
type undelivered struct {
	cause error
	first bool // of those in turn that the connection did not take
}

func (e *undelivered) Error() string        { return "undelivered: " + e.cause.Error() }
func (e *undelivered) Unwrap() error        { return e.cause }
func (e *undelivered) Is(target error) bool { return target == ErrUndelivered }

// errSpared is the cause where API Gateway was not asked.
var errSpared = errors.New("the connection took nothing just now")

// OnlyUndelivered reports whether an error says no more than that messages were not delivered, be it several that were joined.
func OnlyUndelivered(err error) bool {
	if _, own := err.(*undelivered); own {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			if !OnlyUndelivered(part) {
				return false
			}
		}
		return true
	case interface{ Unwrap() error }:
		return OnlyUndelivered(e.Unwrap())
	}
	return false
}

// FirstUndelivered reports whether an error is about a message that was the first of those in turn which its connection did not take.
func FirstUndelivered(err error) bool {
	e, ok := errors.AsType[*undelivered](err)
	return ok && e.first
}

// Level returns how much an error matters to a log: a client that does not take its answers brings as many errors as it likes, and the bus says so once, when
// it ends the connection. otherwise is for an error that says more.
func Level(err error, otherwise slog.Level) slog.Level {
	switch {
	case !OnlyUndelivered(err):
		return otherwise
	case FirstUndelivered(err):
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

type hastyKey struct{}

// Hasty returns the context of work that is done for many connections at a time, as repair, timers and the fan-out do: a post under it has one attempt,
// which does not take longer than Limit, and none if the connection took nothing just now. So a connection that takes nothing holds up nobody else. What is not
// delivered is recorded, and repair posts it later.
func Hasty(ctx context.Context) context.Context { return context.WithValue(ctx, hastyKey{}, true) }

// IsHasty reports whether a context is that of Hasty, or of one made from it.
func IsHasty(ctx context.Context) bool {
	hasty, _ := ctx.Value(hastyKey{}).(bool)
	return hasty
}

const (
	// rest is how long a connection that took nothing is not tried by hasty posts.
	rest = time.Second
	// stuck is how long no post to a connection may have ended, while some are under way, for another hasty one to begin.
	stuck = 250 * time.Millisecond
	// lost is how long none may have ended until those under way do not count: they ended with their function, which nobody told.
	lost = 10 * time.Second
	// TooLong is how long a connection may take nothing until it counts as slow, if a few messages were for it.
	TooLong = 30 * time.Second
	few     = 3
	// TooMany is how many messages in turn a connection may not take until it counts as slow, and tooSoon how long it has at least.
	TooMany = 500
	tooSoon = 5 * time.Second
	// tellEvery is how often Slow is told of the same connection.
	tellEvery = 30 * time.Second
	// known is how many connections are remembered. Beyond it some are forgotten, which are met again.
	known = 10_000
)

// slow remembers which connections took nothing of late. It is safe for concurrent use.
type slow struct {
	now func() time.Time

	mu   sync.Mutex
	conn map[string]*taking
}

// taking is how a connection takes what is posted to it.
type taking struct {
	under int       // posts under way
	moved time.Time // when one of those ended, or the first of them began
	row   int       // messages in turn that it did not take
	full  bool      // the last of them was refused, by 429
	since time.Time // when the first of them was not taken
	last  time.Time // and the last; or when one was begun since
	told  time.Time // when Slow was
}

func newSlow(now func() time.Time) *slow { return &slow{now: now, conn: map[string]*taking{}} }

// spared reports whether a hasty post to a connection is not to be tried now.
func (s *slow) spared(connid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn[connid].resting(s.now())
}

func (c *taking) resting(now time.Time) bool {
	if c == nil {
		return false
	}
	still := now.Sub(c.moved)
	return c.row > 0 && now.Sub(c.last) < rest || c.under > 0 && still > stuck && still < lost
}

// begin returns how often a post may be tried, or false if it is not to be tried at all.
func (s *slow) begin(connid string, hasty bool) (attempts int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	c := s.conn[connid]
	if hasty && c.resting(now) {
		return 0, false
	}
	if c == nil {
		s.makeRoom()
		c = &taking{moved: now}
		s.conn[connid] = c
	}
	if now.Sub(c.moved) >= lost {
		c.under = 0
	}
	if c.under++; c.under == 1 {
		c.moved = now
	}
	if c.row > 0 {
		c.last = now // the next hasty one waits for what becomes of this
	}
	if hasty || c.row > 0 {
		return 1, true
	}
	return Throttled, true
}

// makeRoom forgets a connection if there are too many.
func (s *slow) makeRoom() {
	if len(s.conn) < known {
		return
	}
	for connid, c := range s.conn {
		if c.under == 0 {
			delete(s.conn, connid)
			return
		}
	}
}

// ended notes that a post is no longer under way, and returns what is known of its connection.
func (s *slow) ended(connid string) *taking {
	c := s.conn[connid]
	if c == nil {
		c = &taking{under: 1} // forgotten meanwhile
		s.conn[connid] = c
	}
	c.under = max(c.under-1, 0)
	c.moved = s.now()
	return c
}

// done notes that a connection took a message, or is gone.
func (s *slow) done(connid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ended(connid); c.under == 0 {
		delete(s.conn, connid)
	} else {
		c.row, c.told = 0, time.Time{}
	}
}

// forget forgets what is known of a connection.
func (s *slow) forget(connid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conn, connid)
}

// left notes that a post was given up by who made it.
func (s *slow) left(connid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.ended(connid); c.under == 0 && c.row == 0 {
		delete(s.conn, connid)
	}
}

// failed notes that a connection did not take a message; full says that it was refused. It returns how many in turn it did not, and whether Slow is to be told.
func (s *slow) failed(connid string, full bool) (row int, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, now := s.ended(connid), s.now()
	if c.last = now; c.row == 0 {
		c.since = now
	}
	c.row++
	c.full = full
	since := now.Sub(c.since)
	if since >= TooLong && c.row >= few || since >= tooSoon && c.row >= TooMany {
		return c.row, c.tell(now)
	}
	return c.row, false
}

// overdue notes that a connection did not take a message that has waited for too long.
func (s *slow) overdue(connid string) (row int, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn[connid]
	if c == nil || !c.full { // another post was taken meanwhile, or it was not for the client that this one was not
		return 0, false
	}
	return c.row, c.tell(s.now())
}

// tell reports whether Slow is to be told now.
func (c *taking) tell(now time.Time) bool {
	if !c.told.IsZero() && now.Sub(c.told) < tellEvery {
		return false
	}
	c.told = now
	return true
}
