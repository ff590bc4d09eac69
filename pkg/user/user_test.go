package user_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/user"
)

// TestLife follows a user from its creation to its deletion; after each call the whole table is compared.
func TestLife(t *testing.T) {
	b := newBench(t)
	b.want("")
	b.create("ana", "first")
	b.want(row("ana", "first", `{}`, "request-1"))

	_, err := b.users.Create(b.ctx, b.call(), user.Create{User: "ana", Pass: "second"})
	b.fails(err, jsonrpc.UserExists, "ana")
	b.want(row("ana", "first", `{}`, "request-1"))

	b.ok(b.setTags(b.call(), `{"user":"ANA","prefix":"A.b","tags":{"@task.push":true,"Max":1.50,"deep":{"b":[ 1 ],"a":"<é>"}}}`))
	b.want(row("ana", "first", `{"a.b":{"@task.push":true,"Max":1.50,"deep":{"b":[ 1 ],"a":"<é>"}}}`, "request-3"))
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":"a.b","tags":{"deep":{"c":null},"Max":2e0}}`))
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"@admin":true}}`))
	b.want(row("ana", "first", `{".":{"@admin":true},"a.b":{"@task.push":true,"Max":2e0,"deep":{"b":[ 1 ],"a":"<é>","c":null}}}`, "request-5"))

	b.ok(b.delTags(b.call(), `{"user":"ana","prefix":"a.b","tags":{"Max":0,"deep":{}}}`))
	b.ok(b.delTags(b.call(), `{"user":"ana","prefix":".","tags":["@admin","unknown"]}`))
	b.want(row("ana", "first", `{"a.b":{"@task.push":true}}`, "request-7"))

	b.ok(b.users.SetPass(b.ctx, b.call(), user.SetPass{User: "ana", Pass: "second"}))
	b.want(row("ana", "second", `{"a.b":{"@task.push":true}}`, "request-8"))

	b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
	b.want("")

	_, err = b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"})
	b.fails(err, jsonrpc.InvalidUser, "ana")
	_, err = b.users.SetPass(b.ctx, b.call(), user.SetPass{User: "ana", Pass: "second"})
	b.fails(err, jsonrpc.InvalidUser, "ana")
	_, err = b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{}}`)
	b.fails(err, jsonrpc.InvalidUser, "ana")
	_, err = b.delTags(b.call(), `{"user":"ana","prefix":".","tags":[]}`)
	b.fails(err, jsonrpc.InvalidUser, "ana")
	b.want("")
}

