package sim

import (
	"testing/synctest"
	"time"
)

// step does the next thing: what has been left for the scheduler, what is due, or one parked request, or it lets time pass. Between two steps
// everything stands still, so that one thread of one handler moves at a time. limit is as far as time may go; step tells whether it is reached.
func (w *world) step(limit time.Time) bool {
	synctest.Wait()
	w.mu.Lock()
	finished := w.finished
	w.finished = nil
	w.mu.Unlock()
	if len(finished) > 0 {
		for _, f := range finished {
			f()
			synctest.Wait()
		}
		return false
	}
	now := time.Now()
	if f := w.agenda.pop(now); f != nil {
		f()
		return false
	}
	parked := w.wire.waiting()
	if len(parked) == 0 {
		until := limit
		if at, ok := w.agenda.next(); ok && at.Before(limit) {
			until = at
		}
		w.sleep(until.Sub(now))
		return !time.Now().Before(limit)
	}
	if r := w.impatient(parked, now); r != nil {
		w.overdue(r)
	} else if w.rng.Float64() < w.weather.pass {
		w.sleep(time.Duration(w.rng.Int64N(int64(w.weather.longest))))
	} else {
		w.release(w.pick(parked))
	}
	// What one step takes.
	w.sleep(time.Duration(1 + w.rng.Int64N(int64(3*time.Millisecond))))
	return !time.Now().Before(limit)
}

// sleep moves time on, but not past what is planned.
func (w *world) sleep(d time.Duration) {
	if at, ok := w.agenda.next(); ok {
		d = min(d, time.Until(at))
	}
	if d > 0 {
		time.Sleep(d)
	}
}

// until steps until a time.
func (w *world) until(limit time.Time) {
	for !w.step(limit) {
	}
	synctest.Wait()
}

// impatient returns a request that has been parked for as long as one may be.
func (w *world) impatient(parked []*request, now time.Time) *request {
	for _, r := range parked {
		if now.Sub(r.parked) >= w.weather.patience {
			return r
		}
	}
	return nil
}

// pick chooses the request that goes on. In some runs each has the same chance. In the others handlers have ranks, drawn and now and then drawn anew,
// and the one of the highest rank goes on alone: so one handler can stand still while others do all they have to do.
func (w *world) pick(parked []*request) *request {
	if !w.stubborn {
		return parked[w.rng.IntN(len(parked))]
	}
	var best []*request
	for _, r := range parked {
		rank, ok := w.ranks[r.inv.n]
		if !ok || w.rng.IntN(40) == 0 {
			rank = w.rng.Float64()
			w.ranks[r.inv.n] = rank
		}
		switch {
		case len(best) == 0 || rank > w.ranks[best[0].inv.n]:
			best = []*request{r}
		case r.inv == best[0].inv:
			best = append(best, r)
		}
	}
	return best[w.rng.IntN(len(best))]
}

// release lets a request proceed, or not.
func (w *world) release(r *request) {
	weather := &w.weather
	if w.kills < weather.kills && w.rng.Float64() < weather.kill {
		if w.rng.IntN(2) == 0 {
			w.wire.remove(r)
			w.apply(r)
			w.logf("its handler dies after it")
		}
		w.kill(r.inv, "at "+r.op)
		return
	}
	if w.mistaken(r) {
		w.mistake(r)
		return
	}
	if w.faults < weather.faults {
		if w.rng.Float64() < weather.hot && r.dynamo() {
			w.hot, w.cool = r.target, time.Now().Add(time.Duration(w.rng.Int64N(int64(hottest))))
		}
		if r.dynamo() && r.target == w.hot && time.Now().Before(w.cool) {
			w.overload(r)
			return
		}
		switch chance := w.rng.Float64(); {
		case chance < weather.fail:
			w.refuse(r)
			return
		case chance < weather.fail+weather.lose:
			w.lose(r)
			return
		case chance < weather.fail+weather.lose+weather.conflict && r.writes():
			w.conflict(r)
			return
		case chance > 1-weather.throttle && r.op == "POST":
			w.throttle(r)
			return
		case chance > 1-weather.partly && r.batch():
			w.shorten(r)
			return
		}
	}
	w.wire.remove(r)
	r.answer <- w.apply(r)
}
