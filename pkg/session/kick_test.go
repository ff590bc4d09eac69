package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

func anybody(string) bool { return true }

func (b *bench) kick(c *call.Call, prefix, want string, may func(string) bool) {
	b.t.Helper()
	if got, err := b.sessions.Kick(b.ctx, c, session.Select{Prefix: prefix}, may); string(got) != want || err != nil {
		b.t.Errorf("kick %s: %s %v, want %s", prefix, got, err, want)
	}
}

func (b *bench) reload(prefix, want string, may func(string) bool) {
	b.t.Helper()
	if got, err := b.sessions.ReloadOthers(b.ctx, b.call("c"), session.Select{Prefix: prefix}, may); string(got) != want || err != nil {
		b.t.Errorf("reload %s: %s %v, want %s", prefix, got, err, want)
	}
}

func TestReadSelect(t *testing.T) {
	const ab, cd = "ab34567890123456", "cd345678901234567"
	for params, want := range map[string]string{`{"connId":"` + ab + `"}`: ab, `{"connid":"` + cd + `"}`: cd, `{"connId":"` + ab + `","connid":"` + cd + `"}`: ab,
		`{"connId":"` + ab + `","all":false}`: ab, `{"all":true}`: "", `{"all":true,"connId":null}`: ""} {
		p := jsonrpc.ReadParams([]byte(params))
		if got := session.ReadSelect(p); got.Prefix != want || p.Err() != nil {
			t.Errorf("%s: %+v %v", params, got, p.Err())
		}
	}
	for params, want := range map[string]string{`{}`: "connId", `{"connId":""}`: "connId: under 16 bytes", `{"connid":7}`: "connid", `{"connid":null}`: "connId",
		`{"connId":"` + ab[:15] + `"}`: "connId: under 16 bytes", `{"all":false}`: "connId", `{"all":1}`: "all", `{"all":true,"connid":"` + ab + `"}`: "all: with a connid",
		`{"all":true,"connId":""}`: "all: with a connId"} {
		if got := harness.Detail(session.ReadSelect)(params); got != want {
			t.Errorf("%s: %q, want %q", params, got, want)
		}
	}
}

func TestKick(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	var conns []*harness.Client
	for range 3 {
		conns = append(conns, b.Connect())
	}
	one, two, three := conns[0].Connid, conns[1].Connid, conns[2].Connid
	b.as(one, "dora")
	b.as(two, "dora")

	// Those whom one may not do it to count as not there.
	only := func(user string) func(string) bool { return func(other string) bool { return other == user } }
	b.kick(b.call("c"), three, `"result":{"kicked":0}`, only("dora"))
	b.kick(b.call("c"), one, `"result":{"kicked":0}`, only("nobody"))
	b.kick(b.call("c"), "", `"result":{"kicked":0}`, only("else"))
	b.reload(one, `"result":{"reloaded":0}`, only("nobody"))
	b.reload(one[:8], `"result":{"reloaded":2}`, only("dora"))
	b.reload("", `"result":{"reloaded":2}`, only("dora"))
	// What is not there is no error, nor is it asked for.
	none := func(user string) bool { t.Errorf("asked for %s", user); return false }
	for _, prefix := range []string{"x", one + "x", strings.Repeat("x", 3000)} {
		b.kick(b.call("c"), prefix, `"result":{"kicked":0}`, none)
		b.reload(prefix, `"result":{"reloaded":0}`, none)
	}
	b.want(loggedIn(one, "dora", `{}`), loggedIn(two, "dora", `{}`), nobody(three))
	b.kick(b.call("c"), one[:8], `"result":{"kicked":2}`, only("dora"))
	b.want(one+" ended user=dora owner= tags={} wd=90", two+" ended user=dora owner= tags={} wd=90", nobody(three))
}

