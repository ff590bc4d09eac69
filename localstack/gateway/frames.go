package gateway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errFrameTooBig ends the reading of a client whose frame is over the limit. What follows can be read still: the frame, then the client's close
// frame.
var errFrameTooBig = errors.New("gateway: frame too big")

// frameConn is a client's socket that watches the headers of the frames it reads: the WebSocket library joins frames into messages, and API Gateway
// bounds both. Bytes of a header are handed out when it is complete, so nothing of a frame that is too big has been read when Read reports it.
type frameConn struct {
	net.Conn
	limit  uint64
	buf    []byte      // read from Conn, not handed out yet
	space  []byte      // where buf lives
	pass   uint64      // bytes of the current frame, header included, to be handed out
	tooBig bool        // errFrameTooBig was given
	lost   atomic.Bool // reading Conn failed
}

// Sizes of RFC 6455, section 5.2: two bytes, an extended length, a mask.
const (
	maxFrameHeader = 2 + 8 + 4
	frameBuffer    = 4096
)

// newFrameConn wraps conn, of which already has been read.
func newFrameConn(conn net.Conn, already []byte, limit int) *frameConn {
	f := &frameConn{Conn: conn, limit: uint64(limit), space: make([]byte, max(frameBuffer, len(already)))}
	f.buf = f.space[:copy(f.space, already)]
	return f
}

// Read implements net.Conn.
func (f *frameConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := 0
	for n < len(p) {
		if f.pass == 0 {
			header, payload, data := frameHeader(f.buf)
			if header == 0 { // incomplete
				if n > 0 {
					return n, nil
				}
				if err := f.fill(); err != nil {
					return 0, err
				}
				continue
			}
			if data && payload > f.limit && !f.tooBig {
				if n > 0 {
					return n, nil
				}
				f.tooBig = true
				return 0, errFrameTooBig
			}
			f.pass = uint64(header) + payload
		}
		if len(f.buf) == 0 {
			if n > 0 {
				return n, nil
			}
			// The rest of a payload goes straight to where it is wanted.
			n, err := f.Conn.Read(p[:min(uint64(len(p)), f.pass)])
			f.pass -= uint64(n)
			if err != nil {
				f.lost.Store(true)
			}
			return n, err
		}
		k := copy(p[n:], f.buf[:min(uint64(len(f.buf)), f.pass)])
		f.buf = f.buf[k:]
		f.pass -= uint64(k)
		n += k
	}
	return n, nil
}

// fill reads more bytes behind buf, which holds less than a header.
func (f *frameConn) fill() error {
	have := copy(f.space, f.buf)
	n, err := f.Conn.Read(f.space[have:])
	f.buf = f.space[:have+n]
	if n > 0 { // an error comes again with the next Read
		return nil
	}
	f.lost.Store(true)
	return err
}

// frameHeader reads the header at the beginning of b: its own size, 0 if b does not hold all of it, that of the payload, and whether the frame is one
// of a message rather than a control frame.
func frameHeader(b []byte) (size int, payload uint64, data bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	data = b[0]&0x08 == 0
	size = 2
	payload = uint64(b[1] & 0x7f)
	switch payload {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if b[1]&0x80 != 0 {
		size += 4
	}
	if len(b) < size {
		return 0, 0, false
	}
	switch payload {
	case 126:
		payload = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		payload = binary.BigEndian.Uint64(b[2:]) &^ (1 << 63) // the library refuses a length with this bit
	}
	return size, payload, data
}

// hijacker gives the WebSocket library a frameConn where it asks for the socket.
type hijacker struct {
	http.ResponseWriter
	limit int
	conn  *frameConn // after Hijack
}

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil { // the server's own time-outs are for requests
		return nil, nil, errors.Join(err, conn.Close())
	}
	already, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	h.conn = newFrameConn(conn, already, h.limit)
	rw.Reader.Reset(h.conn)
	return h.conn, rw, nil
}
