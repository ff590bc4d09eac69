package sim

import (
	"testing/synctest"
	"time"

	"nexus/pkg/session"
)

const (
	// settling is longer than the longest time-out but the default, and what repair takes after it.
	settling = 270 * time.Second
	// afterOutage is settling's, where all time-outs passed in an outage.
	afterOutage = 200 * time.Second
	// draining is how long the last reads and locks of a run may take.
	draining = 30 * time.Second
	// clearing is how long after the ends of all sessions nothing of them may be left: two minutes, and what their $disconnect events take.
	clearing = released + 2*time.Second
)

// live goes through a run: clients come and go while the weather lasts; then it settles, and what is open is given the time to come to its end;
// then all connections end, and what is left is looked at.
func (w *world) live() {
	w.activity = []time.Duration{2 * time.Second, 20 * time.Second, 100 * time.Second}[w.rng.IntN(3)]
	w.crowded, w.sluggish = w.rng.IntN(4) == 0, w.rng.IntN(5) == 0
	clients, budget := 3+w.rng.IntN(6), 30+w.rng.IntN(40)
	if w.rng.IntN(4) == 0 { // few requests, that meet
		clients, budget, w.crowded = 2+w.rng.IntN(2), 4+w.rng.IntN(8), true
	}
	settling := settling
	if w.weather.outage {
		w.outage()
		w.activity = min(w.activity, 20*time.Second) // connections must not end for being idle
		settling = afterOutage
	}
	for range clients {
		w.soon(time.Duration(1+w.rng.Int64N(int64(w.activity/10))), w.connect)
	}
	for range w.rng.IntN(3) {
		w.soon(time.Duration(w.rng.Int64N(int64(w.activity))), w.sources.split)
	}
	end := time.Now().Add(w.activity)
	for len(w.calls) < budget && !w.step(end) {
	}
	synctest.Wait()
	w.closing = true
	if w.weather.outage {
		w.until(w.downUntil)
		w.logf("%s works again", w.down)
		w.disturbed = time.Now()
		w.redrive()
	}
	w.logf("the weather settles after %d calls, %d invocations", len(w.calls), len(w.invocations))
	w.weather = w.weather.settled()
	for n, c := range w.clients {
		if c.deaf {
			w.soon(time.Duration(n), func() { c.end(1006, "is noticed to be gone") })
		}
	}
	w.until(time.Now().Add(settling))
	w.checkSettled()
	w.drain()
	w.until(time.Now().Add(draining))
	for n, c := range w.clients {
		w.soon(time.Duration(n), func() { c.end(1000, "closes") })
	}
	w.until(time.Now().Add(clearing))
	w.check()
}

// drain has each pipe read until nothing is left in it, and somebody try all locks.
func (w *world) drain() {
	for n, p := range w.pipes {
		if p.closing == nil && p.owner.open {
			w.soon(time.Duration(n), func() { p.owner.drain(p) })
		}
	}
	if len(w.lockOrder) == 0 {
		return
	}
	w.inspector = w.connectAs(role{families: []family{locks}, watchdog: session.MaxWatchdog, pace: time.Second})
	for n, l := range w.lockOrder {
		w.soon(time.Second+time.Duration(n), func() {
			if w.inspector.open {
				w.inspector.locks("sync.lock", l.name)
			}
		})
	}
}
