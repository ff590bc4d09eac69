package topic

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

const (
	// MaxMessage is how long a message may be, in bytes of JSON.
	MaxMessage = 120 << 10
	// RowsAtOnce is how many rows one invocation hands out at a time.
	RowsAtOnce = 8
	// DefaultRate is how many posts a second a fan-out makes at most, where nothing else is set.
	DefaultRate = 500
	// MaxAge is how old a stream record of a publication may become until Lambda gives it up.
	MaxAge = 6 * time.Hour
	// Kept is how long a body row is kept: longer than the rows of pipes that refer to it, the last of which is put when the record is MaxAge old.
	Kept = MaxAge + call.Life + time.Hour

	// inline is the most that a message takes in a publication's row; what is longer is a body row.
	inline = 4 << 10
	// shared is the most that a message takes in each pipe; to what is longer they all refer.
	shared = 512
	// tick is what API Gateway's clock tells apart.
	tick = time.Millisecond
)

// Delivery is publications on their way to a pipe.
type Delivery struct {
	Row      string            // of publications, at most Rows in all; empty: a repetition is not to be recognised
	N        int64             // the first one's number there, from 1 on; the others follow it
	Messages []json.RawMessage // {"topic","msg"}; several are at most together, of at most shared bytes
	Body     string            // the row of the table bodies that holds the only message; empty: none does
}

// Pipes is what this family asks of pipes.
type Pipes interface {
	// Open returns a check that a pipe is there and open, as a part of a transaction; ok is false for what cannot name one.
	Open(pipeid string) (check store.Write, ok bool)
	// Invalid is the error for a pipe that is not there, or not open.
	Invalid(pipeid string) error
	// Append writes to a pipe, each message exactly once whether called once or again, with the same messages or some of them and others, and tells
	// whether there is such a pipe. A call.Recorded error says that it did. Messages of one row must come in the order of their numbers: those that come
	// late are taken for a repetition.
	Append(ctx context.Context, pipeid string, d Delivery) (there bool, err error)
}

// Topics carries out the calls of this family, and the fan-out of what is published. It is safe for concurrent use.
type Topics struct {
	DB    *store.DB
	Pipes Pipes
	Timer *timer.Queue
	// DeadLetters is the dead-letter queue.
	DeadLetters *timer.Queue
	Log         *slog.Logger
	Now         func() time.Time
	// Sleep waits.
	Sleep func(context.Context, time.Duration) error
	// NewID returns a ulid that nobody can guess.
	NewID func() string
	// Chores is how long one invocation goes on before it leaves the rest to the next.
	Chores time.Duration
	// Patterns returns what a subscription may be to in order to match a publication of the bus itself, by its parts: each once, always in the same
	// order, less than 1,000.
	Patterns func(parts []string) []string
	// Hears reports whether a subscription to a pattern may match any publication of the bus itself. It then costs two writes more, and while it is there,
	// what it matches is published.
	Hears func(pattern string) bool
	// Rate is how many posts a second Pipes.Append makes at most: what is begun together must be done in time.
	Rate int
	// RowsAtOnce is the constant of that name, but in the simulation, which could not tell their requests apart.
	RowsAtOnce int

	listeners listeners
}

// compose is a message as pipes get it.
func compose(topic string, msg json.RawMessage) json.RawMessage {
	var o jsonrpc.Object
	return o.String("topic", topic).Raw("msg", msg).JSON()
}

// putBody writes a message into a body row.
func (t *Topics) putBody(ctx context.Context, id string, message json.RawMessage) error {
	// Key: an id of this one message. No condition: it always has the same content. A repeated put changes nothing but when it goes.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Bodies, Item: store.Item{"id": store.S(id), "out": store.S(string(message)),
		store.AttrExpires: store.N(t.Now().Add(Kept).Unix())}})
	return err
}

// apart makes a call that began at a time last for a tick, so that none that awaits it is taken within the same one: such could not be told from one
// that came before. Where requests travel it lasts longer anyway.
func (t *Topics) apart(ctx context.Context, began time.Time) {
	if left := began.Add(tick).Sub(t.Now()); left > 0 {
		_ = t.Sleep(ctx, min(left, tick)) // where the handler's time is up, it took longer
	}
}

// beside runs two independent steps side by side and returns the error of each.
func beside(other, own func() error) (otherErr, ownErr error) {
	var wait sync.WaitGroup
	wait.Go(func() { otherErr = other() })
	ownErr = own()
	wait.Wait()
	return otherErr, ownErr
}
