package sim

import (
	"context"
	"encoding/binary"
	"time"

	"nexus/localstack/dynamo"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/oklog/ulid/v2"
)

// An invocation runs in one of a few environments, each with a memory of its own and, in some runs, with a clock of its own. One that is killed takes its
// environment with it: another comes into its place.

// skew is how far apart two clocks may be.
const skew = 100 * time.Millisecond

// apart is how far two clocks of a run may be apart.
func (w *world) apart() time.Duration {
	if w.skewed {
		return skew
	}
	return 0
}

// environment tells in which environment an invocation runs.
func (w *world) environment(ctx context.Context) (int, nexus.Chances) {
	n := invocationOf(ctx).environment
	return n, *w.chances(n)
}

// place chooses the environment of an invocation. w.mu is held.
func (w *world) place(inv *invocation) {
	inv.slot = int(mix(w.seed^uint64(inv.n)<<20) % uint64(len(w.slots)))
	inv.environment = w.slots[inv.slot]
}

// retire puts another environment into the place of an invocation's, which was killed.
func (w *world) retire(inv *invocation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slots[inv.slot] == inv.environment {
		w.slots[inv.slot] = w.environments
		w.environments++
	}
}

// chances are an environment's time and chance.
func (w *world) chances(environment int) *nexus.Chances {
	offset := time.Duration(0)
	if w.skewed {
		offset = time.Duration(mix(w.seed^uint64(environment)<<40)%uint64(skew)) - skew/2
	}
	now := func() time.Time { return time.Now().Add(offset) }
	return &nexus.Chances{Now: now, NewID: func() string { return w.newULID(now()) }, ULID: handler.FirstULID, Float: w.float,
		Salt:  func() []byte { return make([]byte, 16) },
		Pause: w.pause,
		Sleep: func(context.Context, time.Duration) error { return nil }}
}

// newULID makes a ulid of a time; what follows the time is spread, since real ones are in no order.
func (w *world) newULID(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ulids++
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(now)) // fails after the year 10889
	binary.BigEndian.PutUint64(id[6:], mix(w.seed<<32+w.ulids))
	binary.BigEndian.PutUint16(id[14:], uint16(w.ulids))
	return id.String()
}

// oldest is how old what is read eventually may be.
const oldest = 2 * time.Second

// tables changes how the embedded tables are: what is read eventually may be old, pages short, and the streams in several shards.
func (w *world) tables(c *dynamo.Config) {
	c.Shards = 1 + w.rng.IntN(3)
	if w.lags {
		c.IndexLag = func(string) time.Duration { return time.Duration(w.rng.Int64N(int64(oldest))) }
	}
	if w.small {
		c.Page, c.IteratorLife, c.StreamRetention = 200+w.rng.IntN(3000), 20*time.Second, time.Minute
	}
}