func TestParams(t *testing.T) {
	create := harness.Detail(user.ReadCreate)
	remove := harness.Detail(user.ReadDelete)
	setPass := harness.Detail(user.ReadSetPass)
	setTags := harness.Detail(user.ReadSetTags)
	delTags := harness.Detail(user.ReadDelTags)
	tests := []struct {
		call   string
		why    func(params string) string
		params string
		detail string // "" for params that are good
	}{
		{"create", create, `{"user":"Ana","pass":"1234"}`, ""},
		{"create", create, `{}`, "user"},
		{"create", create, `{"user":7,"pass":"1234"}`, "user"},
		{"create", create, `{"user":"ab","pass":"1234"}`, "user: under 3 bytes"},
		{"create", create, `{"user":"a b","pass":"1234"}`, "user: holds white space"},
		{"create", create, `{"user":"a..b","pass":"1234"}`, "user: empty label"},
		{"create", create, `{"user":"@Internal","pass":"1234"}`, "user: reserved"},
		{"create", create, `{"user":"@internal","pass":"1234"}`, "user: reserved"},
		{"create", create, `{"user":"ana>root","pass":"1234"}`, "user: holds >"},
		{"create", create, `{"user":"ana"}`, "pass"},
		{"create", create, `{"user":"ana","pass":["1234"]}`, "pass"},
		{"create", create, `{"user":"ana","pass":"123"}`, "pass: under 4 bytes"},
		{"create", create, `{"user":"ana","pass":"` + strings.Repeat("x", 501) + `"}`, "pass: over 500 bytes"},
		{"delete", remove, `{"user":"ana"}`, ""},
		{"delete", remove, `null`, "user"},
		{"setPass", setPass, `{"user":"ana","pass":"1234"}`, ""},
		{"setPass", setPass, `{"user":"ana","pass":"123"}`, "pass: under 4 bytes"},
		{"setTags", setTags, `{"user":"ana","prefix":".","tags":{}}`, ""},
		{"setTags", setTags, `{"user":"ana","tags":{}}`, "prefix"},
		{"setTags", setTags, `{"user":"ana","prefix":"a..b","tags":{}}`, "prefix: empty label"},
		{"setTags", setTags, `{"user":"ana","prefix":"."}`, "tags"},
		{"setTags", setTags, `{"user":"ana","prefix":".","tags":null}`, "tags: not an object"},
		{"setTags", setTags, `{"user":"ana","prefix":".","tags":["a"]}`, "tags: not an object"},
		{"setTags", setTags, `{"user":"ana","prefix":".","tags":{"a":` + long(64<<10) + `}}`, "tags: over 64 KB"},
		{"delTags", delTags, `{"user":"ana","prefix":".","tags":["a"]}`, ""},
		{"delTags", delTags, `{"user":"ana","prefix":".","tags":{"a":1}}`, ""},
		{"delTags", delTags, `{"user":"ana","prefix":"."}`, "tags"},
		{"delTags", delTags, `{"user":"ana","prefix":".","tags":"a"}`, "tags: neither a list nor an object"},
		{"delTags", delTags, `{"user":"ana","prefix":".","tags":[1]}`, "tags: a name is not a string"},
	}
	for _, test := range tests {
		if got := test.why(test.params); got != test.detail {
			t.Errorf("%s %.80s: %q, want %q", test.call, test.params, got, test.detail)
		}
	}
}

// TestTagsBound fills a user's tags to the last byte.
func TestTagsBound(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	fill := func(n int) string {
		return fmt.Sprintf(`{"user":"ana","prefix":".","tags":{"fill":%s}}`, long(n-len(`{".":{"fill":}}`)))
	}
	_, err := b.setTags(b.call(), fill(user.MaxTags+1))
	b.fails(err, jsonrpc.InvalidParams, "tags: with those that the user has over 64 KB")
	b.want(row("ana", "first", `{}`, "request-1"))
	b.ok(b.setTags(b.call(), fill(user.MaxTags)))
	before := b.table()
	_, err = b.setTags(b.call(), `{"user":"ana","prefix":"a","tags":{"b":1}}`)
	b.fails(err, jsonrpc.InvalidParams, "tags: with those that the user has over 64 KB")
	b.want(before)
	b.ok(b.delTags(b.call(), `{"user":"ana","prefix":".","tags":["fill"]}`))
	b.want(row("ana", "first", `{}`, "request-5"))
}

