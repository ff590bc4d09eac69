package lock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/lock"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/user"

	"github.com/anishathalye/porcupine"
)

const (
	clients = 64
	locks   = 8
	rounds  = 30 // requests of a client
)

// world is a bus in a bubble whose clients come and go. Nothing reads its stream, queue and schedule: there are no clean-ups but those of who
// ends a session, and of some ends nobody is told.
type world struct {
	*stack.Stack
	t      *testing.T
	began  time.Time
	mutate func(body []byte) []byte // of requests to DynamoDB

	mu       sync.Mutex
	rand     *rand.Rand
	history  []porcupine.Operation
	sessions map[string]int   // by connid, counted from 1
	died     map[string]int64 // when a session's death began
	known    map[string]bool  // its death is in the history
	unheard  map[string]bool  // connections, by API Gateway's id, whose $disconnect is lost
	// Requests to which something has happened that their writers must make good.
	disturbed map[string]bool
}

func newWorld(t *testing.T, seed uint64, mutate func([]byte) []byte) *world {
	w := &world{t: t, began: time.Now(), mutate: mutate, rand: rand.New(rand.NewPCG(seed, 0)), sessions: map[string]int{}, died: map[string]int64{},
		known: map[string]bool{}, unheard: map[string]bool{}, disturbed: map[string]bool{}}
	var err error
	w.Stack, err = stack.Start(t.Context(), stack.Config{Manual: true, Invoke: w.invoke, Wire: w.wire,
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		Adjust: func(set *nexus.Settings) { set.PasswordCost = user.Cost{Memory: 8, Passes: 1, Parallelism: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	// All are root, as often as they like.
	if _, err := w.Bus.Locks.DB.Do(t.Context(), store.Write{Table: store.Users, Key: store.Item{"user": store.S("root")},
		Update: "SET #maxsessions = :none", If: "attribute_exists(#user)", Values: store.Item{":none": store.N(0)}}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) now() int64 { return int64(time.Since(w.began)) }

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.below(n) == 0 }

func (w *world) below(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

// pause lets up to most pass.
func (w *world) pause(most time.Duration) { <-time.After(time.Duration(w.below(int(most)))) }

// invoke loses the $disconnect of some connections.
func (w *world) invoke(next stack.Invoke) stack.Invoke {
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		var e struct {
			RequestContext struct{ EventType, ConnectionID string }
		}
		if err := json.Unmarshal(payload, &e); err != nil {
			return nil, err
		}
		w.mu.Lock()
		unheard := e.RequestContext.EventType == "DISCONNECT" && w.unheard[e.RequestContext.ConnectionID]
		w.mu.Unlock()
		if unheard {
			return []byte(`{"statusCode":200}`), nil
		}
		return next(ctx, function, payload)
	}
}

// wire makes every request of the functions take some time, and loses some and the responses of some, but no request twice: an error would
// leave the outcome open.
func (w *world) wire(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
		}
		if w.mutate != nil {
			body = w.mutate(body)
			r.ContentLength = int64(len(body))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		faulty := strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1") && r.Header.Get("X-Amz-Target") != "" && w.chance(20) && w.first(body)
		w.pause(8 * time.Millisecond)
		if faulty && w.chance(2) {
			return nil, io.ErrUnexpectedEOF
		}
		response, err := next.RoundTrip(r)
		if err == nil && response.StatusCode == http.StatusOK {
			w.watch(body)
		}
		w.pause(8 * time.Millisecond)
		if faulty {
			return nil, io.ErrUnexpectedEOF
		}
		return response, err
	})
}

// first tells whether nothing has happened yet to the write of a call that repeats it by itself.
func (w *world) first(body []byte) bool {
	_, after, blind := bytes.Cut(body, []byte(`":request":{"S":"`))
	if !blind {
		return true
	}
	request, _, _ := strings.Cut(string(after), `"`)
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.disturbed[request]
	w.disturbed[request] = true
	return !before
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// watch sees when a session's end is written: from then on the bus knows.
func (w *world) watch(body []byte) {
	if !bytes.Contains(body, []byte(`"nexus-sessions"`)) || !bytes.Contains(body, []byte("SET #state = :ended")) {
		return
	}
	var in struct {
		Key struct{ ID struct{ S string } }
	}
	if json.Unmarshal(body, &in) == nil {
		w.knows(in.Key.ID.S, w.now())
	}
}

// dies notes that a session's death begins.
func (w *world) dies(connid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.died[connid] = w.now()
}

// knows adds a session's death to the history, which was known at a time.
func (w *world) knows(connid string, at int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known[connid] {
		return
	}
	w.known[connid] = true
	began, ok := w.died[connid]
	if !ok {
		w.t.Errorf("the bus has ended session %s, whose client is there", connid)
	}
	w.history = append(w.history, op(input{kind: dying, session: w.sessions[connid]}, output{}, began, at))
}

// run lets all clients live and returns what happened. At last, when all are dead, each lock must be had by who asks once more.
func run(t *testing.T, seed uint64, mutate func([]byte) []byte) []porcupine.Operation {
	w := newWorld(t, seed, mutate)
	var all sync.WaitGroup
	for range clients {
		all.Go((&actor{w: w}).live)
	}
	all.Wait()
	<-time.After(lock.AskEvery)
	last := &actor{w: w}
	if err := last.connect(); err != nil {
		t.Fatal(err)
	}
	for n := range locks {
		if out := last.do(locking, n, nil); !out.ok {
			t.Errorf("lock %d is still held", n)
		}
	}
	w.dies(last.connid) // with the bus
	w.mu.Lock()
	defer w.mu.Unlock()
	for connid, began := range w.died {
		if !w.known[connid] {
			w.history = append(w.history, op(input{kind: dying, session: w.sessions[connid]}, output{}, began, never))
		}
	}
	return w.history
}

// TestLinearizable: 64 clients, whose sessions are cut without a word, ended and kicked, share a few locks on a bus that loses requests and
// responses. What they saw is what they would have seen one after another, and each fence is greater than the one before. A seed gives other
// chances, not the same ones again: the order of goroutines is the scheduler's.
func TestLinearizable(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			var history []porcupine.Operation
			synctest.Test(t, func(t *testing.T) { history = run(t, seed, nil) })
			var granted, refused, lost, deaths, known int
			seen := map[[2]int64]bool{}
			for _, o := range history {
				switch in, out := o.Input.(input), o.Output.(output); {
				case in.kind == dying:
					deaths++
					if o.Return != never {
						known++
					}
				case !out.known:
					lost++
				case in.kind == locking && out.ok:
					granted++
					if fence := [2]int64{int64(in.lock), out.fence}; seen[fence] {
						t.Errorf("fence %d of lock %d was granted twice", out.fence, in.lock)
					} else {
						seen[fence] = true
					}
				case in.kind == locking:
					refused++
				}
			}
			began := time.Now()
			result := porcupine.CheckOperationsTimeout(model(), history, checked)
			t.Logf("%d granted, %d refused, %d of unknown outcome, %d deaths, %d of them known; checked in %v", granted, refused, lost, deaths, known, time.Since(began))
			if result != porcupine.Ok {
				t.Errorf("linearizable: %s", result)
			}
			if granted < 100 || refused < 100 || lost < 20 || deaths < clients || known < clients {
				t.Error("too little happened")
			}
		})
	}
}

// TestNotLinearizable: the test above notices a lock that is taken over without its condition.
func TestNotLinearizable(t *testing.T) {
	condition := []byte(`"#owner = :gone AND #fence = :fence`)
	mutate := func(body []byte) []byte {
		return bytes.Replace(body, condition, []byte(`"#owner = :gone OR #fence >= :fence`), 1)
	}
	for seed := range uint64(10) {
		var history []porcupine.Operation
		synctest.Test(t, func(t *testing.T) { history = run(t, seed, mutate) })
		if porcupine.CheckOperationsTimeout(model(), history, checked) == porcupine.Illegal {
			return
		}
	}
	t.Error("no seed noticed")
}
