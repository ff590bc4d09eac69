package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// bench is sessions and users.
type bench struct {
	*harness.Harness
	t        *testing.T
	ctx      context.Context
	sessions *session.Sessions
	users    *user.Users
	names    map[string]string // of users by uid, those of users that are gone too
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := harness.New(t)
	return &bench{Harness: h, t: t, ctx: t.Context(), sessions: h.Bus.Sessions, users: h.Bus.Users, names: map[string]string{}}
}

// call is a new request of a connection.
func (b *bench) call(connid string) *call.Call {
	return &call.Call{Connid: connid, Request: b.NewID(), IP: harness.IP, At: b.Now()}
}

func (b *bench) login(connid, params string) (jsonrpc.Outcome, error) {
	return harness.Call(b.ctx, b.call(connid), params, session.ReadLogin, b.sessions.Login)
}

// as logs in a user whose password is its name.
func (b *bench) as(connid, name string) {
	b.t.Helper()
	if _, err := b.login(connid, `{"user":"`+name+`","pass":"`+name+`"}`); err != nil {
		b.t.Fatal(err)
	}
}

// user makes a user whose password is its name.
func (b *bench) user(name, tags string) {
	b.t.Helper()
	if _, err := b.users.Create(b.ctx, b.call(""), user.Create{User: name, Pass: name}); err != nil {
		b.t.Fatal(err)
	}
	b.set(name, "tags", store.S(tags))
	b.names[b.uid(name)] = name
}

// uid is what tells a user from others of the name.
func (b *bench) uid(name string) string {
	b.t.Helper()
	item, err := b.DB.Get(b.ctx, store.Users, store.Item{"user": store.S(name)})
	b.Try(err)
	return item.Str("uid")
}

// set writes an attribute of a user.
func (b *bench) set(name, attribute string, value types.AttributeValue) {
	b.t.Helper()
	_, err := b.DB.Do(b.ctx, store.Write{Table: store.Users, Key: store.Item{"user": store.S(name)}, Update: "SET #" + attribute + " = :v",
		If: "attribute_exists(#user)", Values: store.Item{":v": value}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// table is every session, a line each, without the request that last wrote it; owner is the name of the user whose uid that is.
func (b *bench) table() string {
	b.t.Helper()
	var lines []string
	for _, i := range b.Table(store.Sessions) {
		lines = append(lines, fmt.Sprintf("%s %s user=%s owner=%s tags=%s wd=%d", i.Str("id"), i.Str("state"), i.Str("user"), b.names[i.Str("owner")],
			i.Str("tags"), i.Int("wd")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (b *bench) want(lines ...string) {
	b.t.Helper()
	if got, want := b.table(), strings.Join(lines, "\n"); got != want {
		b.t.Errorf("sessions\n%s\nwant\n%s", got, want)
	}
}

func nobody(connid string) string { return connid + " live user=nobody owner= tags={} wd=90" }

func loggedIn(connid, name, tags string) string {
	return connid + " live user=" + name + " owner=" + name + " tags=" + tags + " wd=90"
}

// fails checks for an error of the protocol.
func (b *bench) fails(err error, code jsonrpc.Code, detail string) {
	b.t.Helper()
	want := jsonrpc.Err(code, detail)
	if e, ok := errors.AsType[*jsonrpc.Error](err); !ok || e.Code != want.Code || e.Message != want.Message {
		b.t.Errorf("error %v, want %v", err, want)
	}
}
