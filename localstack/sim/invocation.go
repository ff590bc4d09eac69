package sim

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"nexus/localstack/lambda"
	"nexus/localstack/stack"
	"nexus/pkg/nexus"
)

// invocation is one run of a function. Its requests name it through their context.
type invocation struct {
	n        int
	function string
	call     *call     // the client's request that it carries out; nil for others
	began    time.Time // when it was invoked
	ended    time.Time // when its function returned or it was killed
	// hurt says that a request of it failed or lost its response, or that it was killed: what it owes may come from repair.
	hurt bool
	// mute says that it was killed, or failed, or that a post of it did, or that it heard nothing of too many writes: an answer that it alone could
	// give may be missing.
	mute              bool
	unheard           int // writes that failed or lost their response
	dead              chan struct{}
	environment, slot int // where it runs
	// stored says that it has put an item, for the mutation that blinds second looks.
	stored bool
}

type invocationKey struct{}

func invocationOf(ctx context.Context) *invocation {
	i, _ := ctx.Value(invocationKey{}).(*invocation)
	return i
}

// What Lambda says of a function that it did not run to its end, and of one that it did not run.
var (
	errCrashed   = &lambda.Error{Type: lambda.TypeExit, Message: "signal: killed"}
	errInit      = &lambda.Error{Type: lambda.TypeExit, Message: "the function's initialisation failed"}
	errThrottled = &lambda.Refusal{Code: lambda.CodeThrottled, Message: "Rate Exceeded."}
)

var errOver = errors.New("the simulation is over")

// invoke is put around every invocation of a function: it numbers it, refuses it or lets it be killed, and has the events of connections that ended
// go astray.
func (w *world) invoke(next stack.Invoke) stack.Invoke {
	run := func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		if w.refuses(function) {
			return nil, errThrottled
		}
		inv := w.begin(function, payload)
		if w.failsToStart(inv) {
			return nil, errInit
		}
		type result struct {
			out []byte
			err error
		}
		done := make(chan result, 1)
		go func() {
			// API Gateway's time limit is of an invocation that began, not of an event that is late.
			out, err := next(context.WithValue(context.WithoutCancel(ctx), invocationKey{}, inv), function, payload)
			done <- result{out, err}
		}()
		select {
		case r := <-done:
			w.end(inv, r.err)
			return r.out, r.err
		case <-inv.dead:
			return nil, errCrashed
		}
	}
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		if function == nexus.FunctionConnection && w.options.Silent {
			payload = withoutStatus(payload)
		}
		if function == nexus.FunctionConnection && !w.admit(payload, func(payload []byte) { _, _ = run(ctx, function, payload) }) {
			return []byte(`{"statusCode":200}`), nil
		}
		if function != nexus.FunctionConnection {
			w.holdBack()
		}
		return run(ctx, function, payload)
	}
}

// refuses tells whether Lambda has no room for an invocation: now and then for one, now and then for all in a while.
func (w *world) refuses(function string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if weather := &w.weather; !now.Before(w.full) && w.turned < weather.faults {
		switch chance := w.chance.Float64(); {
		case chance < weather.full:
			w.full = now.Add(time.Duration(1 + w.chance.Int64N(int64(fullest))))
		case chance > 1-weather.turn:
			w.full = now.Add(1)
		}
	}
	if !now.Before(w.full) {
		return false
	}
	w.turned++
	w.disturbed = now
	if k := w.sending; k != nil {
		w.sending, k.refused = nil, true
	}
	w.logf("no room for an invocation of %s %s", function, w.cause)
	return true
}

// fullest is how long all of an account's concurrency is used up at most.
const fullest = 3 * time.Second

// failsToStart tells whether the environment of an invocation fails before its function is called.
func (w *world) failsToStart(inv *invocation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.isDown(inv.function) {
		if w.kills >= w.weather.kills || w.chance.Float64() >= w.weather.init {
			return false
		}
		w.kills++
	}
	w.disturbed = time.Now()
	inv.hurt, inv.mute, inv.ended = true, true, time.Now()
	w.logf("%s fails to start", inv)
	return true
}

// begin registers an invocation and sets its time limit, a moment before the runner's own, so that it ends as every killed one does.
func (w *world) begin(function string, payload []byte) *invocation {
	w.mu.Lock()
	defer w.mu.Unlock()
	inv := &invocation{n: len(w.invocations) + 1, function: function, began: time.Now(), dead: make(chan struct{})}
	w.invocations = append(w.invocations, inv)
	w.place(inv)
	cause := w.cause
	if inv.call = w.sending; inv.call != nil {
		w.sending, inv.call.inv = nil, inv
		inv.call.request = requestID(payload)
		w.byRequest[inv.call.request] = inv.call
	}
	w.logf("begin %s of %s %s", inv, function, cause)
	w.agenda.add(inv.began.Add(nexus.FunctionTimeout-time.Nanosecond), func() {
		if inv.ended.IsZero() {
			w.kill(inv, "overran")
		}
	})
	return inv
}

func (w *world) end(inv *invocation, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	inv.ended = time.Now()
	if err != nil {
		if !inv.hurt {
			w.failf("functions: %s of %s met no fault and failed: %v", inv, inv.function, err)
		}
		inv.hurt, inv.mute = true, true
	}
	w.logf("end %s", inv)
}

// kill ends an invocation where it is. What it had under way, the seed lets happen or not; nothing of it is heard of again.
func (w *world) kill(inv *invocation, why string) {
	w.logf("kill %s %s", inv, why)
	inv.hurt, inv.mute, inv.ended = true, true, time.Now()
	w.kills++
	w.disturbed = time.Now()
	for _, r := range w.wire.take(inv) {
		if w.rng.IntN(2) == 0 {
			w.apply(r)
		}
	}
	w.retire(inv)
	close(inv.dead)
}

// requestID reads the id that API Gateway gave a message, by which the bus knows its own writes.
func requestID(payload []byte) string {
	var e struct {
		RequestContext struct {
			RequestID string `json:"requestId"`
		} `json:"requestContext"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return ""
	}
	return e.RequestContext.RequestID
}
