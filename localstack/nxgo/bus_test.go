package nxgo_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/user"

	"github.com/nayarsystems/nxgo"
	"github.com/nayarsystems/nxgo/nxcore"
)

const ok = `{"ok":true}`

// patience is how long a test waits for what happens by itself before it fails.
const patience = 30 * time.Second

// bus is a local stack and one test's clients of it.
type bus struct {
	*stack.Stack
	t    *testing.T
	dial func() (*nxcore.NexusConn, error) // on the stage v1
}

// newBus starts a stack that ends with the test, on a free port.
func newBus(t *testing.T) *bus {
	t.Helper()
	b := start(t, "127.0.0.1:0")
	b.dial = func() (*nxcore.NexusConn, error) { return nxgo.Dial("ws://"+b.Addr+"/v1", nil) }
	return b
}

// start starts a stack that ends with the test; listen is empty for one without a port.
func start(t *testing.T, listen string) *bus {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Config{Listen: listen,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		// What a password costs is tested where it is made.
		Adjust: func(set *nexus.Settings) { set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bus{Stack: s, t: t}
}

// nobody connects.
func (b *bus) nobody() *nxcore.NexusConn {
	b.t.Helper()
	c, err := b.dial()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

// as connects and logs in with the password that user makes.
func (b *bus) as(name string) *nxcore.NexusConn {
	b.t.Helper()
	c := b.nobody()
	b.login(c, name, "secret")
	return c
}

// root is an administrator.
func (b *bus) root() *nxcore.NexusConn {
	b.t.Helper()
	c := b.nobody()
	b.login(c, "root", "root")
	return c
}

func (b *bus) login(c *nxcore.NexusConn, name, pass string) {
	b.t.Helper()
	if _, err := c.Login(name, pass); err != nil {
		b.t.Fatalf("login as %s: %v", name, err)
	}
}

// user makes a user.
func (b *bus) user(root *nxcore.NexusConn, name string) {
	b.t.Helper()
	b.want(ok)(root.UserCreate(name, "secret"))
}

// want checks what a call answers, as JSON whose members are sorted.
func (b *bus) want(want string) func(answer any, err error) {
	b.t.Helper()
	return func(answer any, err error) {
		b.t.Helper()
		text, _ := json.Marshal(answer) // it came as JSON
		if err != nil || string(text) != want {
			b.t.Errorf("%s %v, expected %s", text, err, want)
		}
	}
}

// refused checks the error that a call answers.
func (b *bus) refused(code int) func(answer any, err error) {
	b.t.Helper()
	return func(answer any, err error) {
		b.t.Helper()
		var e *nxcore.JsonRpcErr
		if !errors.As(err, &e) || e.Code() != code {
			b.t.Errorf("%v %v, expected the error %d", answer, err, code)
		}
	}
}

// done tells whether a call was carried out.
func done(_ any, err error) bool { return err == nil }

// until waits for what happens by itself: it asks again and again, over the wire.
func (b *bus) until(what string, is func() bool) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.t.Context(), patience)
	defer stop()
	for !is() {
		if ctx.Err() != nil {
			b.t.Fatalf("%s: %v", what, ctx.Err())
		}
	}
}

// receive takes what comes over a channel. It fails the test if the channel is closed instead, or nothing comes.
func receive[T any](b *bus, from <-chan T) T {
	b.t.Helper()
	v, open := next(b, from)
	if !open {
		b.t.Fatal("the channel was closed")
	}
	return v
}

// next is receive from a channel that may be closed.
func next[T any](b *bus, from <-chan T) (v T, open bool) {
	b.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case v, open = <-from:
		return v, open
	case <-late.C:
		b.t.Fatal("nothing came")
		return v, false
	}
}
