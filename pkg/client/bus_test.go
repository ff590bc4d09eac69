package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

// bus is the other side of a test: a WebSocket server in memory, so that a bubble can hold it.
type bus struct {
	t *testing.T

	mu sync.Mutex
	// answer is called with each request, one after another, and returns the messages to send.
	answer func(r request) []string

	conn  *websocket.Conn
	asked []request
	wire  bytes.Buffer // what the client wrote
}

type request struct {
	JSONRPC string
	ID      json.RawMessage
	Method  string
	Params  json.RawMessage
	text    string
}

// run runs a test with a connected client in a bubble.
func run(t *testing.T, answer func(r request) []string, opts Options, f func(t *testing.T, b *bus, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bus{t: t, answer: answer}
		l := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: b}
		go server.Serve(l)
		defer server.Close()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			l.conns <- theirs
			return wiretap{ours, b}, nil
		}}
		defer transport.CloseIdleConnections()
		opts.HTTPClient = &http.Client{Transport: transport}
		c, err := Dial(t.Context(), "ws://bus/v0", &opts)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f(t, b, c)
	})
}

func (b *bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		b.t.Error(err)
		return
	}
	conn.SetReadLimit(maxMessage)
	b.mu.Lock()
	b.conn = conn
	b.mu.Unlock()
	for {
		_, text, err := conn.Read(context.Background())
		if err != nil {
			return
		}
		r := request{text: string(text)}
		if err := json.Unmarshal(text, &r); err != nil {
			b.t.Errorf("%s: %v", text, err)
		}
		b.mu.Lock()
		b.asked = append(b.asked, r)
		answer := b.answer
		b.mu.Unlock()
		for _, message := range answer(r) {
			b.send(message)
		}
	}
}

// from says how to answer from now on.
func (b *bus) from(answer func(r request) []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

func (b *bus) send(message string) {
	if err := b.conn.Write(context.Background(), websocket.MessageText, []byte(message)); err != nil {
		b.t.Error(err)
	}
}

// methods returns what was asked so far.
func (b *bus) methods() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var methods []string
	for _, r := range b.asked {
		methods = append(methods, r.Method)
	}
	return strings.Join(methods, " ")
}

func (r request) result(json string) []string {
	return []string{`{"jsonrpc":"2.0","id":` + string(r.ID) + `,"result":` + json + `}`}
}

func (r request) error(json string) []string {
	return []string{`{"jsonrpc":"2.0","id":` + string(r.ID) + `,"error":` + json + `}`}
}

type memory struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memory) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

type wiretap struct {
	net.Conn
	bus *bus
}

func (w wiretap) Write(p []byte) (int, error) {
	w.bus.mu.Lock()
	w.bus.wire.Write(p)
	w.bus.mu.Unlock()
	return w.Conn.Write(p)
}

// frames returns the lengths of the frames the client wrote, headers included, and what they carried in all.
func (b *bus) frames() (lengths []int, payload int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, p, _ := bytes.Cut(b.wire.Bytes(), []byte("\r\n\r\n"))
	for len(p) > 0 {
		n, header := int(p[1]&0x7f), 6
		switch n {
		case 126:
			n, header = int(p[2])<<8|int(p[3]), 8
		case 127:
			n, header = int(p[7])<<16|int(p[8])<<8|int(p[9]), 14
		}
		lengths = append(lengths, n+header)
		payload += n
		p = p[n+header:]
	}
	return lengths, payload
}
