package sim

import (
	"context"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	buspipe "nexus/pkg/pipe"
	"nexus/pkg/user"
)

// Options change a run; the zero value is the simulation.
type Options struct {
	// Verbose keeps the log's lines.
	Verbose bool
	// Rewrite, where set, may change a request on its way to the service, or answer it itself: how tests take out what the design rests on.
	Rewrite func(r *Outgoing)
	// RepairAge replaces task.RepairAge where it is not zero.
	RepairAge time.Duration
	// Silent has no $disconnect say why its connection ended.
	Silent bool
	// Lags has what is read eventually be old in all runs.
	Lags bool
	// Mix is the families of calls that the run is of; the seed's where empty.
	Mix []family
}

// Outgoing is a request that Options.Rewrite sees.
type Outgoing struct {
	Op, Table, Function string
	Body                []byte
	Stored              bool                // its handler has put an item before
	Wronged             bool                // it is to a connection of which API Gateway has said 410 although it was there
	Answer              []byte              // where set, the service is not asked
	Edit                func([]byte) []byte // where set, changes the service's answer
}

// Report is what came of a run.
type Report struct {
	Seed       uint64
	Weather    string
	Families   string   // of calls
	Operations int      // requests of clients
	Requests   int      // of handlers
	Hash       uint64   // of the log: equal for equal runs
	Failures   []string // invariants that did not hold
	Lines      []string // the log, if Verbose
}

// world is one run.
type world struct {
	options  Options
	seed     uint64
	rng      *rand.Rand // the scheduler's: all that is decided between two steps
	weather  weather
	ranks    map[int]float64 // of invocations, where stubborn
	stubborn bool
	patient  bool  // requests are sent again after a while, and not without end
	tokens   uint  // in the quota of each client then
	skewed   bool  // the clocks of environments differ
	lags     bool  // what is not read strongly lags
	small    bool  // pages are short, iterators and records do not last long
	slots    []int // the environments that there are
	hasty    bool  // handlers leave to messages what they may
	greedy   bool  // workers send results that are too big
	hurried  bool  // clients close their connections right behind what they send
	limits   buspipe.Limits
	agenda   agenda
	wire     wire
	stack    *stack.Stack
	sources  *sources
	began    time.Time
	closing  bool // clients send nothing more

	mu           sync.Mutex
	chance       *rand.Rand // the handlers'
	ids          uint64     // of the emulated services
	ulids        uint64
	environments int // that there have been
	invocations  []*invocation
	cause        string  // of the next invocation, for the log
	sending      *call   // the client's request that the next invocation carries out
	connecting   *client // who opens a connection
	byRequest    map[string]*call
	finished     []func() // what goroutines outside of handlers have left for the scheduler

	clients   []*client
	calls     []*call
	posts     []*post
	trace     trace
	pipeTrace map[string]*pipeLife
	pipeOrder []*pipeLife // in the order in which they began
	lockTrace map[string]*lockLife
	lockOrder []*lockLife
	// By connid and by user.
	sessionTrace        map[string][]*sessionSnap
	userTrace           map[string][]*userSnap
	kills               int
	faults              int
	hot                 string    // the table that has too many requests
	cool                time.Time // until then
	down                string    // a function that fails from a time to another
	downFrom, downUntil time.Time
	full                time.Time // until then Lambda has no room for invocations
	turned              int       // invocations for which there was none
	wrongs              int       // connections that were there, of which API Gateway said 410
	disturbed           time.Time // the last fault
	requests            int
	mix                 []family
	inspector           *client        // who tries the locks at the end; nil where there are none
	pipes               []*pipe        // whose ids clients know
	subscribed          []subscription // that somebody asked for
	deadLetters         map[deadLetter]bool
	messages            int // that clients have made
	tags                int // likewise
	paths               []string
	known               []string      // taskids that some client has seen
	sluggish            bool          // some clients stop to read
	crowded             bool          // all are at the hot path at once
	activity            time.Duration // how long clients send requests

	failures []string
	logMu    sync.Mutex
	lines    []string
	hash     hash.Hash64
}

// Run carries out a seed. It must be called in a testing/synctest bubble of its own.
func Run(seed uint64, o Options) (*Report, error) {
	w := &world{options: o, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), chance: rand.New(rand.NewPCG(seed, 2)), ranks: map[int]float64{},
		began: time.Now(), paths: []string{hotPath, "p1.", "p2.sub.", "."}, byRequest: map[string]*call{}, hash: fnv.New64a(),
		pipeTrace: map[string]*pipeLife{}, lockTrace: map[string]*lockLife{}, sessionTrace: map[string][]*sessionSnap{}, userTrace: map[string][]*userSnap{},
		deadLetters: map[deadLetter]bool{}}
	w.weather = forecast(w.rng)
	w.stubborn = w.rng.IntN(2) == 1
	if w.rng.IntN(4) == 0 {
		w.weather.wrong = 0.03
	}
	w.hurried, w.greedy = w.rng.IntN(4) == 0, w.rng.IntN(6) == 0
	if w.mix = w.newMix(); len(o.Mix) > 0 {
		w.mix = o.Mix
	}
	w.trace.init()
	if err := w.start(); err != nil {
		return nil, err
	}
	w.live()
	w.close()
	r := &Report{Seed: seed, Weather: w.weather.name, Families: familiesOf(w.mix), Operations: len(w.calls), Requests: w.requests, Hash: w.hash.Sum64(), Lines: w.lines}
	r.Failures = w.failures
	return r, nil
}

