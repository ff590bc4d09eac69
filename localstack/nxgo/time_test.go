package nxgo_test

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nayarsystems/nxgo/nxcore"
	"golang.org/x/net/websocket"
)

// inBubble runs a test in a bubble, whose time passes where everybody waits: the bus', and the library's too.
func inBubble(t *testing.T, f func(b *bus)) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		wire := &wire{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: b.Gateway}
		go server.Serve(wire)
		t.Cleanup(func() { server.Close() })
		b.dial = func() (*nxcore.NexusConn, error) {
			config, err := websocket.NewConfig("ws://bus/v1", "http://nexusclient.go")
			if err != nil {
				return nil, err
			}
			ours, theirs := net.Pipe()
			wire.conns <- theirs
			conn, err := websocket.NewClient(config, ours)
			if err != nil {
				return nil, err
			}
			return nxcore.NewNexusConn(conn), nil
		}
		f(b)
		synctest.Wait() // what the test began is over before the stack ends
	})
}

// wire is a listener in memory.
type wire struct {
	conns  chan net.Conn
	closed chan struct{}
}

// Accept implements net.Listener.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wire) Close() error {
	close(w.closed)
	return nil
}

// Addr implements net.Listener.
func (*wire) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// takes checks how long a call takes: d, and at most the five seconds in which the bus promises to notice.
func (b *bus) takes(d time.Duration, call func()) {
	b.t.Helper()
	began := time.Now()
	call()
	if took := time.Since(began); took < d || took > d+5*time.Second {
		b.t.Errorf("took %v, expected %v", took, d)
	}
}

func TestTaskTimeouts(t *testing.T) {
	inBubble(t, func(b *bus) {
		pusher, worker := b.root(), b.root()
		for _, d := range []time.Duration{300 * time.Millisecond, 40 * time.Second, 25 * time.Minute} {
			b.takes(d, func() { b.refused(nxcore.ErrTimeout)(worker.TaskPull("a", d)) })
			b.takes(d, func() { b.refused(nxcore.ErrTimeout)(pusher.TaskPush("a.b", 1, d)) })
			list, err := pusher.TaskList("", 0, 0)
			if err != nil || len(list) != 0 {
				t.Errorf("%v: left %+v %v", d, list, err)
			}
		}
		push := b.push(pusher, "a.b", 1)
		b.want(ok)(b.pull(worker, "a").SendResult("in time"))
		b.want(`"in time"`)(push.answer())

		held := make(chan *nxcore.Task, 1)
		go func() { held <- b.pull(worker, "a") }()
		b.takes(10*time.Second, func() { b.refused(nxcore.ErrTimeout)(pusher.TaskPush("a.b", 1, 10*time.Second)) })
		b.refused(nxcore.ErrInvalidTask)(receive(b, held).SendResult("too late"))
	})
}

// A worker that pulls with a short timeout, again and again, as helpers do.
func TestPullsAgain(t *testing.T) {
	inBubble(t, func(b *bus) {
		pusher, worker := b.root(), b.root()
		pulled := make(chan *nxcore.Task, 1)
		go func() {
			for {
				task, err := worker.TaskPull("a", 5*time.Second)
				if err == nil {
					pulled <- task
					return
				}
				b.refused(nxcore.ErrTimeout)(nil, err)
			}
		}()
		time.Sleep(20 * time.Minute)
		push := b.push(pusher, "a.b", 1)
		b.want(ok)(receive(b, pulled).SendResult(2))
		b.want(`2`)(push.answer())
	})
}

func TestPipeTimeouts(t *testing.T) {
	inBubble(t, func(b *bus) {
		c := b.root()
		p := b.pipe(c)
		const nothing = `{"Msgs":[],"Waiting":0,"Drops":0}`
		for _, d := range []time.Duration{700 * time.Millisecond, time.Minute, 20 * time.Minute} {
			b.takes(d, func() { b.want(nothing)(p.Read(10, d)) })
			b.takes(d, func() { b.want(nothing)(p.TopicRead(10, d)) })
		}
		b.want(ok)(p.Write("after"))
		b.takes(0, func() { b.want(`{"Msgs":[{"Count":1,"Msg":"after"}],"Waiting":0,"Drops":0}`)(p.Read(10, time.Minute)) })
	})
}

// The library pings a connection that is idle, often enough for the watchdog and the gateway. Nobody can keep one for more than two hours.
func TestIdleConnection(t *testing.T) {
	inBubble(t, func(b *bus) {
		reader, writer := b.root(), b.root()
		in := b.pipe(reader)
		messages := in.Listen(nil)
		time.Sleep(119 * time.Minute)
		if reader.Closed() || writer.Closed() {
			t.Fatal("an idle connection ended")
		}
		b.want(ok)(b.open(writer, in.Id()).Write("still there"))
		b.want(`{"Count":1,"Msg":"still there"}`)(receive(b, messages), nil)
		time.Sleep(90 * time.Second)
		if m, open := next(b, messages); open || !reader.Closed() || !writer.Closed() {
			t.Errorf("%+v after two hours", m)
		}
	})
}

// A worker that is gone loses its task to another, a pusher that is gone loses its answer.
func TestTaskOfAConnectionThatIsGone(t *testing.T) {
	inBubble(t, func(b *bus) {
		pusher, one, two := b.root(), b.root(), b.root()
		push := b.push(pusher, "a.b", 1)
		first := b.pull(one, "a")
		one.Close()
		b.takes(0, func() {
			second := b.pull(two, "a")
			if first.Id != second.Id {
				t.Errorf("%s, then %s", first.Id, second.Id)
			}
			b.want(ok)(second.SendResult("done"))
		})
		b.want(`"done"`)(push.answer())

		b.push(pusher, "a.b", 2)
		task := b.pull(two, "a")
		pusher.Close()
		time.Sleep(time.Minute)
		b.refused(nxcore.ErrInvalidTask)(task.SendResult("too late"))
		list, err := two.TaskList("a", 0, 0)
		if err != nil || len(list) != 0 {
			t.Errorf("left %+v %v", list, err)
		}
	})
}
