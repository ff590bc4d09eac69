package session

import (
	"context"
	"errors"
	"strconv"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// WakeEnded is the kind of message that cleans up after a session.
const WakeEnded = "session.ended"

// A handler that began before the end may still write after the clean-up that follows the end at once; handlers end at 10 s.
var again = [...]time.Duration{5 * time.Second, 60 * time.Second}

// End ends a session: its state first, then its connection (unless that is known to be closed), then all it left behind. Whoever learns of
// an end calls it; it is done once.
//
// Only API Gateway's $disconnect says that the connection is closed. A post that meets 410 does not: it was seen for one that arrived, and a connection
// without a session is of no use to a client that does not know.
func (s *Sessions) End(ctx context.Context, connid string, closed bool) error {
	return s.end(ctx, connid, ending{closed: closed, until: s.Now()})
}

// Disconnected ends a session by its $disconnect, which API Gateway took at a time. tooBig says that it closed the connection for a frame or message that was
// too long (1009): then the tasks at work end with it, or each next worker would answer the same way, as often as the task's ttl allows.
func (s *Sessions) Disconnected(ctx context.Context, connid string, at time.Time, tooBig bool) error {
	return s.end(ctx, connid, ending{closed: true, until: at, tooBig: tooBig})
}

// ending is the end of a session.
type ending struct {
	closed bool // its connection is
	// until is until when API Gateway must have taken a call for it to be carried out still, if it makes sense without its caller; zero: none is.
	until  time.Time
	tooBig bool
}

func (s *Sessions) end(ctx context.Context, connid string, e ending) error {
	// The messages come first: a handler that dies behind this line is made good by them. Whoever finds a session ended needs none.
	if item, err := s.DB.Get(ctx, store.Sessions, key(connid)); err != nil {
		return err
	} else if item.Str("state") == ended {
		return s.lateTooBig(ctx, connid, item, e)
	}
	if err := s.Timer.All(ctx, cleanUps(ctx, connid, e.closed)...); err != nil {
		return err
	}
	if first, err := s.markEnded(ctx, connid, e); err != nil || !first {
		return err
	}
	return s.depart(ctx, connid, e)
}

// lateTooBig is for a $disconnect that says why, when somebody else learned of the end before: a post that met 410, or the watchdog. The session's tasks may
// wait again by then, or be at their next worker: they end too.
func (s *Sessions) lateTooBig(ctx context.Context, connid string, item store.Item, e ending) error {
	if !e.tooBig || item.Bool("big") {
		return nil
	}
	// Key: the session. Condition: it has ended, and nobody said so yet. Effect: it ended by what was too big; later clean-ups go by that too. A loser
	// finds that another did.
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), Update: "SET #big = :true",
		If: "#state = :ended AND attribute_not_exists(#big)", Values: store.Item{":true": store.Bool(true), ":ended": store.S(ended)}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	if err != nil {
		return err
	}
	return s.CleanUp(ctx, call.End{Connid: connid, TooBig: true}, call.Cursor{})
}

// cleanUps are the messages for the clean-ups that follow that at the end.
func cleanUps(ctx context.Context, connid string, closed bool) []timer.Later {
	wake := timer.Wake{Kind: WakeEnded, Key: []string{connid}}
	if !closed {
		wake.Cursor = map[string]string{"open": "true"} // a death before the deletion would leave its client with an ended session
	}
	var wakes []timer.Later
	for _, after := range again {
		wakes = append(wakes, timer.Later{After: after, Wake: wake})
	}
	if deliver.IsHasty(ctx) { // the first clean-up too is another's: others wait for what this handler is at
		wakes = append(wakes, timer.Later{Wake: timer.Wake{Kind: WakeEnded, Key: []string{connid}}})
	}
	return wakes
}

