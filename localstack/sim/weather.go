package sim

import (
	"math/rand/v2"
	"time"
)

// weather is what goes wrong in a run, and how often. In all weather requests come in any order, posts overtake one another, connections end in
// every way, and what reads the stream and the queue does it late and twice.
type weather struct {
	name string
	// Of each request, the part that fails before its effect, loses its response after it, meets a transaction's conflict (writes) or a client
	// that does not read (posts).
	fail, lose, conflict, throttle float64
	partly                         float64       // of the batches, the part that is carried out in part
	hot                            float64       // of each request, the part at which its table begins to refuse all requests for a while
	stray                          float64       // of the requests that lose their response, the part that takes effect later
	turn, full                     float64       // of the invocations, the part that Lambda refuses, and the part from which on it refuses all for a while
	init                           float64       // of the invocations, the part whose environment fails to start
	outage                         bool          // a function fails for some minutes
	kill                           float64       // of each request, the part at which its handler dies
	kills                          int           // handlers that may die, at most
	faults                         int           // of the other kinds, at most
	pass                           float64       // of all steps, the part that lets time pass instead
	longest                        time.Duration // how much
	patience                       time.Duration // how long a request may be parked
	late                           time.Duration // what reads the queue and the stream, at most
	lostEnds                       float64       // of all $disconnect events
	wrong                          float64       // of the requests to @connections, the part that is told 410 although the connection is there
	lateEnds                       time.Duration
}

// attemptTimeout is when a client gives up an attempt, as handler.AttemptTimeout does on a real wire.
const attemptTimeout = time.Second

func calm() weather {
	return weather{name: "calm", pass: 0.05, longest: 20 * time.Millisecond, patience: 100 * time.Millisecond, late: 500 * time.Millisecond,
		lateEnds: 500 * time.Millisecond}
}

// forecast draws a run's weather.
func forecast(rng *rand.Rand) weather {
	w := calm()
	switch n := rng.IntN(20); {
	case n < 6:
		return w
	case n < 9:
		w.name, w.kill, w.kills = "one death", 0.02, 1
		w.lostEnds, w.lateEnds = 0.3, 5*time.Second
		return w
	case n < 11:
		w.name, w.faults, w.lose, w.fail = "lost responses", 20, 0.05, 0.02
		w.lostEnds, w.lateEnds = 0.3, 5*time.Second
		return w
	case n < 13:
		w.name, w.faults, w.hot, w.conflict, w.partly, w.turn, w.full = "throttled", 60, 0.01, 0.05, 0.2, 0.03, 0.005
		return w
	case n < 14:
		w.name, w.outage = "outage", true
		return w
	}
	w.name = "storm"
	w.kill, w.kills = 0.03*rng.Float64(), 1+rng.IntN(5)
	w.faults = 30
	w.fail, w.lose, w.conflict, w.throttle = 0.06*rng.Float64(), 0.08*rng.Float64(), 0.05*rng.Float64(), 0.05*rng.Float64()
	w.partly, w.turn, w.init = 0.3*rng.Float64(), 0.03*rng.Float64(), 0.03*rng.Float64()
	w.pass, w.longest, w.patience = 0.1*rng.Float64(), 400*time.Millisecond, attemptTimeout
	w.late = time.Duration(1+rng.IntN(20)) * time.Second
	if rng.IntN(3) == 0 {
		w.stray = 0.5
	}
	w.lostEnds, w.lateEnds = 0.5*rng.Float64(), time.Duration(rng.IntN(60))*time.Second
	return w
}

// settled is a weather's end: nothing goes wrong any more.
func (w weather) settled() weather {
	s := calm()
	s.name = w.name
	return s
}
