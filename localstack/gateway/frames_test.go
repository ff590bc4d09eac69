package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
)

// frame writes a masked frame of n payload bytes.
func frame(opcode byte, n int) []byte {
	b := []byte{0x80 | opcode}
	switch {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, 1, 2, 3, 4)
	return append(b, bytes.Repeat([]byte{'x'}, n)...)
}

// readerConn is a net.Conn that only reads.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

// However the bytes come in, all before a frame that is too big come out unchanged, then one error, then the rest.
func TestFrameConn(t *testing.T) {
	good := bytes.Join([][]byte{frame(1, 0), frame(1, 5), frame(9, 125), frame(0, 126), frame(2, 1000), frame(1, 1000)}, nil)
	bad := bytes.Join([][]byte{frame(1, 1001), frame(8, 2), frame(1, 70000)}, nil)
	stream := append(bytes.Clone(good), bad...)
	for name, reader := range map[string]func(io.Reader) io.Reader{
		"whole":      func(r io.Reader) io.Reader { return r },
		"bytes":      iotest.OneByteReader,
		"halves":     iotest.HalfReader,
		"data error": iotest.DataErrReader,
	} {
		for _, already := range []int{0, 1, 3, 200, len(good) + 1, len(stream)} {
			for _, size := range []int{1, 7, 4096} {
				f := newFrameConn(readerConn{Reader: reader(bytes.NewReader(stream[already:]))}, stream[:already], 1000)
				got, err := readAll(f, size)
				if !errors.Is(err, errFrameTooBig) || !bytes.Equal(got, good) {
					t.Fatalf("%s, %d already, %d a read: %d of %d bytes, %v", name, already, size, len(got), len(good), err)
				}
				got, err = readAll(f, size)
				if err != io.EOF || !bytes.Equal(got, bad) {
					t.Fatalf("%s, %d already, %d a read: %d of %d bytes after the error, %v", name, already, size, len(got), len(bad), err)
				}
				if !f.lost.Load() {
					t.Fatal("the end of the stream was not noted")
				}
			}
		}
	}
}

func readAll(r io.Reader, size int) ([]byte, error) {
	var all []byte
	p := make([]byte, size)
	for {
		n, err := r.Read(p)
		all = append(all, p[:n]...)
		if err != nil {
			return all, err
		}
	}
}

// No stream, however odd, makes frameConn lose or invent a byte, or come to no end.
func FuzzFrameConn(f *testing.F) {
	f.Add(frame(1, 5), uint8(1))
	f.Add(append(frame(9, 3), frame(1, 200)...), uint8(40))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, split uint8) {
		already := min(int(split), len(stream))
		c := newFrameConn(readerConn{Reader: iotest.HalfReader(bytes.NewReader(stream[already:]))}, stream[:already], 100)
		got, err := readAll(c, 16)
		if errors.Is(err, errFrameTooBig) {
			var rest []byte
			rest, err = readAll(c, 16)
			got = append(got, rest...)
		}
		if err != io.EOF {
			t.Fatal(err)
		}
		// An incomplete last header stays inside.
		if !bytes.HasPrefix(stream, got) || len(stream)-len(got) >= maxFrameHeader {
			t.Fatalf("%d of %d bytes", len(got), len(stream))
		}
	})
}
