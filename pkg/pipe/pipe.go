package pipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Kind is the kind of this family's call rows.
const Kind = "pipe"

// The bounds of spec/protocol.md.
const (
	// DefaultLen and MaxLen are how many unread messages a pipe holds.
	DefaultLen = 1000
	MaxLen     = 100_000
	// DefaultMax is how many messages a read takes at most where it does not say.
	DefaultMax = 10
	// MaxMessage is how long a message may be, in bytes of JSON.
	MaxMessage = 120 << 10
	// MaxReads is how many reads of one pipe may wait.
	MaxReads = 32
)

const (
	// PlugAge is how long after its allotment, at least, a number without a row is given up: handlers end at 10 s.
	PlugAge = 10 * time.Second
	// RepairAge is how long nothing must have moved before repair acts, so that it never races a live handler.
	RepairAge = 30 * time.Second
	// soon is how near a deadline must be to get its timer at once; farther ones get theirs from repair.
	soon = 60 * time.Second
	// forEver is how long a read without timeout waits: longer than its connection lasts, whose end takes its pipe away.
	forEver = 3 * time.Hour
	// connectionLife is how long API Gateway keeps a connection. Deadlines beyond it need no timer.
	connectionLife = 2 * time.Hour
	// inline is the most that a message takes in meta, and inlined how many messages it holds at most; what is beyond is a row of its own.
	inline  = 512
	inlined = 8
	// inlineID is the most that a request's id takes in meta.
	inlineID = 64
	// rounds bounds how often one handler tries again after losing to others. Each time somebody else got on.
	rounds = 64
)

// Limits bound what one client can have others hold. What goes beyond is -32012.
type Limits struct {
	// Pipes is how many pipes a session may have.
	Pipes int
	// Bytes is how many bytes of messages may be unread in a pipe. Of what is published the rest is dropped, and counted, as where a pipe is full.
	Bytes int64
	// Reads is how many reads of one pipe may wait, at most MaxReads.
	Reads int
}

// DefaultLimits are far from what a client needs that reads what it gets, and near enough that no connection can have much more stored in one pipe than
// it sends in a minute.
func DefaultLimits() Limits { return Limits{Pipes: 1000, Bytes: 64 << 20, Reads: MaxReads} }

// Or returns the limits, with another's for what is zero.
func (l Limits) Or(other Limits) Limits {
	return Limits{Pipes: cmp.Or(l.Pipes, other.Pipes), Bytes: cmp.Or(l.Bytes, other.Bytes), Reads: cmp.Or(l.Reads, other.Reads)}
}

// Sessions is what this family asks of sessions.
type Sessions interface {
	// End ends a session whose connection is known to be gone (closed) or has to go.
	End(ctx context.Context, connid string, closed bool) error
	// Live tells which connections have a live session.
	Live(ctx context.Context, connids ...string) (map[string]bool, error)
}

// Topics is what this family asks of topics.
type Topics interface {
	// PipeGone takes the subscriptions of a pipe away that is closed. It may be told of one again, and of one that has none.
	PipeGone(ctx context.Context, pipeid string) error
}

// Pipes carries out the calls of this family, and what happens to its items besides. It is safe for concurrent use.
type Pipes struct {
	DB       *store.DB
	Rows     *call.Rows
	Timer    *timer.Queue
	Post     *deliver.Poster
	Sessions Sessions
	Topics   Topics
	Now      func() time.Time
	// NewID returns a ulid that nobody can guess.
	NewID func() string

	Limits Limits

	// RepairAge is the constant of that name, but in the simulation that proves it to be needed.
	RepairAge time.Duration
	// Chores is how repair and clean-up go about many pipes.
	Chores chores.Chores
	Log    *slog.Logger
}

var errBusy = errors.New("too many others wrote to the pipe at the same time")

// token returns a name for what one handler does to a meta item, where every byte is paid for: the end of a ulid, 50 bits of chance among the few
// tokens of a pipe that are of use at a time.
func (p *Pipes) token() string {
	id := p.NewID()
	return id[len(id)-10:]
}

