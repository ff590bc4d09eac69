package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
)

// terminal is a running talk.
type terminal struct {
	out  *bufio.Reader
	done chan error
	t    *testing.T
}

// open starts a talk with a bus. It paces so slowly that no line would ever follow another, were it not for the messages between them.
func open(ctx context.Context, t *testing.T, url string, in io.Reader) *terminal {
	out, stdout := io.Pipe()
	term := &terminal{out: bufio.NewReader(out), done: make(chan error, 1), t: t}
	go func() {
		err := talk(ctx, url, in, stdout, time.Hour, time.Nanosecond)
		stdout.Close()
		term.done <- err
	}()
	return term
}

// typed is an input that has a line and does not end before the test does.
func typed(t *testing.T, line string) io.Reader {
	more, end := io.Pipe()
	t.Cleanup(func() { end.Close() })
	return io.MultiReader(strings.NewReader(line+"\n"), more)
}

func (term *terminal) shows(want string) {
	term.t.Helper()
	if got, err := term.out.ReadString('\n'); err != nil || !strings.HasPrefix(got, want) {
		term.t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

func bus(t *testing.T) (s *stack.Stack, url string) {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, "ws://" + s.Addr + "/v0"
}

func TestLinesAreSentInTurnAndMessagesShown(t *testing.T) {
	_, url := bus(t)
	long := strings.Repeat("x", 100_000) // more than a frame and than a Scanner's line
	term := open(t.Context(), t, url, strings.NewReader(`{"id":1,"method":"sys.login","params":{"user":"root","pass":"root"}}`+"\n\n"+
		`{"id":2,"method":"sys.ping"}`+"\r\n"+
		`{"id":3,"method":"task.push","params":{"detached":true,"method":"demo.add","params":"`+long+`"}}`+"\n"+
		`{"id":4,"method":"sys.ping"}`)) // the last line has no end
	term.shows(`{"jsonrpc":"2.0","id":1,"result":{"ok":true,`)
	term.shows(`{"jsonrpc":"2.0","id":2,"result":"pong"}`)
	term.shows(`{"jsonrpc":"2.0","id":3,"result":{"ok":true}}`)
	term.shows(`{"jsonrpc":"2.0","id":4,"result":"pong"}`)
	if err := <-term.done; err != nil {
		t.Error(err)
	}
}

func TestABusThatIsNotThere(t *testing.T) {
	s, url := bus(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := talk(t.Context(), url, strings.NewReader(""), io.Discard, 0, 0)
	if err == nil || !strings.Contains(err.Error(), url) || !strings.Contains(err.Error(), "is the bus running?") {
		t.Error(err)
	}
}

func TestABusThatCloses(t *testing.T) {
	s, url := bus(t)
	term := open(t.Context(), t, url, typed(t, `{"id":1,"method":"sys.ping"}`))
	term.shows(`{"jsonrpc":"2.0","id":1,`)
	go s.Close()
	var closed *transcript.CloseError
	if err := <-term.done; !errors.As(err, &closed) || closed.Code != 1001 {
		t.Errorf("%v", err)
	}
}

func TestAnInterruptIsNoError(t *testing.T) {
	_, url := bus(t)
	ctx, interrupt := context.WithCancel(t.Context())
	term := open(ctx, t, url, typed(t, `{"id":1,"method":"sys.ping"}`))
	term.shows(`{"jsonrpc":"2.0","id":1,`)
	interrupt()
	if err := <-term.done; err != nil {
		t.Error(err)
	}
}
