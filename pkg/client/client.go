package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// DefaultKeepAlive is how long a connection is silent before the client pings: less than half the bus's watchdog of 90 s.
const DefaultKeepAlive = 40 * time.Second

const (
	maxMessage = 128 << 10
	// maxFrame is what a frame may carry: 32 KB less the longest header, however the gateway counts.
	maxFrame = 32<<10 - 14
	// writeTimeout is how long the network may take a message; after that the connection is taken for dead.
	writeTimeout = 30 * time.Second
)

// Options change how a Client works.
type Options struct {
	// HTTPClient makes the handshake, with Header; nil is http.DefaultClient.
	HTTPClient *http.Client
	Header     http.Header
	// Unknown is given each message that answers no open call, such as API Gateway's {"message":"Internal server error",…}, which names none.
	// Reading goes on when it returns. nil drops them.
	Unknown func(message []byte)
	// KeepAlive is how long nothing may arrive before the client pings; a ping that is not answered in the same time ends the connection. 0 is
	// DefaultKeepAlive; with less than 0 the client never pings by itself.
	KeepAlive time.Duration
}

// Client is a connection to the bus. Its methods may be called by many goroutines at once.
type Client struct {
	conn    *websocket.Conn
	unknown func([]byte)
	out     chan []byte
	heard   atomic.Bool // something arrived since the last look
	done    chan struct{}

	mu   sync.Mutex
	last uint64
	open map[uint64]chan<- answer // each has room for its answer
	late map[uint64]func(answer)  // of calls that were given up and whose answer still matters
	err  error                    // set once, before done is closed
}

// answer is a message from the bus.
type answer struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
}

// Dial connects to a bus, at a URL like ws://127.0.0.1:8080/v0 or wss://host/v1. ctx is for the handshake alone; opts may be nil. The session is
// nobody's until Login.
func Dial(ctx context.Context, url string, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: opts.HTTPClient, HTTPHeader: opts.Header})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxMessage)
	c := &Client{conn: conn, unknown: opts.Unknown, out: make(chan []byte), done: make(chan struct{}),
		open: map[uint64]chan<- answer{}, late: map[uint64]func(answer){}}
	go c.read()
	go c.write()
	switch keep := opts.KeepAlive; {
	case keep == 0:
		go c.keepAlive(DefaultKeepAlive)
	case keep > 0:
		go c.keepAlive(keep)
	}
	return c, nil
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns the *ClosedError that calls get, nil while the connection lasts.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and waits a few seconds at most for the other side to agree. Calls under way return a *ClosedError.
func (c *Client) Close() error {
	if !c.end(ErrClosed) {
		return nil
	}
	return c.conn.Close(websocket.StatusNormalClosure, "")
}

// end notes why the connection is over, and tells whether it was this that ended it.
func (c *Client) end(cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.err = &ClosedError{cause}
	close(c.done)
	return true
}

// abort ends the connection without a word to the other side.
func (c *Client) abort(cause error) {
	if c.end(cause) {
		_ = c.conn.CloseNow() // it is gone already, and cause says why
	}
}

func (c *Client) read() {
	for {
		// Not a caller's context: the library ends the connection with it.
		_, message, err := c.conn.Read(context.Background())
		if err != nil {
			c.abort(err)
			return
		}
		c.heard.Store(true)
		c.deliver(message)
	}
}

func (c *Client) deliver(message []byte) {
	var a answer
	if err := json.Unmarshal(message, &a); err == nil {
		if id, err := strconv.ParseUint(string(a.ID), 10, 64); err == nil {
			c.mu.Lock()
			waiting, late := c.open[id], c.late[id]
			delete(c.open, id)
			delete(c.late, id)
			c.mu.Unlock()
			switch {
			case waiting != nil:
				waiting <- a
				return
			case late != nil:
				late(a)
				return
			}
		}
	}
	if c.unknown != nil {
		c.unknown(message)
	}
}

// write sends what callers hand over, so that a caller whose context ends leaves no half a message behind.
func (c *Client) write() {
	for {
		select {
		case message := <-c.out:
			if err := c.send(message); err != nil {
				c.abort(err)
				return
			}
		case <-c.done:
			return
		}
	}
}

// send writes one message, in frames of at most 32 KB.
func (c *Client) send(message []byte) error {
	ctx, stop := context.WithTimeout(context.Background(), writeTimeout)
	defer stop()
	if len(message) <= maxFrame {
		return c.conn.Write(ctx, websocket.MessageText, message)
	}
	w, err := c.conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(message) > 0 {
		n := min(len(message), maxFrame)
		if _, err := w.Write(message[:n]); err != nil { // a frame of its own
			return err
		}
		message = message[n:]
	}
	return w.Close()
}

func (c *Client) keepAlive(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-c.done:
			return
		}
		if c.heard.Swap(false) {
			continue
		}
		ctx, stop := context.WithTimeout(context.Background(), every)
		err := c.Ping(ctx)
		stop()
		if err != nil && ctx.Err() != nil {
			c.abort(fmt.Errorf("%w within %v", ErrSilent, every))
			return
		}
	}
}
