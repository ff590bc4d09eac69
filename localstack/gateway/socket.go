package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// closeGrace is how long a client that is told to close may take to read what it was sent before, and to answer. Then it is cut off.
const closeGrace = 10 * time.Second

// messageOverhead is what a waiting message costs of the outgoing buffer besides its bytes, so that empty ones are bounded too.
const messageOverhead = 64

// socket is the Transport of a WebSocket client: a bounded buffer, which one goroutine writes out.
type socket struct {
	g    *Gateway
	wake chan struct{} // tells the writer of a change; of one element

	mu     sync.Mutex
	ws     *websocket.Conn // from start on; fixed then
	conn   *frameConn      // likewise
	queue  [][]byte
	size   int  // bytes not written yet, with overhead
	hungUp bool // the client's side is gone
	closed bool // Close was called
	code   int
	reason string
	stop   func() bool // the timer of closeGrace
}

// Send implements Transport.
func (s *socket) Send(text []byte) error {
	cost := len(text) + messageOverhead
	s.mu.Lock()
	if s.closed || s.hungUp {
		s.mu.Unlock()
		return errGone
	}
	if s.size > 0 && s.size+cost > s.g.config.OutgoingBuffer {
		s.mu.Unlock()
		return ErrBufferFull
	}
	s.size += cost
	s.queue = append(s.queue, text)
	s.mu.Unlock()
	s.signal()
	return nil
}

// Close implements Transport.
func (s *socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hungUp { // the client has left at the same time
		return
	}
	s.closed, s.code, s.reason = true, code, reason
	s.stop = s.g.config.Machine.AfterFunc(closeGrace, s.cut)
	s.signal()
}

// hangUp tells that nothing is read any more. If the client has left, the writer ends at once; if the gateway has closed the connection, when it
// has written all.
func (s *socket) hangUp() {
	s.mu.Lock()
	s.hungUp = true
	closed := s.closed
	s.mu.Unlock()
	if !closed {
		s.cut()
	}
	s.signal()
}

func (s *socket) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// start gives s its socket.
func (s *socket) start(ws *websocket.Conn, conn *frameConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ws, s.conn = ws, conn
}

// cut closes the client's socket as it is: whoever reads or writes it comes back with an error. (The library's own CloseNow waits for a Close that
// is under way, and that for the client.)
func (s *socket) cut() {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // it may be closed already
	}
}

// release gives back what is left once reader and writer have ended.
func (s *socket) release() {
	s.mu.Lock()
	stop, ws := s.stop, s.ws
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	_ = ws.CloseNow() // it may be closed already
}

// write writes out what Send took until the connection ends, then closes the socket.
func (s *socket) write() {
	var batch [][]byte
	for {
		s.mu.Lock()
		batch, s.queue = s.queue, batch[:0]
		closed, hungUp, code, reason := s.closed, s.hungUp, s.code, s.reason
		s.mu.Unlock()
		if hungUp && !closed {
			return
		}
		for i, text := range batch {
			if err := writeText(s.ws, text, s.g.config.FrameLimit); err != nil {
				s.cut() // which ends the reader
				return
			}
			batch[i] = nil
			s.mu.Lock()
			s.size -= len(text) + messageOverhead
			s.mu.Unlock()
		}
		switch {
		case len(batch) > 0:
		case closed:
			_ = s.ws.Close(websocket.StatusCode(code), reason) // fails if the client does not answer
			return
		default:
			<-s.wake
		}
	}
}

// writeText writes a message, in frames of at most limit bytes.
func writeText(ws *websocket.Conn, text []byte, limit int) error {
	ctx := context.Background()
	if len(text) <= limit {
		return ws.Write(ctx, websocket.MessageText, text)
	}
	w, err := ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), limit)
		if _, err := w.Write(text[:n]); err != nil { // each is a frame
			return err
		}
		text = text[n:]
	}
	return w.Close() // with an empty last frame
}
