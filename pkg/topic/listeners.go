package topic

import (
	"context"
	"strings"
	"sync"
	"time"

	"nexus/pkg/store"
)

// A subscription that may take publications of the bus itself (Hears) has a third row, in one partition of all such. So what the bus would publish costs a
// read now and then, and nothing else while nobody is subscribed who would get it.

const (
	// heardFor is how long what was read of the listeners is good for.
	heardFor = 5 * time.Second
	// listenersRead is how many listeners are told apart. Where there are more, everything is taken for heard.
	listenersRead = 100
)

// listeners is what an environment knows of who listens.
type listeners struct {
	mu       sync.Mutex
	patterns map[string]bool // that somebody is subscribed to
	many     bool            // and to others
	until    time.Time       // it is read anew
}

// listener is the row of a subscription among the listeners.
func listener(s Subscription) store.Item { return key(partListeners, s.Topic+" "+s.Pipeid) }

// listens are the writes that belong to a subscription's beginning, in its transaction.
func (t *Topics) listens(s Subscription, expires time.Time) []store.Write {
	if !t.Hears(s.Topic) {
		return nil
	}
	row := listener(s)
	row[store.AttrExpires] = store.N(expires.Unix())
	// Key: the subscription's row among the listeners. No condition: the transaction's others. Effect: what it takes is published.
	return []store.Write{{Table: store.Topics, Item: row}}
}

// deafens are the writes that belong to a subscription's end, in its transaction.
func (t *Topics) deafens(s Subscription) []store.Write {
	if !t.Hears(s.Topic) {
		return nil
	}
	// Key: the subscription's row among the listeners. No condition: the transaction's others. Effect: nothing is published for it alone.
	return []store.Write{{Table: store.Topics, Key: listener(s)}}
}

// listenersChanged has this environment look again, if a subscription that it changed is among the listeners.
func (t *Topics) listenersChanged(s Subscription) {
	if !t.Hears(s.Topic) {
		return
	}
	l := &t.listeners
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = time.Time{}
}

// Heard reports whether anybody may be subscribed who gets a publication of the bus itself with some parts. What it knows is up to 5 s old, beside the lag of
// an eventually consistent read, and costs a query of up to 100 rows every 5 s.
func (t *Topics) Heard(ctx context.Context, parts []string) (bool, error) {
	l, now := &t.listeners, t.Now()
	l.mu.Lock()
	patterns, many, known := l.patterns, l.many, now.Before(l.until)
	l.mu.Unlock()
	if !known {
		items, next, err := t.DB.Query(ctx, store.Query{Table: store.Topics, If: "#part = :part", Values: store.Item{":part": store.S(partListeners)},
			Projection: "#row, #exp", Limit: listenersRead, Eventual: true})
		if err != nil {
			return false, err
		}
		patterns, many = map[string]bool{}, next != nil
		for _, i := range items {
			if pattern, _, _ := strings.Cut(i.Str("row"), " "); i.Int(store.AttrExpires) > now.Unix() { // TimeToLive lags
				patterns[pattern] = true
			}
		}
		l.mu.Lock()
		l.patterns, l.many, l.until = patterns, many, now.Add(heardFor)
		l.mu.Unlock()
	}
	if many || len(patterns) == 0 {
		return many, nil
	}
	for _, pattern := range t.Patterns(parts) {
		if patterns[pattern] {
			return true, nil
		}
	}
	return false, nil
}
