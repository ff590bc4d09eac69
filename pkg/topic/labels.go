package topic

import (
	"context"
	"sync"
	"time"

	"nexus/pkg/store"
)

// labels knows of the rows that tell by first label whether anybody subscribed to topics which begin with it: so that what is published for whom it
// may interest (hooks) costs nothing while it interests nobody. A row is put with a label's first subscription, and goes by its time alone.
type labels struct {
	mu    sync.Mutex
	until map[string]time.Time // by label, to when its row is known to last
	heard map[string]heard     // by label, what was read last
}

type heard struct {
	yes   bool
	until time.Time // it is asked anew
}

const (
	// labelMargin is by how much longer a label's row is made to last than was needed, so that most subscriptions find one that lasts.
	labelMargin = time.Hour
	// heardFor is how long an answer of Heard is good for.
	heardFor = 5 * time.Second
	// labelsKnown bounds the memory of an environment; forgetting costs a request.
	labelsKnown = 10_000
)

func labelRow(label string) store.Item { return key(partLabel+label, single) }

// note puts a label's row, to last at least until a time. Most calls find that an earlier one did.
func (t *Topics) note(ctx context.Context, label string, until time.Time) error {
	l := &t.labels
	l.mu.Lock()
	known := !l.until[label].Before(until)
	l.mu.Unlock()
	if known {
		return nil
	}
	until = until.Add(labelMargin)
	// Key: the label's row. Condition: it does not last longer already. Effect: it lasts until then. A loser has what it wants.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Topics, Key: labelRow(label), Update: "SET #exp = :exp",
		If: "attribute_not_exists(#exp) OR #exp < :exp", Values: store.Item{":exp": store.N(until.Unix())}})
	if _, lost := store.Lost(err); err != nil && !lost {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until == nil || len(l.until) >= labelsKnown {
		l.until = map[string]time.Time{}
	}
	l.until[label] = until
	l.heard = nil // it may say that nobody is subscribed
	return nil
}

// Heard tells whether anybody may be subscribed to topics whose first label is label: true for hours after the last of them left, false for up to 5 s
// (and the lag of an eventually consistent read) after the first came. It costs one read unit every 5 s.
func (t *Topics) Heard(ctx context.Context, label string) (bool, error) {
	l, now := &t.labels, t.Now()
	l.mu.Lock()
	last, known := l.heard[label]
	l.mu.Unlock()
	if known && now.Before(last.until) {
		return last.yes, nil
	}
	found, err := t.DB.GetAllEventually(ctx, []store.Key{
		{Table: store.Topics, Key: labelRow(label)}, {Table: store.Topics, Key: labelRow(wildcard)}}, "#exp")
	if err != nil {
		return false, err
	}
	yes := false
	for _, f := range found {
		yes = yes || f.Item.Int(store.AttrExpires) > now.Unix() // TimeToLive lags
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard == nil || len(l.heard) >= labelsKnown {
		l.heard = map[string]heard{}
	}
	l.heard[label] = heard{yes, now.Add(heardFor)}
	return yes, nil
}