// start starts the stack, with everything injected that could differ between two runs.
func (w *world) start() error {
	w.wire.over = make(chan struct{})
	w.wire.hold = func(r *request, park func()) {
		wait := w.wait(r)
		if wait == 0 {
			park()
			return
		}
		w.agenda.add(time.Now().Add(wait), func() {
			if r.inv.ended.IsZero() {
				park()
			}
		})
	}
	w.slots = make([]int, 1+w.rng.IntN(4))
	for n := range w.slots {
		w.slots[n] = n
	}
	w.environments, w.skewed = len(w.slots), w.rng.IntN(3) == 0
	w.lags, w.small = w.rng.IntN(3) == 0 || w.options.Lags, w.rng.IntN(3) == 0 && !w.weather.outage
	w.patient, w.tokens = w.rng.IntN(3) == 0, uint(w.rng.IntN(quota))
	env := map[string]string{}
	if w.rng.IntN(5) == 0 {
		env[handler.EnvShards] = hotPath + "=3"
	}
	s, err := stack.Start(context.Background(), stack.Config{
		Env:          env,
		Clock:        &w.agenda,
		Chances:      w.chances(0),
		Environments: w.environment,
		Tables:       w.tables,
		NewID:        w.newID,
		Delay:        w.delay,
		Wire: func(next http.RoundTripper) http.RoundTripper {
			w.wire.next = next
			return &w.wire
		},
		Retryer: w.retryer,
		Manual:  true,
		Adjust: func(s *nexus.Settings) {
			s.PasswordCost = user.Cost{Memory: 8, Passes: 1, Parallelism: 1}
			s.RepairAge = w.options.RepairAge
			s.FanoutRows, s.Abreast = 1, 1 // two may ask the same at a time, and the seed could not choose one
			if (slices.Contains(w.mix, pipes) || slices.Contains(w.mix, topics)) && w.rng.IntN(3) == 0 {
				s.Pipes = buspipe.Limits{Pipes: 1 + w.rng.IntN(3), Bytes: 100 + w.rng.Int64N(3*large), Reads: 1 + w.rng.IntN(3)}
			}
			if w.rng.IntN(3) == 0 {
				s.LoginTasks = 1 + w.rng.IntN(2)
			}
			w.limits = s.Pipes.Or(buspipe.DefaultLimits())
			if w.rng.IntN(5) == 0 {
				w.hasty, s.Chores = true, 50*time.Millisecond // clean-up and repair go on in another invocation
				if slices.Contains(w.mix, topics) {
					s.Chores = 100 * time.Millisecond // a fan-out must come to its first subscriber
				}
			}
		},
		Invoke: w.invoke,
	})
	if err != nil {
		return err
	}
	w.stack = s
	w.sources, err = openSources(w)
	return err
}

// close ends the run: what is parked fails, and nothing that happens now counts.
func (w *world) close() {
	close(w.wire.over)
	w.logf("over")
	_ = w.stack.Close()
	synctest.Wait()
}

// newID names what the emulated services name.
func (w *world) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	return fmt.Sprintf("id%08d", w.ids)
}

// mix is splitmix64's finalizer.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (w *world) float() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chance.Float64()
}

// delay is what a post takes on its way to the client: mostly nothing.
func (w *world) delay(connectionID string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.clientOf(connectionID); c != nil && c.slow {
		return 0 // that it does not read is known at once
	}
	if w.chance.IntN(4) > 0 {
		return 0
	}
	return time.Duration(1 + w.chance.Int64N(int64(20*time.Millisecond)))
}

// because notes for the log what the next invocation comes from.
func (w *world) because(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cause = fmt.Sprintf(format, args...)
}

// leave hands something to the scheduler from a goroutine that is no handler.
func (w *world) leave(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = append(w.finished, f)
}

func (w *world) logf(format string, args ...any) {
	w.logMu.Lock()
	defer w.logMu.Unlock()
	line := fmt.Sprintf("%12.6f ", time.Since(w.began).Seconds()) + fmt.Sprintf(format, args...) + "\n"
	_, _ = w.hash.Write([]byte(line)) // a hash takes everything
	if w.options.Verbose {
		w.lines = append(w.lines, strings.TrimSuffix(line, "\n"))
	}
}

func (w *world) failf(format string, args ...any) {
	const enough = 20
	if len(w.failures) < enough {
		w.failures = append(w.failures, fmt.Sprintf(format, args...))
	}
	w.logf("FAILED "+format, args...)
}

// ms reads milliseconds since 1970.
func ms(n int64) time.Time { return time.UnixMilli(n) }

func (i *invocation) String() string {
	if i == nil {
		return "#-"
	}
	return fmt.Sprintf("#%d", i.n)
}
