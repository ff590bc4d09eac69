package lock_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/handler"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/lock"
	"nexus/pkg/store"
)

// bench is the locks of a bus.
type bench struct {
	*harness.Harness
	t     *testing.T
	names map[string]string // of clients, by connid
	calls int
}

func newBench(t *testing.T) *bench {
	return &bench{harness.New(t), t, map[string]string{}, 0}
}

// client is a session by its name.
type client struct {
	*harness.Client
	b *bench
}

func (b *bench) clients(names ...string) []client {
	b.t.Helper()
	var all []client
	for _, name := range names {
		c := client{b.Connect(), b}
		b.names[c.Connid] = name
		all = append(all, c)
	}
	return all
}

// call is a new request of a client: r1, r2, …
func (c client) call() *call.Call {
	c.b.calls++
	return &call.Call{Connid: c.Connid, Request: fmt.Sprintf("r%d", c.b.calls), At: c.b.Now()}
}

// lock returns how a sync.lock ends: the fence, counted from the test's beginning, or the error.
func (c client) lock(name string) string {
	return c.b.outcome(c.b.Bus.Locks.Lock(c.b.t.Context(), c.call(), lock.Named{Lock: name}))
}

func (c client) unlock(name string) string {
	return c.b.outcome(c.b.Bus.Locks.Unlock(c.b.t.Context(), c.call(), lock.Named{Lock: name}))
}

func (b *bench) outcome(o jsonrpc.Outcome, err error) string {
	if err != nil {
		return err.Error()
	}
	var fence int64
	if _, err := fmt.Sscanf(string(o), `"result":{"ok":true,"fence":%d}`, &fence); err == nil {
		return fmt.Sprintf("fence %d", fence-harness.Start().UnixMilli())
	}
	return string(o)
}

// What sync.unlock answers, and what is refused.
const (
	ok       = `"result":{"ok":true}`
	notOwned = "-32006 Lock not owned"
)

// says checks how a call ended.
func (b *bench) says(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s, want %s", got, want)
	}
}

// want checks the whole table, a lock a line; times count from the test's beginning.
func (b *bench) want(lines ...string) {
	b.t.Helper()
	got := []string{}
	for _, i := range b.Table(store.Locks) {
		line := fmt.Sprintf("%s fence=%d", i.Str("lock"), i.Int("fence")-harness.Start().UnixMilli())
		if i.Has("owner") {
			line += " owner=" + b.names[i.Str("owner")]
		}
		for _, name := range []string{"by", "freed"} {
			if i.Has(name) {
				line += " " + name + "=" + i.Str(name)
			}
		}
		if i.Has("asked") {
			line += fmt.Sprintf(" asked=%s,%s", i.Time("asked").Sub(harness.Start()), i.Str("asker"))
		}
		got = append(got, fmt.Sprintf("%s exp=%s", line, time.Unix(i.Int(store.AttrExpires), 0).Sub(harness.Start())))
	}
	slices.Sort(got)
	if g, w := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != w {
		b.t.Errorf("the locks are\n%s\nwant\n%s", g, w)
	}
}

// tries is how often the SDK sends a request, so that it fails.
const tries = handler.Attempts

// The writes of a lock's life.
func (b *bench) granting() harness.Kind { return b.On("UpdateItem", "nexus-locks", "if_not_exists") }
func (b *bench) freeing() harness.Kind  { return b.On("UpdateItem", "nexus-locks", "#freed = :request") }

func TestLife(t *testing.T) {
	b := newBench(t)
	cs := b.clients("ana", "bob")
	ana, bob := cs[0], cs[1]
	b.want()
	b.says(ana.unlock("door"), notOwned) // of what nobody has ever held: that makes no lock
	b.want()
	b.says(ana.lock("door"), "fence 1")
	b.want("door fence=1 owner=ana by=r2 exp=27h0m0s")
	b.says(ana.lock("door"), notOwned)
	b.says(bob.unlock("door"), notOwned)
	b.want("door fence=1 owner=ana by=r2 exp=27h0m0s")
	b.says(bob.lock("window"), "fence 1")
	b.Advance(time.Second)
	b.says(ana.unlock("door"), ok)
	b.want("door fence=1 by=r2 freed=r6 exp=24h0m1s", "window fence=1 owner=bob by=r5 exp=27h0m0s")
	b.says(ana.unlock("door"), notOwned)
	b.says(bob.lock("door"), "fence 2")
	b.want("door fence=2 owner=bob by=r8 freed=r6 exp=27h0m1s", "window fence=1 owner=bob by=r5 exp=27h0m0s")
	b.says(bob.unlock("door"), ok)
	b.says(bob.lock("door"), "fence 3")
	b.says(bob.unlock("door"), ok)
	b.says(ana.lock("door"), "fence 4")
	b.want("door fence=4 owner=ana by=r12 freed=r11 exp=27h0m1s", "window fence=1 owner=bob by=r5 exp=27h0m0s")
}

func TestParams(t *testing.T) {
	for params, want := range map[string]string{
		`{"lock":"A.b"}`:   "a.b",
		`{"lock":"*"}`:     "*",
		`{}`:               "-32602 Invalid params:[lock]",
		`{"lock":null}`:    "-32602 Invalid params:[lock]",
		`{"lock":7}`:       "-32602 Invalid params:[lock]",
		`{"lock":""}`:      "-32602 Invalid params:[lock: empty]",
		`{"lock":"a..b"}`:  "-32602 Invalid params:[lock: empty label]",
		`{"lock":"a."}`:    "-32602 Invalid params:[lock: empty label]",
		`{"lock":"a\tb"}`:  "-32602 Invalid params:[lock: holds white space]",
		`{"lock":["a.b"]}`: "-32602 Invalid params:[lock]",
		`{"lock":"` + strings.Repeat("x", 501) + `"}`: "-32602 Invalid params:[lock: over 500 bytes]",
	} {
		p := jsonrpc.ReadParams([]byte(params))
		got := lock.ReadNamed(p).Subject()
		if err := p.Err(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%.40s: %q, want %q", params, got, want)
		}
	}
}

