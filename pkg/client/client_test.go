package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestCalls(t *testing.T) {
	const calls = 50
	var held []request
	// The answers come in the reverse order, once all was asked.
	last := func(r request) []string {
		if held = append(held, r); len(held) < calls {
			return nil
		}
		var answers []string
		for i := calls - 1; i >= 0; i-- {
			answers = append(answers, held[i].result(string(held[i].Params))...)
		}
		return answers
	}
	run(t, last, Options{}, func(t *testing.T, b *bus, c *Client) {
		var wg sync.WaitGroup
		for i := range calls {
			wg.Go(func() {
				var got int
				if err := c.Call(t.Context(), "echo", i, &got); err != nil || got != i {
					t.Errorf("%d, %v, expected %d", got, err, i)
				}
			})
		}
		wg.Wait()
		for _, r := range b.asked {
			if r.JSONRPC != "2.0" || r.Method != "echo" {
				t.Errorf("sent %s", r.text)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	answer := func(r request) []string {
		if r.Method == "sys.ping" {
			return r.result(`null`)
		}
		return r.error(`{"code":-32602,"message":"Invalid params:[user]","data":{"a":1}}`)
	}
	run(t, answer, Options{}, func(t *testing.T, _ *bus, c *Client) {
		_, err := c.Login(t.Context(), "bob", "secret")
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeInvalidParams || e.Message != "Invalid params:[user]" || string(e.Data) != `{"a":1}` {
			t.Errorf("%#v", err)
		}
		if !IsCode(err, CodeInvalidParams) || IsCode(err, CodeTimeout) || IsCode(nil, 0) {
			t.Error("IsCode")
		}
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := c.Call(t.Context(), "x", json.RawMessage(`{`), nil); err == nil || !strings.Contains(err.Error(), "no JSON") {
			t.Errorf("%v, expected a complaint about the params", err)
		}
		if err := c.Call(t.Context(), "x", make(chan int), nil); err == nil {
			t.Error("a channel is no JSON")
		}
	})
}

// What is given as JSON goes out and comes in byte for byte.
func TestBytes(t *testing.T) {
	echo := func(r request) []string { return r.result(string(r.Params)) }
	run(t, echo, Options{}, func(t *testing.T, _ *bus, c *Client) {
		const text = `{ "b":1.0, "a":"<\u003c>&", "a":12345678901234567890 }`
		var got json.RawMessage
		if err := c.Call(t.Context(), "x", json.RawMessage(text), &got); err != nil || string(got) != text {
			t.Errorf("%s, %v, expected %s", got, err, text)
		}
		if err := c.Call(t.Context(), "x", map[string]string{"a": "<&>"}, &got); err != nil || string(got) != `{"a":"<&>"}` {
			t.Errorf("%s, %v", got, err)
		}
		if err := c.Push(t.Context(), "m", json.RawMessage(text), &got, nil); err != nil || string(got) != `{"method":"m","params":`+text+`}` {
			t.Errorf("%s, %v", got, err)
		}
	})
}

func TestFrames(t *testing.T) {
	answer := func(r request) []string { return r.result("true") }
	run(t, answer, Options{KeepAlive: -1}, func(t *testing.T, b *bus, c *Client) {
		const size = 100_000
		if err := c.Call(t.Context(), "x", strings.Repeat("x", size), nil); err != nil {
			t.Fatal(err)
		}
		lengths, payload := b.frames()
		if len(lengths) != 5 || payload != len(b.asked[0].text) || payload < size { // the fifth is empty and says that it is the last
			t.Errorf("%d bytes in %v", payload, lengths)
		}
		for _, n := range lengths {
			if n > 32<<10 {
				t.Errorf("a frame of %d bytes", n)
			}
		}
		err := c.Call(t.Context(), "x", strings.Repeat("x", maxMessage), nil)
		if !errors.Is(err, ErrTooLong) {
			t.Errorf("%v, expected ErrTooLong", err)
		}
		if err := c.Ping(t.Context()); err != nil || b.methods() != "x sys.ping" {
			t.Errorf("%v, %s", err, b.methods())
		}
	})
}

func TestUnknown(t *testing.T) {
	var unknown []string
	opts := Options{Unknown: func(message []byte) { unknown = append(unknown, string(message)) }}
	frames := []string{`{"message":"Internal server error","connectionId":"a"}`, `{"id":null,"error":{"code":-32700,"message":"Parse error"}}`,
		`{"id":99,"result":1}`, `{"id":"1","result":1}`, `nonsense`, ``}
	answer := func(r request) []string { return append(frames[:len(frames):len(frames)], r.result("1")...) }
	run(t, answer, opts, func(t *testing.T, _ *bus, c *Client) {
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if strings.Join(unknown, "|") != strings.Join(frames, "|") {
			t.Errorf("got %q", unknown)
		}
	})
}

func TestContext(t *testing.T) {
	run(t, func(request) []string { return nil }, Options{KeepAlive: -1}, func(t *testing.T, b *bus, c *Client) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, expected the context's error", err)
		}
		if len(c.open) != 0 {
			t.Errorf("%d calls are open", len(c.open))
		}
		b.from(func(r request) []string { return r.result("1") })
		if err := c.Ping(t.Context()); err != nil {
			t.Errorf("%v: the connection lasts", err)
		}
	})
}

func TestClose(t *testing.T) {
	run(t, func(request) []string { return nil }, Options{}, func(t *testing.T, _ *bus, c *Client) {
		called := make(chan error)
		go func() { called <- c.Ping(context.Background()) }()
		synctest.Wait()
		if c.Err() != nil {
			t.Error(c.Err())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		var closed *ClosedError
		for _, err := range []error{<-called, c.Ping(t.Context()), c.Notify(t.Context(), "x", nil), c.Err()} {
			if !errors.As(err, &closed) || !errors.Is(err, ErrClosed) {
				t.Errorf("%v, expected ErrClosed", err)
			}
		}
		<-c.Done()
		if err := c.Close(); err != nil {
			t.Errorf("%v: closing twice is no error", err)
		}
	})
}

func TestClosedByTheBus(t *testing.T) {
	run(t, func(request) []string { return nil }, Options{}, func(t *testing.T, b *bus, c *Client) {
		called := make(chan error)
		go func() { _, err := c.Pull(context.Background(), "a", 0); called <- err }()
		synctest.Wait()
		go b.conn.Close(websocket.StatusGoingAway, "two hours")
		err := <-called
		var closed *ClosedError
		if !errors.As(err, &closed) || websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("%v, expected the close frame", err)
		}
		<-c.Done()
	})
}

func TestKeepAlive(t *testing.T) {
	answer := func(r request) []string { return r.result("1") }
	run(t, answer, Options{}, func(t *testing.T, b *bus, c *Client) {
		// Each ping's answer is something heard, so every second interval is quiet.
		<-time.After(5*DefaultKeepAlive + time.Second)
		if b.methods() != "sys.ping sys.ping sys.ping" {
			t.Errorf("asked %q", b.methods())
		}
		b.from(func(request) []string { return nil })
		<-c.Done()
		if !errors.Is(c.Err(), ErrSilent) {
			t.Errorf("%v, expected ErrSilent", c.Err())
		}
	})
}