func TestKickEndsSessions(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{}`)
	one, two, self := b.Connect(), b.Connect(), b.Connect()
	b.as(one.Connid, "dora")
	b.kick(b.call(self.Connid), one.Connid, `"result":{"kicked":1}`, anybody)
	b.kick(b.call(self.Connid), one.Connid, `"result":{"kicked":0}`, anybody)
	ended := one.Connid + " ended user=dora owner= tags={} wd=90"
	b.want(ended, nobody(two.Connid), nobody(self.Connid))
	if !one.Closed() || two.Closed() {
		t.Errorf("closed: %t %t", one.Closed(), two.Closed())
	}

	// Who kicks itself gets its answer first.
	c := b.call(self.Connid)
	c.ID = json.RawMessage(`7`)
	b.On("DeleteConnection").With(self.Connid[8:]).Run(func() {
		if got := self.Got(); !slices.Equal(got, []string{`{"jsonrpc":"2.0","id":7,"result":{"kicked":2}}`}) {
			t.Errorf("before the connection is closed: %v", got)
		}
	})
	b.kick(c, self.Connid[:8], "", anybody)
	if !two.Closed() || !self.Closed() {
		t.Errorf("closed: %t %t", two.Closed(), self.Closed())
	}
	if got := strings.Count(b.table(), " ended "); got != 3 {
		t.Errorf("%d ended", got)
	}
}

// A session that the scan shows as it was is told by the strong read.
func TestKickReadsAWholeConnidStrongly(t *testing.T) {
	b := newBench(t)
	connid := b.Connect().Connid
	b.On("GetItem").Run(func() {
		if err := b.sessions.End(b.ctx, connid, true); err != nil {
			t.Error(err)
		}
	})
	b.kick(b.call("c"), connid, `"result":{"kicked":0}`, anybody)
}

// A kick, or a reload, of more sessions than fit an invocation leaves the rest to messages, and counts it.
func TestWhatDoesNotFitIsLeftToMessages(t *testing.T) {
	b := newBench(t)
	for n := range 100 {
		b.user(fmt.Sprintf("user%02d", n), `{"a":{"n":1}}`)
	}
	const n = 250
	connids := b.many(n)
	slow := func() { b.On("UpdateItem").Run(func() { b.Advance(time.Minute) }) }

	slow()
	b.reload(connids[0][:12], fmt.Sprintf(`"result":{"reloaded":%d}`, n), anybody)
	b.drain(session.WakeReload, 3, b.sessions.WokenToReload)
	for _, i := range b.Table(store.Sessions) {
		if i.Str("tags") != `{"a":{"n":1}}` {
			t.Fatalf("%s has %s", i.Str("id"), i.Str("tags"))
		}
	}

	slow()
	b.kick(b.call("c"), connids[0][:12], fmt.Sprintf(`"result":{"kicked":%d}`, n), anybody)
	b.drain(session.WakeKick, 3, b.sessions.WokenToKick)
	for _, i := range b.Table(store.Sessions) {
		if i.Str("state") != "ended" {
			t.Fatalf("%s is %s", i.Str("id"), i.Str("state"))
		}
	}
}

// drain carries out the messages of a kind, of which there must be so many.
func (b *bench) drain(kind string, want int, woken func(context.Context, timer.Wake) error) {
	b.t.Helper()
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		if err != nil {
			b.t.Fatal(err)
		}
		if w.Kind != kind {
			continue
		}
		want--
		if err := woken(b.ctx, w); err != nil {
			b.t.Error(err)
		}
	}
	if want != 0 {
		b.t.Errorf("%d messages more were wanted", want)
	}
}

// Sessions of nobody and of users that are gone are not reloaded.
func TestReloadOthers(t *testing.T) {
	b := newBench(t)
	b.user("dora", `{".":{"n":1}}`)
	b.user("elsa", `{}`)
	none, dora, elsa := b.Connect().Connid, b.Connect().Connid, b.Connect().Connid
	b.as(dora, "dora")
	b.as(elsa, "elsa")
	b.set("dora", "tags", store.S(`{".":{"n":2}}`))
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Users, Key: store.Item{"user": store.S("elsa")}}); err != nil {
		t.Fatal(err)
	}
	b.reload(none[:8], `"result":{"reloaded":1}`, anybody)
	b.want(nobody(none), loggedIn(dora, "dora", `{".":{"n":2}}`), loggedIn(elsa, "elsa", `{}`))

	// One that cannot be told is an error, unless others were reached.
	b.On("UpdateItem").Fail(3)
	if _, err := b.sessions.ReloadOthers(b.ctx, b.call("c"), session.Select{Prefix: dora}, anybody); err == nil {
		t.Error("none was reached, and no error")
	}
}
