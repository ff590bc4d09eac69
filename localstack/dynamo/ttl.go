package dynamo

import (
	"maps"
	"slices"
	"time"
)

// maxExpired is how old an expiry may be: TTL leaves alone what expired more than five years ago.
const maxExpired = 5 * 365 * 24 * time.Hour

type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

type updateTTLRequest struct {
	TableName               string
	TimeToLiveSpecification *ttlSpecification
}

func updateTimeToLive(e *Engine, q *updateTTLRequest) (any, error) {
	t, err := e.table(q.TableName)
	if err != nil {
		return nil, err
	}
	s := q.TimeToLiveSpecification
	if s == nil || s.AttributeName == "" {
		return nil, validation("1 validation error detected: Value null at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: " +
			"Member must not be null")
	}
	switch {
	case s.Enabled && t.ttl != "":
		return nil, validation("TimeToLive is already enabled")
	case !s.Enabled && t.ttl == "":
		return nil, validation("TimeToLive is already disabled")
	case !s.Enabled && t.ttl != s.AttributeName:
		return nil, validationf("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	}
	t.expiries = tree{}
	t.ttl = ""
	if s.Enabled {
		t.ttl = s.AttributeName
		for _, chunk := range t.data.items.chunks {
			for _, x := range chunk {
				if p, ok := t.expiry(x); ok {
					t.expiries.put(&entry{position: p, item: x.item})
				}
			}
		}
	}
	e.arm()
	return map[string]any{"TimeToLiveSpecification": s}, nil
}

func describeTimeToLive(e *Engine, q *tableRequest) (any, error) {
	t, err := e.table(q.TableName)
	if err != nil {
		return nil, err
	}
	d := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		d = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

// expiry is where the item stands among those that expire: the hash is the second, the tie its place in the table.
func (t *table) expiry(x *entry) (position, bool) {
	if x == nil || t.ttl == "" {
		return position{}, false
	}
	v := x.item.get(t.ttl)
	if v == nil || v.kind != kindN || v.num.sign() <= 0 || v.num.exp > 12 {
		return position{}, false
	}
	seconds := uint64(0)
	for i := range v.num.exp { // the digits before the point
		seconds *= 10
		if i < len(v.num.digits) {
			seconds += uint64(v.num.digits[i] - '0')
		}
	}
	return position{hash: seconds, tie: tie(&x.position)}, true
}

// trackExpiry keeps the expiries in step with a write.
func (e *Engine) trackExpiry(t *table, old, new *entry) {
	if t.ttl == "" {
		return
	}
	was, had := t.expiry(old)
	is, has := t.expiry(new)
	if had && (!has || was != is) {
		t.expiries.remove(&was)
	}
	if has {
		t.expiries.put(&entry{position: is, item: new.item})
	}
	if had || has {
		e.arm()
	}
}

// dueAt is when the sweep deletes an item that expires at that second.
func (e *Engine) dueAt(seconds uint64) time.Time {
	return time.Unix(int64(seconds), 0).Add(max(0, e.config.TTLDelay))
}

// next returns the expiry that falls due first in that table, passing over those that are too old to count.
func (e *Engine) next(t *table) *entry {
	var first *entry
	oldest := e.clock.Now().Add(-maxExpired).Unix()
	t.expiries.walk(func(x *entry) bool { return int64(x.hash) < oldest }, func(*entry) bool { return true }, false, func(x *entry) bool {
		first = x
		return false
	})
	return first
}

// arm sets the timer of the sweep to the first expiry of all tables, if there is any.
func (e *Engine) arm() {
	var at time.Time
	for _, t := range e.tables { // the minimum does not depend on the order
		if t.ttl == "" {
			continue
		}
		if x := e.next(t); x != nil {
			if due := e.dueAt(x.hash); at.IsZero() || due.Before(at) {
				at = due
			}
		}
	}
	if at.IsZero() || e.closed {
		e.disarm()
		return
	}
	if e.sweep != nil && e.sweepAt.Equal(at) {
		return
	}
	e.disarm()
	e.sweepAt = at
	e.sweep = e.clock.AfterFunc(max(at.Sub(e.clock.Now()), time.Nanosecond), e.expire)
}

func (e *Engine) disarm() {
	if e.sweep != nil {
		e.sweep()
		e.sweep = nil
	}
}

// expire deletes what is due, tables in the order of their names, and arms the timer for the rest.
func (e *Engine) expire() {
	e.mu.Lock()
	defer e.unlock()
	e.sweep = nil
	if e.closed {
		return
	}
	now := e.clock.Now()
	for _, name := range slices.Sorted(maps.Keys(e.tables)) {
		t := e.tables[name]
		for t.ttl != "" {
			x := e.next(t)
			if x == nil || e.dueAt(x.hash).After(now) {
				break
			}
			p := t.locate(x.item)
			e.replace(t, t.data.items.get(&p), nil, true)
		}
	}
	e.arm()
}
