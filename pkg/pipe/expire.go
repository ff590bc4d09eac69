package pipe

import (
	"context"
	"fmt"
	"time"

	"nexus/pkg/deliver"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// The kinds of messages that wake this family.
const (
	// WakeDeadline comes at the deadline of a read that waits, or on the way to it. It names the pipe and the read.
	WakeDeadline = "pipe.deadline"
	// WakeLook comes when a number without a row is old enough to be given up. It names the pipe.
	WakeLook = "pipe.look"
	// WakeInspect comes when what was under way in a pipe is old enough for repair. It names the pipe.
	WakeInspect = "pipe.inspect"
)

// apartClocks is how much too early a message may seem to come, since the clocks of execution environments differ.
const apartClocks = time.Second

// Woken does what a message says.
func (p *Pipes) Woken(ctx context.Context, w timer.Wake) error {
	switch {
	case w.Kind == WakeDeadline && len(w.Key) == 2:
		return p.expireRead(ctx, w.Key[0], w.Key[1])
	case w.Kind == WakeLook && len(w.Key) == 1:
		return p.look(ctx, w.Key[0])
	case w.Kind == WakeInspect && len(w.Key) == 1:
		m, err := p.get(ctx, w.Key[0])
		if err != nil {
			return err
		}
		young, err := p.inspect(ctx, m)
		if err != nil || young == 0 || young > apartClocks {
			return err // what moved since has a message of its own, or will have, by its record in the stream
		}
		return p.Timer.After(ctx, young, w)
	}
	return fmt.Errorf("a timer of pipes that says nothing: %s %v", w.Kind, w.Key)
}

// expireRead answers a read that waits past its deadline, and goes on to the deadline if that is ahead. A read that waits no more needs nothing.
func (p *Pipes) expireRead(ctx context.Context, pipeid, token string) error {
	m, err := p.get(ctx, pipeid)
	for range rounds {
		if err != nil || !m.open() {
			return err
		}
		n := m.place(token)
		if n < 0 {
			return nil
		}
		if left := m.waits[n].deadline.Sub(p.Now()); left > 0 {
			return p.Timer.After(ctx, left, timer.Wake{Kind: WakeDeadline, Key: []string{pipeid, token}})
		}
		m, err = p.expire(ctx, m, n)
	}
	return errBusy
}

// expireFirst answers the first read that waits, whose deadline has passed, and returns the pipe as it is then. That it does not take the answer is no
// matter of who comes with messages.
func (p *Pipes) expireFirst(ctx context.Context, m *meta) (*meta, error) {
	now, err := p.expire(ctx, m, 0)
	if deliver.OnlyUndelivered(err) {
		return p.get(ctx, m.pipeid)
	}
	return now, err
}

// place tells where among the reads that wait one is; -1 if it is not.
func (m *meta) place(token string) int {
	for n, w := range m.waits {
		if w.token == token {
			return n
		}
	}
	return -1
}

// expire answers a read whose deadline has passed without messages: one that is where it was read. It returns the pipe as it is then.
func (p *Pipes) expire(ctx context.Context, m *meta, n int) (*meta, error) {
	h := &handover{token: p.token(), at: p.Now()}
	path := waitPath(n)
	// Key: the pipe. Condition: it is open, and the read waits where it did. Effect: it waits no more, and a hand-over without messages goes to it;
	// the drops are reported. A loser finds that the read, or another before it, was served, or, by the token, that it was itself.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid),
		Update: "SET #who.#token = " + path + ", #what.#token = :what, #was.#token = #tail, #tail.#d = :zero REMOVE " + path,
		If:     "attribute_not_exists(#closed) AND " + path + ".#t = :read",
		Values: store.Item{":what": h.what(), ":zero": store.N(0), ":read": store.S(m.waits[n].token)},
		Names:  map[string]string{"#token": h.token}})
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	if err != nil {
		return nil, err
	}
	now := decode(i)
	if now == nil || now.handed[h.token].token == "" {
		return now, nil
	}
	h.wait, h.was = now.handed[h.token].wait, now.handed[h.token].was
	return p.handOver(ctx, now, h, nil, nil)
}