// TestLostResponses: the SDK repeats a request whose response it did not see. The write finds that it was itself.
func TestLostResponses(t *testing.T) {
	b := newBench(t)
	ana := b.clients("ana")[0]
	b.granting().Lose(1)
	b.says(ana.lock("door"), "fence 1")
	b.want("door fence=1 owner=ana by=r1 exp=24h0m0s")
	b.Advance(time.Second)
	b.freeing().Lose(1)
	b.says(ana.unlock("door"), ok)
	b.want("door fence=1 by=r1 freed=r2 exp=24h0m1s")

	// What the session did meanwhile is not undone: it was granted the lock, and then unlocked it.
	b.Advance(time.Second)
	b.granting().Then(func() { b.says(ana.unlock("door"), ok) })
	b.granting().Lose(1)
	b.says(ana.lock("door"), "fence 2")
	b.want("door fence=2 by=r3 freed=r4 exp=24h0m2s")

	// It unlocked it, and then was granted it again.
	b.Advance(time.Second)
	b.says(ana.lock("door"), "fence 3")
	b.freeing().Then(func() { b.says(ana.lock("door"), "fence 4") })
	b.freeing().Lose(1)
	b.says(ana.unlock("door"), ok)
	b.want("door fence=4 owner=ana by=r7 freed=r6 exp=24h0m3s")
}

// TestUnlockWithALostResponse: others were granted the lock and unlocked it before the write was sent again. It neither finds that it was itself
// nor that it was not.
func TestUnlockWithALostResponse(t *testing.T) {
	b := newBench(t)
	cs := b.clients("ana", "bob")
	ana, bob := cs[0], cs[1]
	b.freeing().Fail(1)
	b.says(ana.unlock("door"), notOwned) // nobody ever held it
	b.says(ana.lock("door"), "fence 1")
	b.freeing().Fail(1)
	b.says(bob.unlock("door"), notOwned) // nobody ever unlocked it
	b.Advance(time.Second)
	b.freeing().Then(func() { b.says(bob.lock("door"), "fence 2") })
	b.freeing().Lose(1)
	b.says(ana.unlock("door"), ok) // it is the last that unlocked it
	b.Advance(time.Second)
	b.says(bob.unlock("door"), ok)

	b.says(ana.lock("door"), "fence 3")
	b.freeing().Then(func() { b.says(bob.lock("door"), "fence 4"); b.says(bob.unlock("door"), ok) })
	b.freeing().Lose(1)
	b.says(ana.unlock("door"), "unlock door: a response was lost, and others have written to the lock since")
	b.says(bob.unlock("door"), notOwned)
	b.want("door fence=4 by=r9 freed=r10 exp=24h0m2s")
}

// TestErrors: what DynamoDB does not do is an error, not a refusal.
func TestErrors(t *testing.T) {
	b := newBench(t)
	cs := b.clients("ana", "bob")
	ana, bob := cs[0], cs[1]
	fails := func(got string) {
		t.Helper()
		if !strings.Contains(got, "EOF") || strings.HasPrefix(got, "-32") {
			t.Errorf("%s", got)
		}
	}
	b.granting().Fail(tries)
	fails(ana.lock("door"))
	b.On("UpdateItem", "SET #blind").Fail(tries)
	b.granting().Fail(1)
	fails(ana.lock("door"))
	b.want(fmt.Sprintf("door fence=%d exp=24h0m0s", -harness.Start().UnixMilli())) // held by nobody, and never was
	b.Advance(time.Second)
	b.says(ana.lock("door"), "fence 1001")
	b.freeing().Fail(tries)
	fails(ana.unlock("door"))
	b.On("BatchGetItem", "nexus-sessions").Fail(tries)
	fails(bob.lock("door"))
	b.Advance(lock.AskEvery)
	b.On("UpdateItem", "#asked = :now").Fail(tries)
	fails(bob.lock("door"))
	b.want("door fence=1001 owner=ana by=r3 asked=1s,r5 exp=24h0m1s")
}

// TestFencesGoOn: a lock that TimeToLive took begins again above what it had.
func TestFencesGoOn(t *testing.T) {
	b := newBench(t)
	ana := b.clients("ana")[0]
	for n := range 3 {
		b.says(ana.lock("door"), fmt.Sprintf("fence %d", n+1))
		b.says(ana.unlock("door"), ok)
	}
	b.Advance(lock.Kept)
	if exp := b.Table(store.Locks)[0].Int(store.AttrExpires); exp > b.Now().Unix() {
		t.Errorf("it expires at %d, not at %d", exp, b.Now().Unix())
	}
	b.drop("door")
	b.says(ana.lock("door"), fmt.Sprintf("fence %d", lock.Kept.Milliseconds()+1))
}

// drop takes a lock away, as TimeToLive does.
func (b *bench) drop(name string) {
	b.t.Helper()
	if _, err := b.DB.Do(b.t.Context(), store.Write{Table: store.Locks, Key: store.Item{"lock": store.S(name)}}); err != nil {
		b.t.Fatal(err)
	}
}
