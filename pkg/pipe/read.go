package pipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Read is what pipe.read takes.
type Read struct {
	Pipeid  string
	Max     int64
	Timeout time.Duration // 0: for ever
}

// ReadRead reads pipe.read's params.
func ReadRead(p *jsonrpc.Params) Read {
	in := Read{Pipeid: p.String("pipeid"), Max: min(p.OptBound("max", DefaultMax), MaxLen), Timeout: p.OptSeconds("timeout", 0)}
	if in.Max < 1 {
		in.Max = DefaultMax
	}
	return in
}

// Read carries out pipe.read: it takes the messages at the head, or waits for some. A notification does nothing, since a read exists only for its
// answer.
func (p *Pipes) Read(ctx context.Context, c *call.Call, in Read) (jsonrpc.Outcome, error) {
	if c.ID == nil {
		return "", nil
	}
	if !valid(in.Pipeid) {
		return "", invalid(in.Pipeid)
	}
	own := wait{token: p.token(), id: p.referTo(c.ID, inlineID), max: in.Max, at: p.Now()}
	own.deadline = own.at.Add(forEver)
	if in.Timeout > 0 && in.Timeout < forEver {
		own.deadline = own.at.Add(in.Timeout)
	}
	var m *meta
	put, err := beside(
		func() error { return p.putBody(ctx, own.id, string(c.ID)) },
		func() (err error) { m, err = p.get(ctx, in.Pipeid); return err })
	if err := errors.Join(put, err); err != nil {
		return "", err
	}
	for range rounds {
		switch {
		case !m.open() || m.owner != c.Connid:
			return "", invalid(in.Pipeid)
		case m.empty() || len(m.waits) > 0:
			return "", p.join(ctx, m, c, own)
		}
		s, err := p.collect(ctx, m, own.max, fits(len(c.ID)))
		if err != nil {
			return "", err
		}
		if len(s.messages) == 0 {
			now, blocked, err := p.unblock(ctx, m, s)
			if err != nil {
				return "", err
			}
			if blocked != nil {
				return "", p.join(ctx, m, c, own)
			}
			m = now
			continue
		}
		h := &handover{token: p.token(), wait: own, at: p.Now()}
		if m, err = p.claim(ctx, m, h, s, nil); err != nil {
			return "", err
		}
		if m == nil || m.handed[h.token].token == "" {
			continue
		}
		m, err = p.handOver(ctx, m, h, s.messages, nil)
		if err == nil {
			_, err = p.settle(ctx, m)
		}
		return "", call.Recorded(err)
	}
	return "", errBusy
}

// join makes a read wait, and looks whether it has to: what joining returns shows whether a number was allotted since the last look.
func (p *Pipes) join(ctx context.Context, m *meta, c *call.Call, own wait) error {
	left := own.deadline.Sub(p.Now())
	if left <= soon {
		// Before the write, so that a read that waits has its timer; where the write fails it comes in vain.
		wake := timer.Wake{Kind: WakeDeadline, Key: []string{m.pipeid, own.token}}
		if err := p.Timer.After(ctx, left, wake); err != nil {
			return err
		}
		own.armed = true
	}
	m, err := p.enlist(ctx, m, c, own)
	if err != nil {
		return err
	}
	blocked, err := p.settle(ctx, m)
	if err == nil && blocked != nil {
		// A writer is at work, or dead. If it is dead nobody may come by to find out before repair does.
		age := p.Now().Sub(blocked.since)
		err = p.Timer.After(ctx, PlugAge-age, timer.Wake{Kind: WakeLook, Key: []string{m.pipeid}})
	}
	if err == nil && !own.deadline.After(p.Now()) { // the timer may have come before there was anything to find
		err = p.expireRead(ctx, m.pipeid, own.token)
	}
	return call.Recorded(err)
}

// errUnknown says that a read may have joined, been answered and forgotten while responses were lost, or else never joined. Either way an error does
// no harm: nobody listens for a second answer, and it waits no more.
var errUnknown = errors.New("whether the read waited is not known")

// attempts is how often a write is sent whose repetition must be known as such.
const attempts = 3

// enlist adds a read to those that wait, once, and returns the pipe as it is then.
func (p *Pipes) enlist(ctx context.Context, m *meta, c *call.Call, own wait) (*meta, error) {
	pipeid := m.pipeid
	var unknown []error // of attempts that may have been carried out
	for range rounds {
		switch {
		case !m.open() || m.owner != c.Connid:
			return nil, invalid(pipeid)
		case len(m.waits) >= MaxReads:
			return nil, jsonrpc.Err(jsonrpc.Internal, "too many reads")
		case len(m.waits) >= p.Limits.Reads:
			return nil, jsonrpc.Err(jsonrpc.LimitExceeded, fmt.Sprintf("%d reads of the pipe wait", len(m.waits)))
		}
		// Key: the pipe. Condition: it is open and the caller's, as many reads have joined as were read, and fewer wait than may. Effect: the read
		// waits, after all others. It is sent with one attempt, so that a first loser knows that another read joined. After an attempt
		// that may have been carried out, a loser finds itself among the reads, or as the last that joined, or does not know.
		i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid), Once: true,
			Update: "SET #waits = list_append(#waits, :waits), #asks = #asks + :one, #asker = :me",
			If:     "attribute_not_exists(#closed) AND #owner = :owner AND #asks = :asks AND attribute_not_exists(" + waitPath(p.Limits.Reads-1) + ")",
			Values: store.Item{":waits": &types.AttributeValueMemberL{Value: []types.AttributeValue{own.attribute()}}, ":one": store.N(1),
				":me": store.S(own.token), ":owner": store.S(c.Connid), ":asks": store.N(m.asks)}})
		if err == nil {
			return decode(i), nil
		}
		joined := func(m *meta) bool { return m.asker == own.token || m.has(own.token) }
		old, lost := store.Lost(err)
		if !lost {
			if len(unknown) == 0 && store.Refused(err) {
				return nil, err
			}
			if unknown = append(unknown, err); len(unknown) == attempts {
				return nil, p.giveUp(ctx, m, joined, errors.Join(unknown...))
			}
			continue
		}
		asks := m.asks
		m = decode(old)
		switch {
		case len(unknown) == 0 || m == nil:
		case joined(m):
			return m, nil
		case m.asks != asks:
			return nil, errors.Join(errUnknown, errors.Join(unknown...))
		}
	}
	return nil, errBusy
}

// giveUp is for a read of which no attempt to join is known to have come to anything. Each was conditional on how many had joined, so that none can
// come late once another has: giving up counts as one. The read is recorded if it turns out to have joined, or where even that cannot be told.
func (p *Pipes) giveUp(ctx context.Context, m *meta, joined func(*meta) bool, err error) error {
	// Key: the pipe. Condition: as many reads have joined as were read. Effect: one more. A loser finds itself among the reads, or that others joined
	// or gave up, or the pipe gone: then it does not know, or never will join.
	_, failed := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), Update: "SET #asks = #asks + :one", If: "#asks = :asks",
		Values: store.Item{":one": store.N(1), ":asks": store.N(m.asks)}})
	old, lost := store.Lost(failed)
	if failed == nil || lost && (old == nil || !joined(decode(old))) {
		return err
	}
	return call.Recorded(err)
}
