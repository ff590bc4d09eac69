package lambda

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"nexus/localstack/child"
	"nexus/localstack/door"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// environment is an execution environment: one process, its Runtime API, and at most one invocation.
//
//	start ──▶ initialising ──next──▶ ready ──Invoke──▶ busy ──response, error──▶ answered ──next──▶ ready
//
// It is its caller's (taken) from start or take until Invoke has returned. When it is nobody's and ready, it is idle. It may end at any moment.
type environment struct {
	function *program
	command  *exec.Cmd
	server   *http.Server
	work     chan *invocation // of one: what next is to get
	first    chan struct{}    // closed when the process asks for its first invocation
	gone     chan struct{}    // closed when the process has ended; ended is set then
	ended    error            // how, as package exec says it; nil for status 0
	stopInit func()           // of the timer that ends a process which does not become ready
	stopIdle func()           // of the timer that ends a process which has nothing to do

	// State, which the function's mutex guards.
	taken   bool
	slot    bool        // has an element in the function's slots
	ready   bool        // its process waits in next
	current *invocation // from Invoke to next
	broken  *Error      // what init/error said, or that initialisation took too long
}

// invocation is one invocation as the Runtime API shows it.
type invocation struct {
	id, arn  string
	deadline time.Time
	payload  []byte
	answer   chan outcome // of one
	answered bool
}

// placed is a Handler whose invocations need a place to run first. Until they have it, the function's timeout does not run: not while they wait for
// one of a limited number, and not while the program initialises.
type placed interface {
	environment(ctx context.Context) (Handler, error)
}

// start starts an environment, which is the caller's. f.mu is locked.
func (f *program) start() (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("lambda: Runtime API of %s: %w", f.name, err)
	}
	e := &environment{function: f, work: make(chan *invocation, 1), first: make(chan struct{}), gone: make(chan struct{}), taken: true, slot: true}
	e.server = &http.Server{Handler: door.Closed(f.config.Log).Handler(listener.Addr().String(), e.runtimeAPI())}
	stdout, stderr := f.log()
	// Apart, for a terminal's Ctrl-C would end functions that the stack still needs while it closes its connections.
	e.command = &exec.Cmd{Path: f.path, Args: []string{f.path}, Dir: filepath.Dir(f.path), Env: f.variables(listener.Addr().String()),
		Stdout: stdout, Stderr: stderr, SysProcAttr: child.Apart()}
	began := f.config.Clock.Now()
	if err := e.command.Start(); err != nil {
		_ = listener.Close() // err says more
		return nil, &Error{Type: TypeEntrypoint, Message: err.Error()}
	}
	f.live[e] = true
	stop := f.config.Clock.AfterFunc(initTimeout, func() {
		e.fail(&Error{Type: TypeTimedOut, Message: fmt.Sprintf("Init timed out after %.2f seconds", initTimeout.Seconds())})
	})
	e.stopInit = func() { stop() }
	f.running.Go(func() { _ = e.server.Serve(listener) }) // it ends by Close
	f.running.Go(func() {
		e.ended = e.command.Wait()
		stdout.flush()
		stderr.flush()
		_ = e.server.Close() // nobody is left to talk to
		e.bury()
		lived := f.config.Clock.Now().Sub(began)
		f.config.Log.Debug("environment ended", "function", f.name, "pid", e.command.Process.Pid, "lived", lived, "error", e.ended)
	})
	f.config.Log.Debug("environment started", "function", f.name, "pid", e.command.Process.Pid)
	return e, nil
}

// bury takes the environment from its function, whose process has ended.
func (e *environment) bury() {
	f := e.function
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forget(e) {
		e.stopIdle()
	}
	e.stopInit()
	delete(f.live, e)
	if e.slot {
		e.slot = false
		<-f.slots
	}
	close(e.gone)
}

// kill ends the process; what follows is what follows any end of it.
func (e *environment) kill() { _ = e.command.Process.Kill() } // it fails where the process has ended by itself

// initialise waits until the process is ready. If it never is, the environment ends.
func (e *environment) initialise(ctx context.Context) error {
	select {
	case <-e.first:
		return nil
	default:
	}
	f := e.function
	began := f.config.Clock.Now()
	select {
	case <-e.first:
		f.config.Log.Debug("environment ready", "function", f.name, "pid", e.command.Process.Pid, "init", f.config.Clock.Now().Sub(began))
		return nil
	case <-e.gone:
	case <-ctx.Done():
		e.leave() // it is warm for the next one
		return context.Cause(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return errClosed
	case e.broken != nil:
		return e.broken
	}
	return e.exitError(ctx)
}

// fail ends an environment whose initialisation failed; one that is initialised it leaves alone.
func (e *environment) fail(why *Error) {
	e.function.mu.Lock()
	defer e.function.mu.Unlock()
	select {
	case <-e.first:
		return
	default:
	}
	if e.broken == nil {
		e.broken = why
	}
	e.kill()
}

// Invoke implements Handler: it hands the invocation to the process and waits for its answer. The end of ctx is the end of the process.
func (e *environment) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer e.leave()
	inv := &invocation{id: InvocationID(ctx), payload: payload, answer: make(chan outcome, 1)}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		inv.arn = lc.InvokedFunctionArn
	}
	inv.deadline, _ = ctx.Deadline() // there is one
	e.begin(inv)
	e.work <- inv
	var o outcome
	select {
	case o = <-inv.answer:
	case <-ctx.Done():
		e.kill()
		return nil, ctx.Err()
	case <-e.gone:
		select { // it may have answered before it ended
		case o = <-inv.answer:
		default:
			return nil, e.exitError(ctx)
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	return o.result, nil
}

func (e *environment) begin(inv *invocation) {
	e.function.mu.Lock()
	defer e.function.mu.Unlock()
	e.current, e.ready = inv, false
}

// leave gives the environment back.
func (e *environment) leave() {
	e.function.mu.Lock()
	defer e.function.mu.Unlock()
	e.taken = false
	e.settle()
}

// arrive notes that the process asks for an invocation. It reports false where the process has not answered the last one.
func (e *environment) arrive() bool {
	e.function.mu.Lock()
	defer e.function.mu.Unlock()
	if e.current != nil && !e.current.answered {
		return false
	}
	if e.ready { // it asks again, on another connection
		return true
	}
	select {
	case <-e.first:
	default:
		close(e.first)
		e.stopInit()
	}
	e.current, e.ready = nil, true
	e.settle()
	return true
}

// settle makes the environment idle if it is nobody's, ready and alive.
func (e *environment) settle() {
	if !e.taken && e.ready && e.slot {
		e.function.rest(e)
	}
}

// exitError is the error of an invocation in whose middle the process ended.
func (e *environment) exitError(ctx context.Context) *Error {
	how := "Runtime exited without providing a reason"
	var status *exec.ExitError
	if errors.As(e.ended, &status) {
		how = "Runtime exited with error: " + status.String()
	}
	return &Error{Type: TypeExit, Message: "RequestId: " + InvocationID(ctx) + " Error: " + how}
}
