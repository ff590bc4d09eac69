package user_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// bench is the table of users and what works on it.
type bench struct {
	*harness.Harness
	t     *testing.T
	ctx   context.Context
	users *user.Users

	mu  sync.Mutex
	ids int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := harness.New(t)
	return &bench{Harness: h, t: t, ctx: t.Context(), users: h.Bus.Users}
}

func (b *bench) id() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids++
	return fmt.Sprintf("request-%d", b.ids)
}

// call is a new request.
func (b *bench) call() *call.Call { return &call.Call{Connid: "c", Request: b.id()} }

func (b *bench) hash(pass string) string {
	b.t.Helper()
	hash, err := b.users.Passwords.Hash(b.ctx, pass)
	if err != nil {
		b.t.Fatal(err)
	}
	return hash
}

// table is everything that is stored, an item a line, hashes named by their password.
func (b *bench) table() string {
	b.t.Helper()
	var lines []string
	for _, i := range b.Table(store.Users) {
		if !i.Has("hash") {
			lines = append(lines, fmt.Sprintf("%s at=%d attributes=%d", i.Str("user"), i.Int("at"), len(i)))
			continue
		}
		pass := "?"
		for _, candidate := range []string{"first", "second", "root"} {
			if i.Str("hash") == b.hash(candidate) {
				pass = candidate
			}
		}
		lines = append(lines, fmt.Sprintf("%s pass=%s tags=%s templates=%v whitelist=%v blacklist=%v maxsessions=%d disabled=%t createdAt=%d req=%s attributes=%d",
			i.Str("user"), pass, i.Str("tags"), i.Strs("templates"), i.Strs("whitelist"), i.Strs("blacklist"), i.Int("maxsessions"), i.Bool("disabled"),
			i.Int("createdAt"), i.Str("req"), len(i)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// row is the line of table for a user whom nothing was done to but its tags.
func row(name, pass, tags, request string) string {
	most := user.DefaultMaxSessions
	if name == user.Root {
		most = 0
	}
	return fmt.Sprintf("%s pass=%s tags=%s templates=[] whitelist=[] blacklist=[] maxsessions=%d disabled=false createdAt=%d req=%s attributes=12",
		name, pass, tags, most, harness.Start().UnixMilli(), request)
}

func (b *bench) want(table string) {
	b.t.Helper()
	if got := b.table(); got != table {
		b.t.Errorf("table\n%s\nwant\n%s", got, table)
	}
}

// item is a user's.
func (b *bench) item(name string) store.Item {
	b.t.Helper()
	item, err := b.DB.Get(b.ctx, store.Users, store.Item{"user": store.S(name)})
	b.Try(err)
	return item
}

// set writes attributes of a user that no call of this package writes yet.
func (b *bench) set(name, attribute string, value types.AttributeValue) {
	b.t.Helper()
	_, err := b.DB.Do(b.ctx, store.Write{Table: store.Users, Key: store.Item{"user": store.S(name)}, Update: "SET #" + attribute + " = :v",
		If: "attribute_exists(#user)", Values: store.Item{":v": value}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) ok(outcome jsonrpc.Outcome, err error) {
	b.t.Helper()
	if err != nil || outcome != jsonrpc.OK {
		b.t.Errorf("%s %v, want ok", outcome, err)
	}
}

// fails checks for an error of the protocol.
func (b *bench) fails(err error, code jsonrpc.Code, detail string) {
	b.t.Helper()
	want := jsonrpc.Err(code, detail)
	if e, ok := errors.AsType[*jsonrpc.Error](err); !ok || e.Code != want.Code || e.Message != want.Message || !bytes.Equal(e.Data, want.Data) {
		b.t.Errorf("error %v, want %v", err, want)
	}
}

func (b *bench) create(name, pass string) {
	b.t.Helper()
	b.ok(b.users.Create(b.ctx, b.call(), user.Create{User: name, Pass: pass}))
}

// setTags reads params as a client sends them, and sets the tags.
func (b *bench) setTags(c *call.Call, params string) (jsonrpc.Outcome, error) {
	return harness.Call(b.ctx, c, params, user.ReadSetTags, b.users.SetTags)
}

func (b *bench) delTags(c *call.Call, params string) (jsonrpc.Outcome, error) {
	return harness.Call(b.ctx, c, params, user.ReadDelTags, b.users.DelTags)
}

// long is a JSON string of n bytes that says who it is.
func long(n int) string { return fmt.Sprintf(`"%x%s"`, sha256.Sum256(nil), strings.Repeat("x", n-66)) }