// depart does what follows the end of a session.
func (s *Sessions) depart(ctx context.Context, connid string, e ending) error {
	s.entered.drop(connid)
	if !e.closed {
		if err := s.Post.Close(ctx, connid); err != nil {
			s.Log.Warn("close", "connid", connid, "error", err)
		}
	}
	if deliver.IsHasty(ctx) {
		return nil
	}
	return s.CleanUp(ctx, call.End{Connid: connid, TooBig: e.tooBig}, call.Cursor{})
}

// markEnded tells whether it was this call that ended the session.
func (s *Sessions) markEnded(ctx context.Context, connid string, e ending) (first bool, err error) {
	set := ""
	vals := store.Item{":ended": store.S(ended), ":live": store.S(live), ":exp": store.N(s.Now().Add(Tombstone).Unix())}
	if !e.until.IsZero() {
		set, vals[":until"] = ", #until = :until", store.Millis(e.until)
	}
	if e.tooBig {
		set, vals[":true"] = set+", #big = :true", store.Bool(true)
	}
	// Key: the session. Condition: it is live, or was never seen (a $disconnect that overtook its $connect leaves a tombstone). Effect: ended,
	// out of the index by user; its user and tags stay, by which calls that were taken before are carried out. A loser finds it ended and leaves the rest to
	// who did.
	_, err = s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid),
		Update: "SET #state = :ended, #exp = :exp" + set + " REMOVE #owner", If: "attribute_not_exists(#id) OR #state = :live", Values: vals})
	if _, lost := store.Lost(err); lost {
		return false, nil
	}
	return err == nil, err
}

// page is how many rows of a session are gone through at a time.
const page = 500

// CleanUp goes through the rows of an ended session, page by page from a cursor on. What does not fit in Chores goes on by a message.
func (s *Sessions) CleanUp(ctx context.Context, end call.End, from call.Cursor) error {
	connid := end.Connid
	began := s.Now()
	var failed []error
	for {
		rows, next, more, err := s.Rows.Page(ctx, connid, from, page)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		byKind := map[string][]call.Row{}
		var kinds []string
		for _, row := range rows {
			if byKind[row.Kind] == nil {
				kinds = append(kinds, row.Kind)
			}
			byKind[row.Kind] = append(byKind[row.Kind], row)
		}
		for _, kind := range kinds {
			family, ok := s.Families[kind]
			if !ok {
				continue
			}
			failed = append(failed, family.Ended(ctx, end, byKind[kind]))
		}
		err = errors.Join(failed...)
		late := errors.Is(err, chores.ErrTime) // then the page is read again: what is done with is left alone
		if !late {
			if !more {
				return err
			}
			from = next
		}
		if late || s.Now().Sub(began) > s.Chores {
			if late {
				failed = nil // with ErrTime, which is none; what else failed is tried again
			}
			err := s.Timer.After(ctx, 0, timer.Wake{Kind: WakeEnded, Key: []string{connid},
				Cursor: map[string]string{"row": from.Row, "fresh": strconv.FormatBool(from.Fresh)}})
			return errors.Join(append(failed, err)...)
		}
	}
}

var errNoConnid = errors.New("session timer without a connid")

// Woken goes on with a clean-up. Where the session is still live, whoever learned of its end died before writing so: it ends now.
func (s *Sessions) Woken(ctx context.Context, w timer.Wake) error {
	if len(w.Key) != 1 {
		return errNoConnid
	}
	connid := w.Key[0]
	item, err := s.DB.Get(ctx, store.Sessions, key(connid))
	if err != nil {
		return err
	}
	if item.Str("state") != ended {
		return s.End(ctx, connid, false)
	}
	if w.Cursor["open"] == "true" {
		if err := s.Post.Close(ctx, connid); err != nil {
			return err
		}
	}
	return s.CleanUp(ctx, call.End{Connid: connid, TooBig: item.Bool("big")}, call.Cursor{Fresh: w.Cursor["fresh"] == "true", Row: w.Cursor["row"]})
}