const ulidLength = 26

// valid tells whether a string can name a pipe. What cannot is not asked of the table, which takes no key that is empty or too long.
func valid(pipeid string) bool {
	return len(pipeid) == ulidLength && !strings.ContainsFunc(pipeid, func(r rune) bool { return r < '0' || r > 'Z' })
}

// Open returns a check, for a transaction of another family's, that there is a pipe and it is not closed. ok is false for what cannot name one.
func (p *Pipes) Open(pipeid string) (check store.Write, ok bool) {
	if !valid(pipeid) {
		return store.Write{}, false
	}
	return store.Write{Table: store.Pipes, Key: metaKey(pipeid), Check: true, If: "attribute_exists(#pipeid) AND attribute_not_exists(#closed)"}, true
}

// Invalid is the error for a pipe that is unknown or closed, as all calls answer it.
func (p *Pipes) Invalid(pipeid string) error { return invalid(pipeid) }

// invalid is the error for a pipe that is unknown, closed, or another session's where that matters: the three look the same.
func invalid(pipeid string) error {
	const most = 64
	if len(pipeid) > most {
		pipeid = strings.ToValidUTF8(pipeid[:most], "") + "…"
	}
	return jsonrpc.Err(jsonrpc.InvalidPipe, pipeid)
}

// get reads a pipe; nil if there is none.
func (p *Pipes) get(ctx context.Context, pipeid string) (*meta, error) {
	i, err := p.DB.Get(ctx, store.Pipes, metaKey(pipeid))
	return decode(i), err
}

// post answers a call. Nobody waits where id is empty.
func (p *Pipes) post(ctx context.Context, connid string, id json.RawMessage, o jsonrpc.Outcome) error {
	if len(id) == 0 {
		return nil
	}
	return p.Post.Post(ctx, connid, jsonrpc.Answer(id, o))
}

// posted tells whether a post is over with: it arrived, or it never will.
func posted(err error) bool { return err == nil || errors.Is(err, deliver.ErrGone) }

// gone ends the session of a connection that a post found gone; another error stays.
func (p *Pipes) gone(ctx context.Context, connid string, err error) error {
	if errors.Is(err, deliver.ErrGone) {
		return p.Sessions.End(ctx, connid, false)
	}
	return err
}

// putBody writes a row for what is too long for meta. Nobody deletes it: TimeToLive costs nothing, a deletion a write unit per KB.
func (p *Pipes) putBody(ctx context.Context, r reference, text string) error {
	if r.body == "" {
		return nil
	}
	// Key: a new id. No condition: nobody else knows it, and a repeated put changes nothing.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Bodies, Item: store.Item{"id": store.S(r.body), "out": store.S(text),
		store.AttrExpires: store.N(p.expiry())}})
	return err
}

func bodyKey(id string) store.Item { return store.Item{"id": store.S(id)} }

// referTo returns how meta is to name a text: by itself, up to most bytes, or by a body row, which is still to be put.
func (p *Pipes) referTo(text []byte, most int) reference {
	if len(text) > most {
		return reference{body: p.NewID()}
	}
	return reference{text: string(text)}
}

// textOf returns what a reference names.
func (p *Pipes) textOf(ctx context.Context, r reference) (json.RawMessage, error) {
	if r.body == "" {
		return json.RawMessage(r.text), nil
	}
	i, err := p.DB.Get(ctx, store.Bodies, bodyKey(r.body))
	if err == nil && i == nil {
		err = errors.New("a body of a pipe is missing: " + r.body)
	}
	return json.RawMessage(i.Str("out")), err
}

// expiry is when TimeToLive may take what belongs to a pipe of a live session: its connection is over by then.
func (p *Pipes) expiry() int64 { return p.Now().Add(call.Life).Unix() }

// beside runs two independent steps side by side and returns the error of each.
func beside(other, own func() error) (otherErr, ownErr error) {
	var wait sync.WaitGroup
	wait.Go(func() { otherErr = other() })
	ownErr = own()
	wait.Wait()
	return otherErr, ownErr
}
