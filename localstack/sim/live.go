package sim

import (
	"fmt"
	"time"
)

// horizon is how long a run's clients send requests.
func (w *world) horizon() time.Duration { return w.activity }

// live goes through a run: clients come and go while the weather lasts; then it settles, what is open is given the time to come to its end; then all
// connections end, and what is left is looked at.
func (w *world) live() {
	w.activity = []time.Duration{2 * time.Second, 20 * time.Second, 100 * time.Second}[w.rng.IntN(3)]
	w.paths = []string{hotPath, "p1.", "p2.sub.", "."}
	for range 3 + w.rng.IntN(6) {
		w.soon(time.Duration(1+w.rng.Int64N(int64(w.activity/10))), w.connect)
	}
	budget := 30 + w.rng.IntN(40)
	end := time.Now().Add(w.activity)
	for len(w.calls) < budget && !w.step(end) {
	}
	w.closing = true
	w.logf("the weather settles: %d calls, %d invocations", len(w.calls), len(w.invocations))
	w.weather = w.weather.settled()
	w.settled = time.Now()
	for _, c := range w.clients {
		if c.deaf {
			c.end(1006, "is noticed to be gone")
		}
	}
	w.until(time.Now().Add(settling))
	w.checkSettled()
	for _, c := range w.clients {
		c.end(1000, "closes")
	}
	w.allEnded = time.Now()
	w.until(time.Now().Add(ending2))
	w.check()
	w.logf("end")
}

const (
	// settling is longer than the longest time-out but the default, and repair.
	settling = 270 * time.Second
	// ending2 is how long after the ends of all sessions nothing of them may be left.
	ending2 = 2*time.Minute + 5*time.Second
)

var _ = fmt.Sprint
