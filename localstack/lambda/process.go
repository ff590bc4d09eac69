package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"nexus/localstack/clock"
)

// Defaults of ProcessConfig.
const (
	// DefaultEnvironments is far below Lambda's 1,000 concurrent invocations of an account: each environment is a process, of some 13 MB, or 33 MB
	// once it has hashed a password.
	DefaultEnvironments = 20
	// DefaultIdle is how long an unused environment is kept warm. Lambda promises nothing; minutes are what is seen.
	DefaultIdle = 5 * time.Minute
)

// SessionToken is that of the functions' credentials, which are temporary ones as on Lambda.
const SessionToken = "local"

// initTimeout is how long a program may take until it asks for its first invocation. It is Lambda's, and not part of a function's timeout.
const initTimeout = 10 * time.Second

// errClosed is the answer to what is invoked after Close.
var errClosed = errors.New("lambda: the processes are closed")

// ProcessConfig describes functions that are programs: what Lambda's provided runtimes start as bootstrap.
type ProcessConfig struct {
	Programs map[string]string // the path of each function's program
	Env      map[string]string // what the deployment gives all of them, besides Lambda's own variables, which it may not change

	Environments int           // most environments of one function; further invocations wait. DefaultEnvironments where 0
	Idle         time.Duration // how long an environment is kept that has nothing to do. DefaultIdle where 0
	Clock        clock.Clock   // of Idle, the initialisation's 10 s and the trace ids; clock.Real where nil
	Region       string        // us-east-1 where empty
	Secret       string        // of the functions' access keys, whose ids are their names; local where empty. The session token is SessionToken
	// Log takes what the functions print: a JSON line by its own level and message, another as a warning if it is of stderr. At level DEBUG it is told
	// of each environment's start and end. Nothing is logged where nil.
	Log *slog.Logger
}

// Processes runs functions as processes, each behind a Runtime API of its own on a loopback port. They are for a Runner's Config.Functions. Close
// ends them.
type Processes struct {
	config    ProcessConfig
	functions map[string]*program
}

// NewProcesses checks c. Nothing is started before it is invoked.
func NewProcesses(c ProcessConfig) (*Processes, error) {
	c.Environments = cmp.Or(c.Environments, DefaultEnvironments)
	c.Idle = cmp.Or(c.Idle, DefaultIdle)
	c.Region = cmp.Or(c.Region, defaultRegion)
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Environments < 0 || c.Idle < 0 {
		return nil, fmt.Errorf("lambda: Environments %d or Idle %v is negative", c.Environments, c.Idle)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		if reserved(name) {
			return nil, fmt.Errorf("lambda: the environment variable %s is Lambda's own", name)
		}
	}
	p := &Processes{c, map[string]*program{}}
	for _, name := range slices.Sorted(maps.Keys(c.Programs)) {
		path, err := filepath.Abs(c.Programs[name]) // each runs in its own folder
		if err != nil {
			return nil, fmt.Errorf("lambda: program of %s: %w", name, err)
		}
		p.functions[name] = &program{config: &p.config, name: name, path: path, slots: make(chan struct{}, c.Environments),
			closing: make(chan struct{}), live: map[*environment]bool{}}
	}
	return p, nil
}

// Functions returns the handlers for Config.Functions. An invocation whose context ends, by its timeout or its caller, takes its environment with it.
func (p *Processes) Functions() map[string]Handler {
	handlers := map[string]Handler{}
	for name, f := range p.functions {
		handlers[name] = f
	}
	return handlers
}

// Close kills all processes, as Lambda does without extensions, and waits until they are gone. Invocations in flight end with TypeExit.
func (p *Processes) Close() {
	for _, name := range slices.Sorted(maps.Keys(p.functions)) {
		p.functions[name].close()
	}
	for _, f := range p.functions {
		f.running.Wait()
	}
}

// program is one function and its environments. An environment serves one invocation at a time; there is a new one when all are busy.
type program struct {
	config     *ProcessConfig
	name, path string
	slots      chan struct{} // an element for each environment that has something to do
	closing    chan struct{} // closed by close
	running    sync.WaitGroup

	mu     sync.Mutex // of what follows, and of the environments' state
	closed bool
	live   map[*environment]bool
	idle   []*environment // by when they became so: the last is the warmest, and the first ends first
}

// Invoke implements Handler. A Runner calls environment instead; who else calls must put into ctx what a Runner does, an id and a deadline, and
// waiting and initialisation are then within that.
func (f *program) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if _, ok := ctx.Deadline(); !ok || InvocationID(ctx) == "" {
		return nil, errors.New("lambda: a process takes invocations of a Runner only: this one has no id or no deadline")
	}
	e, err := f.environment(ctx)
	if err != nil {
		return nil, err
	}
	return e.Invoke(ctx, payload)
}

// environment implements placed: it waits for its turn, and then for an environment that is initialised. Its error is a *Error if that failed.
func (f *program) environment(ctx context.Context) (Handler, error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-f.closing:
		return nil, errClosed
	}
	e, err := f.take()
	if err != nil {
		<-f.slots
		return nil, err
	}
	if err := e.initialise(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// take makes an idle environment the caller's, or a new one. The caller has a slot, which is now the environment's.
func (f *program) take() (*environment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	if n := len(f.idle); n > 0 {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		e.taken, e.slot = true, true
		e.stopIdle()
		return e, nil
	}
	return f.start()
}

// rest makes an environment idle, until it is taken or its time is over. f.mu is locked.
func (f *program) rest(e *environment) {
	f.idle = append(f.idle, e)
	stop := f.config.Clock.AfterFunc(f.config.Idle, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.forget(e) {
			e.kill()
		}
	})
	e.stopIdle = func() { stop() }
	e.slot = false
	<-f.slots
}

// forget takes an environment off the idle ones, and reports whether it was one of them. f.mu is locked.
func (f *program) forget(e *environment) bool {
	n := len(f.idle)
	f.idle = slices.DeleteFunc(f.idle, func(other *environment) bool { return other == e })
	return len(f.idle) < n
}

func (f *program) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	close(f.closing)
	for e := range f.live {
		e.kill()
	}
}
