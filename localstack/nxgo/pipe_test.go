package nxgo_test

import (
	"sync"
	"testing"

	"github.com/nayarsystems/nxgo/nxcore"
)

// pipe makes a pipe.
func (b *bus) pipe(c *nxcore.NexusConn, opts ...*nxcore.PipeOpts) *nxcore.Pipe {
	b.t.Helper()
	p, err := c.PipeCreate(opts...)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// open opens another session's pipe.
func (b *bus) open(c *nxcore.NexusConn, id string) *nxcore.Pipe {
	b.t.Helper()
	p, err := c.PipeOpen(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func TestPipe(t *testing.T) {
	b := newBus(t)
	reader, writer := b.root(), b.root()
	in := b.pipe(reader)
	out := b.open(writer, in.Id())

	b.want(ok)(out.Write(map[string]any{"a": []any{1, "<", nil}}))
	b.want(ok)(out.WriteN([]any{1, "two", nil}))
	b.want(`{"Msgs":[{"Count":1,"Msg":{"a":[1,"\u003c",null]}},{"Count":2,"Msg":1}],"Waiting":2,"Drops":0}`)(in.Read(2, 0))
	b.want(`{"Msgs":[{"Count":3,"Msg":"two"},{"Count":4,"Msg":null}],"Waiting":0,"Drops":0}`)(in.Read(0, 0))

	b.refused(nxcore.ErrInvalidPipe)(out.Read(1, 0))
	b.refused(nxcore.ErrInvalidPipe)(out.Close())
	b.want(ok)(in.Close())
	b.refused(nxcore.ErrInvalidPipe)(in.Read(1, 0))
	b.refused(nxcore.ErrInvalidPipe)(in.Close())
	b.refused(nxcore.ErrInvalidPipe)(b.open(writer, in.Id()).Write(1))
}

func TestPipeOverflow(t *testing.T) {
	b := newBus(t)
	c := b.root()
	p := b.pipe(c, &nxcore.PipeOpts{Length: 2})
	b.want(ok)(p.WriteN([]any{"a", "b", "c", "d"}))
	b.want(`{"Msgs":[{"Count":1,"Msg":"a"},{"Count":2,"Msg":"b"}],"Waiting":0,"Drops":2}`)(p.Read(10, 0))
	b.want(ok)(p.Write("e"))
	b.want(`{"Msgs":[{"Count":5,"Msg":"e"}],"Waiting":0,"Drops":0}`)(p.Read(10, 0))
}

// Listen is how programs read: in a loop that ends with the pipe.
func TestPipeListen(t *testing.T) {
	b := newBus(t)
	reader, writer := b.root(), b.root()
	in := b.pipe(reader)
	out := b.open(writer, in.Id())
	messages := in.Listen(nil)
	const n = 100
	var writes sync.WaitGroup
	writes.Go(func() {
		for i := range n {
			b.want(ok)(out.Write(i))
		}
	})
	for i := range n {
		m := receive(b, messages)
		if m.Msg != float64(i) || m.Count != int64(i+1) {
			t.Fatalf("%+v, expected %d", m, i)
		}
	}
	writes.Wait()
	b.want(ok)(in.Close())
	if m, open := next(b, messages); open {
		t.Errorf("%+v after the end", m)
	}
}

// A pipe ends with its session; so does a Listen.
func TestPipeOfAConnectionThatIsGone(t *testing.T) {
	b := newBus(t)
	reader, writer := b.root(), b.root()
	in := b.pipe(reader)
	out := b.open(writer, in.Id())
	messages := in.Listen(make(chan *nxcore.Msg, 1))
	b.want(ok)(out.Write("last"))
	b.want(`{"Count":1,"Msg":"last"}`)(receive(b, messages), nil)
	reader.Close()
	if m, open := next(b, messages); open {
		t.Errorf("%+v after the end", m)
	}
	b.until("the pipe is gone", func() bool { return !done(out.Write("nobody reads it")) })
	b.refused(nxcore.ErrInvalidPipe)(out.Write("still"))
}
