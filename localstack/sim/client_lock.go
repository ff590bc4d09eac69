package sim

import (
	"encoding/json"
	"slices"
	"time"
)

// lockNames are the locks that clients want.
var lockNames = [...]string{"lock.a", "lock.b"}

// actLock does a client's next thing with locks: it mostly wants one.
func (c *client) actLock() {
	name := lockNames[0]
	if !c.w.crowded {
		name = lockNames[c.w.rng.IntN(len(lockNames))]
	}
	method := "sync.lock"
	if c.w.rng.IntN(6) == 0 {
		method = "sync.unlock" // whether it holds it or not
	}
	c.locks(method, name)
}

func (c *client) locks(method, name string) *call {
	return c.sendWith(method, map[string]any{"lock": name}, func(k *call) { k.lock = name })
}

// locked is what sync.lock answers.
type locked struct {
	OK    bool
	Fence int64
}

// refusedLock is the answer of dialect v1 about a lock that is not the caller's.
const refusedLock = "error -32006"

// lockOutcome reads the answer to a call about a lock: whether it was refused, and the fence if it was granted. ok is false for any other answer.
func lockOutcome(a *answer) (refused bool, fence int64, ok bool) {
	var l locked
	switch {
	case a.Error != nil:
		return true, 0, a.outcome() == refusedLock
	case json.Unmarshal(a.Result, &l) != nil:
		return false, 0, false
	}
	return !l.OK, l.Fence, true
}

// lockAnswered is what a client does about an answer about a lock: it gives back soon what it got, mostly.
func (c *client) lockAnswered(k *call, a *answer) {
	refused, _, ok := lockOutcome(a)
	if !ok || refused {
		return
	}
	c.holds[k.lock] = k.method == "sync.lock"
	if k.method != "sync.lock" || c.w.rng.IntN(3) == 0 {
		return
	}
	c.w.soon(c.w.think(), func() {
		if !c.w.closing && c.open && !c.deaf {
			c.locks("sync.unlock", k.lock)
		}
	})
}

// bequeath has those who want locks try for what a client held that is gone, all about the same time, and again.
func (c *client) bequeath() {
	w := c.w
	for _, name := range lockNames {
		if !c.holds[name] {
			continue
		}
		for _, other := range w.clients {
			if !other.open || !slices.Contains(other.role.families, locks) {
				continue
			}
			for n := range 2 {
				w.soon(time.Duration(1+w.rng.Int64N(int64(20*time.Millisecond)))+time.Duration(n)*w.weather.lateEnds, func() {
					if !w.closing && other.open && !other.deaf {
						other.locks("sync.lock", name)
					}
				})
			}
		}
	}
}