// TestMergesMeet lets many requests set tags of one user at once: none is lost.
func TestMergesMeet(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	const n = 16
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			b.ok(b.setTags(b.call(), fmt.Sprintf(`{"user":"ana","prefix":"p%02d","tags":{"n":%d}}`, i, i)))
			b.ok(b.setTags(b.call(), fmt.Sprintf(`{"user":"ana","prefix":".","tags":{"all":{"%d":true}}}`, i)))
		})
	}
	wg.Wait()
	p, err := b.users.Profile(b.ctx, b.call(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	all := string(p.Tags["."]["all"])
	for i := range n {
		if got := string(p.Tags[fmt.Sprintf("p%02d", i)]["n"]); got != fmt.Sprint(i) {
			t.Errorf("prefix p%02d has n=%q", i, got)
		}
		if !strings.Contains(all, fmt.Sprintf(`"%d":true`, i)) {
			t.Errorf("all has no %d: %s", i, all)
		}
	}
}

// TestLostResponses loses the response to each call's write. The SDK repeats the write, and the call finds that it had been there.
func TestLostResponses(t *testing.T) {
	created := row("ana", "first", `{}`, "request-1")
	tests := []struct {
		name, operation string
		run             func(b *bench) (jsonrpc.Outcome, error)
		before, after   string
	}{
		{"create", "TransactWriteItems", func(b *bench) (jsonrpc.Outcome, error) {
			return b.users.Create(b.ctx, b.call(), user.Create{User: "bob", Pass: "second"})
		}, created, created + "\n" + row("bob", "second", `{}`, "request-2")},
		{"setPass", "UpdateItem", func(b *bench) (jsonrpc.Outcome, error) {
			return b.users.SetPass(b.ctx, b.call(), user.SetPass{User: "ana", Pass: "second"})
		}, created, row("ana", "second", `{}`, "request-2")},
		{"setTags", "UpdateItem", func(b *bench) (jsonrpc.Outcome, error) {
			return b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"a":1}}`)
		}, created, row("ana", "first", `{".":{"a":1}}`, "request-2")},
		{"delete", "TransactWriteItems", func(b *bench) (jsonrpc.Outcome, error) {
			return b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"})
		}, created, ""},
		{"the first start", "TransactWriteItems", func(b *bench) (jsonrpc.Outcome, error) {
			b.users.NewID = b.id
			made, err := b.users.CreateRoot(b.ctx, "root")
			if !made {
				b.t.Error("root was not made")
			}
			return jsonrpc.OK, err
		}, created, created + "\n" + firstStart + "\n" + row("root", "root", `{".":{"@admin":true}}`, "request-2")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			b.create("ana", "first")
			b.want(test.before)
			n := b.On(test.operation).Count()
			b.On(test.operation).Lose(1)
			b.ok(test.run(b))
			if got := b.On(test.operation).Count() - n; got != 2 {
				t.Errorf("%d requests, want the write and its repetition", got)
			}
			b.want(test.after)
		})
	}
}

// TestLateCreation: a creation that comes when the user was deleted does not bring it back.
func TestLateCreation(t *testing.T) {
	b := newBench(t)
	arrive := b.On("TransactWriteItems").Stray(1)
	b.create("ana", "first")
	b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
	arrive()
	b.want("")
}

// TestOneRequestWritesTwice: the first write of a request is there, is not heard of, is read by a second request and overwritten by a third; then it
// writes again. The second must not take that for what it read.
func TestOneRequestWritesTwice(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	first, read, again, done := b.call(), make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.On("UpdateItem").Lose(1)
	b.On("UpdateItem").Run(func() {
		b.On("UpdateItem").Run(func() { // before the second attempt
			close(read)
			<-again
		})
	})
	go func() {
		defer close(done)
		b.ok(b.setTags(first, `{"user":"ana","prefix":"a","tags":{"first":1}}`))
	}()
	<-read
	second, third := b.call(), b.call()
	b.On("UpdateItem").Run(func() {
		b.ok(b.setTags(third, `{"user":"ana","prefix":"a","tags":{"third":1}}`))
		b.ok(b.delTags(b.call(), `{"user":"ana","prefix":"a","tags":["first"]}`))
		close(again)
		<-done
	})
	b.ok(b.setTags(second, `{"user":"ana","prefix":"a","tags":{"second":1}}`))
	b.want(row("ana", "first", `{"a":{"first":1,"second":1,"third":1}}`, second.Request+"#1"))
}

// TestCreatedAnew deletes the user and creates it again between another request's read and its write, which must bring back no old tag.
func TestCreatedAnew(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":".","tags":{"@admin":true}}`))
	c := b.call()
	b.On("UpdateItem").Run(func() {
		b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
		b.create("ana", "second")
	})
	b.ok(b.setTags(c, `{"user":"ana","prefix":"a","tags":{"b":1}}`))
	b.want(row("ana", "second", `{"a":{"b":1}}`, c.Request+"#1"))

	// And deletes it for good.
	b.On("UpdateItem").Run(func() {
		b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "ana"}))
	})
	_, err := b.setTags(b.call(), `{"user":"ana","prefix":"a","tags":{"b":2}}`)
	b.fails(err, jsonrpc.InvalidUser, "ana")
	b.want("")
}
