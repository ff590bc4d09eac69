package nxgo_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nayarsystems/nxgo"
	"github.com/nayarsystems/nxgo/nxcore"
)

func TestDial(t *testing.T) {
	b := newBus(t)
	c, err := nxgo.Dial("ws://"+b.Addr+"/v1?token=dropped", nxgo.NewDialOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if v := c.NexusVersion.String(); v != "1.9.0" {
		t.Errorf("version %s", v)
	}
	b.want(`{"version":"1.9.0"}`)(c.Version())
	if err := c.Ping(patience); err != nil {
		t.Error(err)
	}
	if c.Id() != "" {
		t.Errorf("connection %q before a login", c.Id())
	}
	b.refused(nxcore.ErrPermissionDenied)(c.Login("root", "wrong"))
	b.login(c, "root", "root")
	sessions, err := c.SessionList("root", 10, 0)
	if err != nil || len(sessions) != 1 || sessions[0].N != 1 || sessions[0].Sessions[0].Id != c.Id() {
		t.Errorf("%+v %v, logged in as %s", sessions, err, c.Id())
	}
	b.refused(nxcore.ErrMethodNotFound)(c.Exec("no.such", nil))
	b.refused(nxcore.ErrInvalidParams)(c.Exec("task.push", []int{1}))

	c.Close()
	if !c.Closed() || c.GetContext().Err() == nil {
		t.Error("not closed")
	}
	b.refused(nxcore.ErrConnClosed)(c.Exec("sys.ping", nil))
}

// The stage v0 is the older dialect, without sys.version.
func TestDialTheOtherDialect(t *testing.T) {
	b := newBus(t)
	c, err := nxgo.Dial("ws://"+b.Addr+"/v0", nil)
	if !errors.Is(err, nxgo.ErrVersionIncompatible) {
		t.Fatal(err)
	}
	c.Close()
	if _, err := nxgo.Dial("ws://"+b.Addr+"/v2", nil); err == nil {
		t.Error("a stage that is not there was dialled")
	}
}

// A request goes in one frame, and a frame carries 32 KB.
func TestFrames(t *testing.T) {
	const frame = 32 << 10
	b := newBus(t)
	c := b.root()
	pipe, err := c.PipeCreate()
	if err != nil {
		t.Fatal(err)
	}
	fits := strings.Repeat("<", (frame-300)/6) // encoding/json writes six bytes for it
	b.want(ok)(pipe.Write(fits))
	data, err := pipe.Read(1, 0)
	if err != nil || len(data.Msgs) != 1 || data.Msgs[0].Msg != fits {
		t.Errorf("%.100v %v", data, err)
	}
	b.refused(nxcore.ErrConnClosed)(pipe.Write(strings.Repeat("x", frame)))
	if !c.Closed() {
		t.Error("open after a frame that is too long")
	}
}

// Answers are as long as a message can be; longer than a frame they come in several.
func TestLongAnswers(t *testing.T) {
	b := newBus(t)
	c := b.root()
	pipe, err := c.PipeCreate()
	if err != nil {
		t.Fatal(err)
	}
	const sent = 10
	text := strings.Repeat("é", 14<<10)
	for range sent {
		b.want(ok)(pipe.Write(text))
	}
	got := 0
	for got < sent {
		data, err := pipe.Read(100000, 0)
		if err != nil || len(data.Msgs) < 2 || data.Waiting != sent-got-len(data.Msgs) || data.Drops != 0 {
			t.Fatalf("after %d: %d messages, %v", got, len(data.Msgs), err)
		}
		for _, m := range data.Msgs {
			got++
			if m.Msg != text || m.Count != int64(got) {
				t.Fatalf("message %d is %d, %.20v", got, m.Count, m.Msg)
			}
		}
	}
}

// ExecNoWait is the library's way to have several requests under way.
func TestManyRequestsAtOnce(t *testing.T) {
	b := newBus(t)
	c := b.root()
	ids := map[uint64]bool{}
	var answers []chan *nxcore.JsonRpcRes
	for range 50 {
		id, answer, err := c.ExecNoWait("sys.ping", nil)
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
		answers = append(answers, answer)
	}
	if len(ids) != len(answers) {
		t.Errorf("%d ids", len(ids))
	}
	for _, answer := range answers {
		a := receive(b, answer)
		if a.Error != nil || !ids[a.Id] {
			t.Errorf("%+v", a)
		}
		delete(ids, a.Id)
	}
}

// A connection that the library ends for its own reasons is gone for the bus.
func TestInactivity(t *testing.T) {
	b := newBus(t)
	root, c := b.root(), b.nobody()
	b.login(c, "root", "root")
	b.want(`{"count":2}`)(root.SessionCount("root"))
	if err := c.SetInactivityTimeout(time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	next(b, c.GetContext().Done())
	b.until("the session is gone", func() bool {
		sessions, err := root.SessionList("root", 0, 0)
		return err == nil && len(sessions) == 1 && sessions[0].N == 1
	})
}
