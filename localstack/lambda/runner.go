package lambda

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"nexus/localstack/clock"
)

const (
	// DefaultTimeout is a function's timeout where Config names none.
	DefaultTimeout = 10 * time.Second
	// MaxPayload is the most bytes of a synchronous invocation's payload, and of its result.
	MaxPayload = 6 << 20

	defaultRegion  = "us-east-1"
	defaultAccount = "000000000000"
)

// Handler is a function. aws-lambda-go's lambda.Handler has this method set.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Config describes the functions. Names in Timeouts and Concurrency that Functions does not have, and values that are not positive (a concurrency of
// 0 is allowed and stops the function, as on AWS), are mistakes that every Invoke reports.
type Config struct {
	Functions   map[string]Handler
	Timeouts    map[string]time.Duration // DefaultTimeout where absent
	Concurrency map[string]int           // reserved concurrency; unlimited where absent
	Clock       clock.Clock              // clock.Real where nil
	NewID       func() string            // invocation ids; a counter in the form of a UUID where nil. Must be safe for concurrent use
	Region      string                   // of ARNs; us-east-1 where empty
	Account     string                   // of ARNs; 000000000000 where empty

	// OnInvoke, where set, is told of every invocation once Invoke's answer is known, before Invoke returns. err is a *Error, a *Refusal, or the
	// error of a caller's context.
	OnInvoke func(function, id string, took time.Duration, err error)
}

// Runner invokes functions. It is safe for concurrent use.
type Runner struct {
	clock     clock.Clock
	newID     func() string
	onInvoke  func(function, id string, took time.Duration, err error)
	functions map[string]*function
	mistake   error
}

type function struct {
	handler  Handler
	arn      string
	timeout  time.Duration
	limit    int64 // -1: none
	inFlight atomic.Int64
}

// New returns a Runner of the functions in c.
func New(c Config) *Runner {
	r := &Runner{clock: c.Clock, newID: c.NewID, onInvoke: c.OnInvoke, functions: make(map[string]*function, len(c.Functions))}
	if r.clock == nil {
		r.clock = clock.Real{}
	}
	if r.newID == nil {
		r.newID = counter()
	}
	for _, name := range slices.Sorted(maps.Keys(c.Functions)) {
		r.functions[name] = &function{handler: c.Functions[name], arn: FunctionARN(c.Region, c.Account, name), timeout: DefaultTimeout, limit: -1}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Timeouts)) {
		f, d := r.functions[name], c.Timeouts[name]
		if f == nil || d <= 0 {
			r.mistake = fmt.Errorf("lambda: Timeouts[%q] = %v: no such function, or not positive", name, d)
			return r
		}
		f.timeout = d
	}
	for _, name := range slices.Sorted(maps.Keys(c.Concurrency)) {
		f, n := r.functions[name], c.Concurrency[name]
		if f == nil || n < 0 {
			r.mistake = fmt.Errorf("lambda: Concurrency[%q] = %d: no such function, or negative", name, n)
			return r
		}
		f.limit = int64(n)
	}
	return r
}

// FunctionARN is the ARN of a function. An empty region or account stands for the local stack's own.
func FunctionARN(region, account, function string) string {
	if region == "" {
		region = defaultRegion
	}
	if account == "" {
		account = defaultAccount
	}
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + function
}

// InvocationID is the id of the invocation whose context ctx descends from, unique to it, or "" outside of one. It works on AWS too.
func InvocationID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// FunctionName is the name of the function of whose invocation ctx is, or "" outside of one. It is told from the invocation's ARN.
func FunctionName(ctx context.Context) string {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return ""
	}
	_, name, _ := strings.Cut(lc.InvokedFunctionArn, ":function:")
	return name
}

// Invoke runs a function and waits for its result, at most for its timeout. The error is a *Error if the function failed, a *Refusal if it was not
// run, or ctx's own error if ctx ended first; then the handler's context has ended as well and its result is dropped.
func (r *Runner) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	if r.mistake != nil {
		return nil, r.mistake
	}
	id, start := r.newID(), r.clock.Now()
	result, err := r.invoke(ctx, name, id, payload)
	if r.onInvoke != nil {
		r.onInvoke(name, id, r.clock.Now().Sub(start), err)
	}
	return result, err
}

func (r *Runner) invoke(ctx context.Context, name, id string, payload []byte) ([]byte, error) {
	f := r.functions[name]
	if f == nil {
		return nil, &Refusal{CodeNotFound, "Function not found: " + name}
	}
	if len(payload) > MaxPayload {
		return nil, &Refusal{CodeTooLarge, fmt.Sprintf("%d byte payload is too large for the Invoke operation (limit %d bytes)", len(payload), MaxPayload)}
	}
	if f.inFlight.Add(1) > f.limit && f.limit >= 0 {
		f.inFlight.Add(-1)
		return nil, &Refusal{CodeThrottled, "Rate Exceeded."}
	}
	// An invocation that overran gives its slot back: on AWS its environment is gone by then.
	defer f.inFlight.Add(-1)

	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id, InvokedFunctionArn: f.arn})
	handler := f.handler
	if p, ok := handler.(placed); ok {
		var err error
		if handler, err = p.environment(ctx); err != nil {
			return nil, err
		}
	}
	run, cancel := withTimeout(ctx, r.clock, f.timeout)
	defer cancel()

	done := make(chan outcome, 1) // of one, so that a late handler does not wait for anyone
	go call(run, handler, payload, done)

	var o outcome
	select {
	case o = <-done:
	case <-run.Done():
		select { // what came in time counts, whichever of the two this goroutine saw first
		case o = <-done:
		default:
			o.late = true
		}
	}
	switch {
	case o.late && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case o.late:
		return nil, &Error{Type: TypeTimedOut, Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, f.timeout.Seconds())}
	case o.err != nil:
		return nil, o.err
	case len(o.result) > MaxPayload:
		return nil, &Error{Type: TypeTooLarge, Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)}
	}
	return o.result, nil
}

// outcome is what a handler came to. late means that its context had ended when it returned: it is not listened to any more.
type outcome struct {
	result []byte
	err    *Error
	late   bool
}

// call runs h and reports to done, also what is neither result nor error: a panic, and an end of the goroutine (runtime.Goexit).
func call(ctx context.Context, h Handler, payload []byte, done chan<- outcome) {
	var o outcome
	returned := false
	defer func() {
		if p := recover(); p != nil {
			o.err = &Error{Type: typeName(p), Message: fmt.Sprint(p), Stack: string(debug.Stack())}
		} else if !returned {
			o.err = &Error{Type: TypeExit, Message: "RequestId: " + InvocationID(ctx) + " Error: Runtime exited without providing a reason"}
		}
		o.late = ctx.Err() != nil
		done <- o
	}()
	result, err := h.Invoke(ctx, payload)
	returned = true
	o.result, o.err = result, functionError(err)
}

// functionError turns a handler's error into what Lambda reports of it.
func functionError(err error) *Error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error: // of a handler that passes an invocation on, as one that runs a process does
		return e
	case messages.InvokeResponse_Error:
		return &Error{Type: e.Type, Message: e.Message}
	}
	return &Error{Type: typeName(err), Message: err.Error()}
}

// counter returns ids in the form of UUIDs that count up: the same run gives the same ids.
func counter() func() string {
	var n atomic.Uint64
	return func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n.Add(1)) }
}
