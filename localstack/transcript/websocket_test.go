package transcript

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// serve answers each message on a port with what f says; "close" and "cut" end the connection.
func serve(t *testing.T, f func(path, text string) string) *WebSocket {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		conn.SetReadLimit(1 << 20)
		for {
			_, text, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			switch answer := f(r.URL.Path, string(text)); answer {
			case "close":
				conn.Close(websocket.StatusGoingAway, "bye")
			case "cut":
				conn.CloseNow()
			default:
				if err := conn.Write(r.Context(), websocket.MessageText, []byte(answer)); err != nil {
					return
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	return &WebSocket{URL: strings.Replace(server.URL, "http", "ws", 1), User: "root", Pass: "root"}
}

func TestWebSocketPlays(t *testing.T) {
	bus := serve(t, func(path, text string) string {
		_, id, _ := strings.Cut(text, `"id":`)
		id, _, _ = strings.Cut(id, ",")
		if strings.Contains(text, `"end"`) {
			return "close"
		}
		return `{"jsonrpc":"2.0","id":` + id + `,"result":"` + path + `"}`
	})
	s, err := Parse("x", []byte(`on /v0
a login
a --> {"id":1,"x":1}
a <-- {"id":1,"result":"/v0"}
b connect /v1
b --> {"id":1,"x":"${y*130000}"}
b <-- {"id":1,"result":"/v1"}
b --> "end"
b <-- closed 1001
a cut
a --> {"id":2,"x":1}
a <-- {"id":2,"result":*}
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Play(t.Context(), bus); err == nil || !strings.Contains(err.Error(), `x:2: a expected {"id":"login","result":{"ok":true,…}}`) {
		t.Fatal(err) // the login's answer is no object
	}
	s.steps = s.steps[2:]
	if err := s.Play(t.Context(), bus); err != nil {
		t.Fatal(err)
	}
}

func TestWebSocketEnds(t *testing.T) {
	bus := serve(t, func(_, text string) string { return text })
	conn, err := bus.Dial(t.Context(), "/v0")
	if err != nil {
		t.Fatal(err)
	}
	done, stop := context.WithCancel(t.Context())
	stop()
	if _, err := conn.Receive(done); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's error", err)
	}
	for _, text := range []string{"one", "cut"} {
		if err := conn.Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := conn.Receive(t.Context())
	if string(text) != "one" || err != nil {
		t.Errorf("%q, %v: a cancelled Receive loses nothing", text, err)
	}
	var closed *CloseError
	if _, err := conn.Receive(t.Context()); !errors.As(err, &closed) || closed.Code != 1006 {
		t.Errorf("%v, expected 1006", err)
	}
}

// No frame may carry more than 32 KB.
func TestWebSocketFragments(t *testing.T) {
	type message struct{ total, most int }
	got := make(chan message, 1)
	bus := serve(t, func(string, string) string { return "ok" })
	bus.Options = &websocket.DialOptions{HTTPClient: &http.Client{Transport: frameCounter{func(total, most int) { got <- message{total, most} }}}}
	for _, size := range []int{10, maxFrame, maxFrame + 1, 3 * maxFrame, 120 << 10} {
		conn, err := bus.Dial(t.Context(), "/v0")
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Send([]byte(strings.Repeat("x", size))); err != nil {
			t.Fatal(err)
		}
		if answer, err := conn.Receive(t.Context()); err != nil || string(answer) != "ok" {
			t.Fatalf("%q, %v", answer, err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if m := <-got; m.total != size || m.most > 32<<10 {
			t.Errorf("%d bytes came as %d in frames of up to %d, header included", size, m.total, m.most)
		}
	}
}

// frameCounter looks at the frames that a client writes and reports, once it has written its close frame, the payload of the others and the
// longest frame with its header.
type frameCounter struct{ report func(payload, most int) }

func (f frameCounter) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = &countedBody{res.Body.(io.ReadWriteCloser), nil, f.report}
	return res, nil
}

type countedBody struct {
	io.ReadWriteCloser
	written []byte
	report  func(payload, most int)
}

func (b *countedBody) Write(p []byte) (int, error) {
	b.written = append(b.written, p...)
	return b.ReadWriteCloser.Write(p)
}

func (b *countedBody) Close() error {
	payload, most := 0, 0
	for p := b.written; len(p) > 0 && p[0]&0xf != 8; {
		n, header := int(p[1]&0x7f), 6
		switch n {
		case 126:
			n, header = int(p[2])<<8|int(p[3]), 8
		case 127:
			n, header = int(p[7])<<16|int(p[8])<<8|int(p[9]), 14
		}
		payload, most = payload+n, max(most, n+header)
		p = p[n+header:]
	}
	if b.report != nil {
		b.report(payload, most)
		b.report = nil
	}
	return b.ReadWriteCloser.Close()
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Hour+time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestWebSocketClock(t *testing.T) {
	bus := &WebSocket{}
	if err := bus.Advance(t.Context(), 0); !errors.Is(err, ErrCannotAdvance) {
		t.Error(err)
	}
	moved := time.Duration(0)
	bus.Clock = func(_ context.Context, d time.Duration) error {
		moved += d
		return nil
	}
	if err := bus.Advance(t.Context(), time.Minute); err != nil || moved != time.Minute {
		t.Errorf("moved by %v, %v", moved, err)
	}
}
