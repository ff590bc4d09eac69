package stack_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/user"
)

// scripts reads all transcripts.
func scripts(t *testing.T) []*transcript.Script {
	files, err := filepath.Glob("../../pkg/nexus/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	var all []*transcript.Script
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := transcript.Parse(filepath.Base(file), src)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// start starts a stack that ends with the test.
func start(t *testing.T, c stack.Config) *stack.Stack {
	t.Helper()
	if c.Log == nil {
		c.Log = testLog(t)
	}
	adjust := c.Adjust
	c.Adjust = func(set *nexus.Settings) {
		cheap(set)
		if adjust != nil {
			adjust(set)
		}
	}
	s, err := stack.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// cheap hashes passwords at next to no cost: the real one is tested where it is made; here it would be most of the work.
func cheap(set *nexus.Settings) {
	set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1}
}

// TestTranscriptsInProcess plays each transcript on a stack of its own, in a bubble whose time is virtual. Together they make use of the functions'
// rights.
func TestTranscriptsInProcess(t *testing.T) {
	u := &use{seen: map[string]bool{}}
	all, played := scripts(t), atomic.Int64{}
	t.Cleanup(func() {
		if int(played.Load()) == len(all) { // and not those alone that -run names
			u.check(t)
		}
	})
	for _, script := range all {
		t.Run(strings.TrimSuffix(script.Name, ".txt"), func(t *testing.T) {
			t.Parallel()
			played.Add(1)
			synctest.Test(t, func(t *testing.T) {
				s := start(t, stack.Config{Chances: ordered(), Wire: u.wire})
				if err := script.Play(t.Context(), &inProcess{s.Gateway}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestTranscriptsOverWebSocket plays the transcripts over real connections: together on one stack where they leave its clock alone, else each
// on its own, whose clock they move.
func TestTranscriptsOverWebSocket(t *testing.T) {
	shared := start(t, stack.Config{Listen: "127.0.0.1:0"})
	t.Run("all", func(t *testing.T) {
		for _, script := range scripts(t) {
			t.Run(strings.TrimSuffix(script.Name, ".txt"), func(t *testing.T) {
				if !script.Alone { // or it is played before the others go on
					t.Parallel()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := script.Play(ctx, &transcript.WebSocket{URL: "ws://" + shared.Addr, User: "root", Pass: "root"})
				if errors.Is(err, transcript.ErrCannotAdvance) {
					own := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
					var busy underWay
					s := start(t, stack.Config{Listen: "127.0.0.1:0", Clock: own, Invoke: busy.count})
					err = script.Play(ctx, &transcript.WebSocket{URL: "ws://" + s.Addr, User: "root", Pass: "root",
						Clock: func(ctx context.Context, d time.Duration) error {
							// What was sent before the jump is handled before it, and so is what timers began.
							if err := s.Gateway.Handled(ctx); err != nil {
								return err
							}
							busy.wait()
							own.Advance(d)
							return nil
						}})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// underWay counts the invocations that are under way.
type underWay struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil if nobody waits
}

func (u *underWay) count(next stack.Invoke) stack.Invoke {
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		u.add(1)
		defer u.add(-1)
		return next(ctx, function, payload)
	}
}

func (u *underWay) add(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n += n; u.n == 0 && u.idle != nil {
		close(u.idle)
		u.idle = nil
	}
}

// wait returns once nothing is under way.
func (u *underWay) wait() {
	u.mu.Lock()
	if u.n == 0 {
		u.mu.Unlock()
		return
	}
	if u.idle == nil {
		u.idle = make(chan struct{})
	}
	idle := u.idle
	u.mu.Unlock()
	<-idle
}

// ordered returns the chances of a bubble, in which many things happen at the same moment: its ids are in the order in which they were made.
func ordered() *nexus.Chances {
	c := handler.Chances()
	var n atomic.Uint64
	c.NewID = func() string { return fmt.Sprintf("%s%016d", handler.FirstULID(time.Now())[:10], n.Add(1)) }
	return &c
}

// inProcess is a stack's gateway without a network, inside a bubble.
type inProcess struct{ gateway *gateway.Gateway }

// Root implements transcript.Target.
func (*inProcess) Root() (user, pass string) { return "root", "root" }

// Advance implements transcript.Target: the bubble's time passes.
func (*inProcess) Advance(ctx context.Context, d time.Duration) error {
	if err := transcript.Sleep(ctx, d); err != nil {
		return err
	}
	synctest.Wait()
	return nil
}
