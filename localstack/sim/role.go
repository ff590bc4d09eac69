package sim

import (
	"slices"
	"time"

	"nexus/pkg/nexus"
	"nexus/pkg/session"
	"nexus/pkg/timer"
)

// hotPath is the path on which most of a run's clients meet.
const hotPath = "hot."

// role is how a client behaves.
type role struct {
	families                      []family
	pushes, pulls, cancels, lists int  // chances of what it does next with tasks
	detaches                      int  // in percent
	reads                         int  // chances in 40 of what it does next with pipes; without any it owns none
	admin                         bool // of users and sessions
	pace                          time.Duration
	watchdog                      int64 // seconds
	atOnce                        int   // pulls under way at most, and pushes that wait for their answers
	// stops is after how long it stops to read, for good; 0: never.
	stops time.Duration
	// end plans its end: after how long, and how.
	end    time.Duration
	ending ending
}

// ending is how a connection comes to its end.
type ending int

const (
	stays        ending = iota // until the end of the run
	closes                     // with a close frame
	cut                        // which API Gateway notices at once
	vanishes                   // which API Gateway notices much later
	kicked                     // the session is ended by the bus
	silent                     // until the watchdog ends it
	sendsTooMuch               // for which API Gateway closes the connection
	endings
)

// logsIn tells whether the client gets its permissions by logging in.
func (r *role) logsIn() bool { return !r.admin && slices.Contains(r.families, logins) }

func (w *world) newRole() role {
	r := role{pace: []time.Duration{5 * time.Millisecond, 100 * time.Millisecond, 2 * time.Second}[w.rng.IntN(3)], watchdog: session.MaxWatchdog, atOnce: 1 + w.rng.IntN(3),
		detaches: w.rng.IntN(100)}
	if w.crowded {
		r.pace = 5 * time.Millisecond
	}
	switch w.rng.IntN(6) {
	case 0, 1:
		r.pushes = 10
	case 2, 3, 4:
		r.pulls = 10
	case 5:
		r.pushes, r.pulls = 5, 5
	}
	r.cancels, r.lists = w.rng.IntN(3), w.rng.IntN(2)
	if r.ending = ending(w.rng.IntN(2 * int(endings))); r.ending >= endings {
		r.ending = stays
	}
	r.end = time.Duration(w.rng.Int64N(int64([]time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, w.activity}[w.rng.IntN(4)])))
	if r.ending == silent {
		r.watchdog = session.MinWatchdog
	}
	if w.sluggish && w.rng.IntN(3) == 0 {
		r.stops = time.Duration(1 + w.rng.Int64N(int64(w.activity/2)))
	}
	r.families = w.mix
	if len(w.mix) > 1 {
		r.families = []family{w.mix[w.rng.IntN(len(w.mix))]}
		if other := w.mix[w.rng.IntN(len(w.mix))]; other != r.families[0] && w.rng.IntN(3) == 0 {
			r.families = append(r.families, other)
		}
	}
	if slices.Contains(r.families, logins) {
		if r.admin = w.rng.IntN(2) == 0; !r.admin {
			r.families = []family{logins} // what it may do else is nobody's guess
		}
	}
	if slices.Contains(r.families, pipes) || slices.Contains(r.families, topics) {
		r.reads = []int{0, 15, 30}[w.rng.IntN(3)]
	}
	return r
}

// plan plans the client's end.
func (r *role) plan(c *client) {
	if r.stops > 0 {
		c.w.soon(r.stops, func() {
			c.w.logf("%s reads nothing any more", c)
			c.mu.Lock()
			c.slow = true
			c.mu.Unlock()
		})
	}
	if r.ending == stays || r.ending == silent {
		return
	}
	c.w.soon(r.end, func() {
		if !c.open || c.w.closing {
			return
		}
		switch r.ending {
		case closes:
			c.end(1000, "closes")
		case sendsTooMuch:
			c.end(nexus.CloseTooBig, "sends too much")
		case cut:
			c.end(1006, "is cut")
		case vanishes:
			c.deaf = true
			c.w.logf("%s vanishes", c)
			c.w.soon(c.w.think()*100, func() { c.end(1006, "is noticed to be gone") })
		case kicked:
			c.w.logf("%s is kicked", c)
			c.w.sources.wake(timer.Wake{Kind: session.WakeEnded, Key: []string{c.connid}})
		}
	})
}

func (w *world) soon(d time.Duration, f func()) { w.agenda.add(time.Now().Add(d), f) }

// think is a time that a client takes.
func (w *world) think() time.Duration {
	pace := []time.Duration{2 * time.Millisecond, 50 * time.Millisecond, time.Second, 5 * time.Second}[w.rng.IntN(4)]
	return time.Duration(1 + w.rng.Int64N(int64(pace)))
}

// act has a client do its next thing.
func (c *client) act() {
	w := c.w
	if w.closing || !c.open || c.deaf {
		return
	}
	if c.role.ending == silent && time.Since(w.began) > c.role.end {
		return
	}
	f := c.role.families[0]
	if n := len(c.role.families); n > 1 {
		f = c.role.families[w.rng.IntN(n)]
	}
	switch f {
	case pipes:
		c.actPipe()
	case locks:
		c.actLock()
	case logins:
		c.actLogin()
	case topics:
		c.actTopic()
	default:
		c.actTask()
	}
	w.soon(time.Duration(1+w.rng.Int64N(2*int64(c.role.pace))), c.act)
}

// actTask does a client's next thing with tasks.
func (c *client) actTask() {
	w, r := c.w, &c.role
	switch n := w.rng.IntN(r.pushes + r.pulls + r.cancels + r.lists + 1); {
	case n < r.pushes:
		if c.pushes < r.atOnce {
			c.doPush()
		}
	case n < r.pushes+r.pulls:
		if c.pulls < r.atOnce {
			c.doPull()
		}
	case n < r.pushes+r.pulls+r.cancels:
		c.doCancel()
	case n < r.pushes+r.pulls+r.cancels+r.lists:
		c.send("task.list", map[string]any{"prefix": "", "limit": 50})
	default:
		if other := w.anyTask(); other != "" { // any session may finish a task it knows
			c.finish(other, w.rng.IntN(3))
		}
	}
}
