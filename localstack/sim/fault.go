package sim

import (
	"net"
	"syscall"
	"time"

	"nexus/pkg/handler"
	"nexus/pkg/store"
)

// overdue is a request that was under way for as long as an attempt may be: in calm weather it arrives at last, otherwise its handler gives it
// up, and the seed says whether it arrived.
func (w *world) overdue(r *request) {
	switch {
	case w.weather.patience < attemptTimeout:
		w.wire.remove(r)
		r.answer <- w.apply(r)
	case w.rng.IntN(2) == 0:
		w.lose(r)
	default:
		w.refuse(r)
	}
}

func (w *world) fault(r *request, what string) {
	w.wire.remove(r)
	w.faults++
	w.disturbed = time.Now()
	r.inv.hurt = true
	if r.op == "POST" {
		r.inv.mute = true
	}
	w.logf("%s %s", what, r)
}

// unheard counts the writes of which a handler hears nothing. When they are as many as the attempts at one write and at what is to settle it, it may
// not know what to answer. Where the client's quota is used up, these are one attempt each.
func (w *world) unheard(r *request) {
	if !r.writes() {
		return
	}
	attempts := handler.Attempts
	if w.patient {
		attempts = 1
	}
	if r.inv.unheard++; r.inv.unheard >= 2*attempts {
		r.inv.mute = true
	}
}

func reset() error { return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} }

// refuse fails a request before its effect.
func (w *world) refuse(r *request) {
	w.fault(r, "fail")
	w.unheard(r)
	a := w.refused(r)
	w.logf("%s", a)
	r.answer <- a
}

// lose applies a request and loses its response. In some weather the request itself is slow: its client hears of nothing, repeats it, and it arrives
// later still. The put of a new task or pull strays only where it is not repeated: should its item have been made, finished and deleted by the time
// it arrives, it would begin a second life. Only keeping what is over could prevent that, at a write more for every task; DynamoDB would have to
// hold a request back for longer than all that takes.
func (w *world) lose(r *request) {
	w.fault(r, "lose the response of")
	w.unheard(r)
	if makes := r.op == "PutItem" && r.target == store.Tasks; (!makes || r.last()) && w.rng.Float64() < w.weather.stray {
		w.logf("it strays")
		w.soon(time.Duration(1+w.rng.Int64N(int64(straying))), func() { w.apply(r) })
	} else {
		w.apply(r)
	}
	r.answer <- response{err: reset()}
}

// straying is how long a request may be under way after its client gave it up.
const straying = 5 * time.Second

// conflict has a write meet another one.
func (w *world) conflict(r *request) {
	w.fault(r, "conflict for")
	if r.op == "TransactWriteItems" && w.rng.IntN(3) == 0 {
		r.answer <- w.mixed(r)
		return
	}
	a := w.conflicted(r)
	w.logf("%s", a)
	r.answer <- a
}

// hottest is how long a table refuses requests at most.
const hottest = 100 * time.Millisecond

// overload has a request meet a table that has too many.
func (w *world) overload(r *request) {
	w.fault(r, "overload")
	w.unheard(r)
	a := w.throttling(r)
	w.logf("%s", a)
	r.answer <- a
}

// shorten has a batch carried out in part.
func (w *world) shorten(r *request) {
	w.fault(r, "shorten")
	r.answer <- w.partly(r)
}

// throttle has a post meet a client that does not read.
func (w *world) throttle(r *request) {
	w.fault(r, "throttle")
	r.answer <- refusal(r, 429, "LimitExceededException", "")
}

// writes tells whether a request changes a table.
func (r *request) writes() bool {
	switch r.op {
	case "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems":
		return true
	}
	return false
}

func (r *request) String() string { return r.inv.String() + " " + r.op + " " + r.target }
