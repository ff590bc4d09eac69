package user

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Failed logins are counted in the table of calls, by the address that they came from: all of them, and those of each user, whether there is such a user or not. A
// count that is above what is free makes the next attempt wait, longer with each failure. It is of that address alone: nobody is locked out from another one.
// Only failures are written. A count is forgotten an hour after its last failure.
const (
	freeOfUser    = 10  // failures of one user from an address
	freeOfAddress = 300 // failures of all users from an address, behind which many may be
	firstWait     = time.Second
	longestWait   = 15 * time.Minute
	remembered    = time.Hour
)

// waitAfter is how long after the nth failure the next attempt is refused.
func waitAfter(n, free int64) time.Duration {
	if n <= free {
		return 0
	}
	if n-free > 10 { // 2^10 s is beyond the longest
		return longestWait
	}
	return min(firstWait<<(n-free-1), longestWait)
}

// source is where logins come from: an address, or, as its owner chooses freely among them, the 2^64 addresses of an IPv6 network.
func source(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a.String()
	}
	const network = 64
	p, err := a.Prefix(network)
	if err != nil { // an address of 128 bits has such a prefix
		return ip
	}
	return p.String()
}

// counter is a row of failures.
type counter struct {
	row  string
	free int64
	n    int64 // as it was read; 0 if it is forgotten
	last time.Time
}

// counters are those that a login goes by.
type counters struct {
	id  string
	all [2]*counter
}

func (c *counters) key(n int) store.Item {
	return store.Item{"id": store.S(c.id), "row": store.S(c.all[n].row)}
}

// failures reads the counters of a user and an address.
func (u *Users) failures(ctx context.Context, name, ip string) (*counters, error) {
	c := &counters{id: "login#" + source(ip), all: [2]*counter{{row: "#", free: freeOfAddress}, {row: "u#" + name, free: freeOfUser}}}
	// Eventually consistent: what was written within the last second or so may be missing, by which a limit is overrun a little.
	found, err := u.DB.GetAllEventually(ctx, []store.Key{{Table: store.Calls, Key: c.key(0)}, {Table: store.Calls, Key: c.key(1)}}, "")
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		for _, each := range c.all {
			if f.Item.Str("row") == each.row && f.Item.Int(store.AttrExpires) > u.Now().Unix() {
				each.n, each.last = f.Item.Int("n"), f.Item.Time("last")
			}
		}
	}
	return c, nil
}

// wait is -32012 where one of the counters says that it is too early.
func (c *counters) wait(now time.Time) error {
	for _, each := range c.all {
		if until := each.last.Add(waitAfter(each.n, each.free)); until.After(now) {
			return jsonrpc.Err(jsonrpc.LimitExceeded, "too many failed logins, wait")
		}
	}
	return nil
}

// failed counts a failure on both counters.
func (u *Users) failed(ctx context.Context, c *counters) error {
	results := make(chan error, len(c.all))
	for n := range c.all {
		go func() { results <- u.countFailure(ctx, c, n) }()
	}
	var failed []error
	for range c.all {
		failed = append(failed, <-results)
	}
	return errors.Join(failed...)
}

// tries is how often a counter is written before a login is failed by it: each attempt that loses finds it begun or forgotten by another.
const tries = 8

func (u *Users) countFailure(ctx context.Context, c *counters, n int) error {
	now := u.Now()
	values := store.Item{":one": store.N(1), ":now": store.N(now.Unix()), ":at": store.Millis(now), ":exp": store.N(now.Add(remembered).Unix())}
	known := c.all[n].n > 0
	for range tries {
		w := store.Write{Table: store.Calls, Key: c.key(n), Values: values,
			// Key: the counter. Condition: it counts. Effect: one more, and it is remembered from now on. A loser finds that there is none, or a forgotten one.
			Update: "SET #n = #n + :one, #last = :at, #exp = :exp", If: "#exp > :now"}
		if !known {
			// Key: the counter. Condition: there is none, or a forgotten one that is not deleted yet. Effect: it counts from one. A loser finds that somebody else
			// began it. (A write that is repeated after its response was lost counts twice, which does no harm.)
			w.Update, w.If = "SET #n = :one, #last = :at, #exp = :exp", "attribute_not_exists(#id) OR #exp <= :now"
		}
		_, err := u.DB.Do(ctx, w)
		if _, lost := store.Lost(err); !lost {
			return err
		}
		known = !known
	}
	return fmt.Errorf("failed logins of %s: counted by others at each attempt", c.id)
}
