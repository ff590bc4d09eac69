package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// closeGrace is how long a client that is told to close may take to read what it was sent before.
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
	if s.size > 0 && s.size+cost > s.g.OutgoingBuffer {
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
	s.closed, s.code, s.reason = true, code, reason
	s.stop = s.g.Clock.AfterFunc(closeGrace, s.abort)
	s.mu.Unlock()
	s.signal()
}

// hangUp ends the writer after the reader: at once if the client is gone, else when it has written all and the close frame.
func (s *socket) hangUp() {
	s.mu.Lock()
	s.hungUp = true
	s.mu.Unlock()
	s.signal()
}

func (s *socket) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// release stops what may still be waiting when the socket has ended.
func (s *socket) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
	}
}

// start gives s its socket.
func (s *socket) start(ws *websocket.Conn, conn *frameConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ws, s.conn = ws, conn
}

// abort closes the socket as it is.
func (s *socket) abort() {
	s.mu.Lock()
	ws := s.ws
	s.mu.Unlock()
	if ws != nil {
		_ = ws.CloseNow() // it may be closed already
	}
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
			s.abort()
			return
		}
		for i, text := range batch {
			if err := writeText(s.ws, text, s.g.FrameLimit); err != nil {
				s.abort() // the reader tells why
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
			_ = s.ws.Close(websocket.StatusCode(code), reason) // a client that does not answer is cut off after 5 s
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
