package harness

import (
	"slices"
	"strings"
	"testing"
)

// Kind is a kind of requests: what On names.
type Kind struct {
	h         *Harness
	operation string
	with      []string
}

// On names the requests of the bus of an operation, as UpdateItem, SendMessage or PostToConnection, that hold all of some texts. What is searched
// is the request's body; for @connections, which have the message as their body, the connection's id in API Gateway before it. The body of a
// request to a table names it as "nexus-tasks".
func (h *Harness) On(operation string, with ...string) Kind { return Kind{h, operation, with} }

// With names those of the requests that also hold some more texts.
func (k Kind) With(texts ...string) Kind {
	k.with = slices.Concat(k.with, texts)
	return k
}

func (k Kind) matches(r request) bool {
	if r.operation != k.operation {
		return false
	}
	for _, w := range k.with {
		if !strings.Contains(r.text, w) {
			return false
		}
	}
	return true
}

// Count is how many such requests there were, from the test's beginning on, attempts that failed included.
func (k Kind) Count() int {
	k.h.wire.mu.Lock()
	defer k.h.wire.mu.Unlock()
	n := 0
	for _, r := range k.h.wire.seen {
		if k.matches(r) {
			n++
		}
	}
	return n
}

// Lose has the next n such requests carried out and their responses lost. The SDK repeats a request up to handler.Attempts times. A request meets
// the oldest fault of each effect that is for it, in the order Run, Fail, Stray, Then, Lose. A test fails that ends before its faults came about.
func (k Kind) Lose(n int) { k.add(&fault{times: n, effect: lose}) }

// Fail loses the next n such requests on their way there.
func (k Kind) Fail(n int) { k.add(&fault{times: n, effect: fail}) }

// Stray loses the next n such requests as far as their senders know, but they are under way: arrive has those be carried out that were sent until
// then, in turn.
func (k Kind) Stray(n int) (arrive func()) {
	f := &fault{times: n, effect: stray}
	k.add(f)
	return func() {
		k.h.t.Helper()
		k.h.wire.mu.Lock()
		sent := f.sent
		f.sent = nil
		k.h.wire.mu.Unlock()
		for _, carryOut := range sent {
			k.h.Try(carryOut())
		}
	}
}

// Run runs f ahead of the next such request, in the goroutine that sent it. If f ends the request's context the request is not carried out.
func (k Kind) Run(f func()) { k.add(&fault{times: 1, effect: run, do: f}) }

// Then runs f when the next such request was carried out, before its response is seen. If f ends the request's context it never is.
func (k Kind) Then(f func()) { k.add(&fault{times: 1, effect: then, do: f}) }

func (k Kind) add(f *fault) {
	k.h.wire.mu.Lock()
	defer k.h.wire.mu.Unlock()
	f.kind = k
	k.h.wire.faults = append(k.h.wire.faults, f)
}

// effect is what a fault does. The order is that of a request's way.
type effect int

const (
	run effect = iota
	fail
	stray
	then
	lose
)

// fault is what becomes of the next times requests of a kind.
type fault struct {
	kind   Kind
	times  int
	effect effect
	do     func()         // of run and then
	sent   []func() error // of stray: what carries the requests out
}

// fate is what becomes of one request.
type fate struct {
	run, then  func()
	fail, lose bool
	stray      *fault
}

// meet notes a request and returns what becomes of it.
func (w *wire) meet(r request) fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.began {
		return fate{}
	}
	w.seen = append(w.seen, r)
	var all fate
	met := map[effect]bool{}
	w.faults = slices.DeleteFunc(w.faults, func(f *fault) bool {
		if met[f.effect] || !f.kind.matches(r) {
			return false
		}
		met[f.effect] = true
		switch f.effect {
		case run:
			all.run = f.do
		case fail:
			all.fail = true
		case stray:
			all.stray = f
		case then:
			all.then = f.do
		case lose:
			all.lose = true
		}
		f.times--
		return f.times < 1
	})
	return all
}

// check reports faults that did not come about.
func (w *wire) check(t *testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if !t.Failed() {
			t.Errorf("%d requests %s %q were still to be disturbed", f.times, f.kind.operation, f.kind.with)
		}
	}
}
