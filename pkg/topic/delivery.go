package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"nexus/pkg/store"
)

// delivery is publications that are handed out together, with their messages as pipes get them once they are loaded. They follow one another in a
// row, and match the same names; more than one are all short.
type delivery struct {
	pubs     []*publication
	patterns []string // those names
	messages []json.RawMessage
	shared   string // the body row that pipes refer to; empty where each holds the messages
}

// together is how many publications are handed out together at most.
const together = 100

// errNoBody is about a publication whose message is gone. It was there before the publication, and is kept for longer than its record.
var errNoBody = errors.New("its body is missing")

// follows tells whether a publication may be handed out together with those before it.
func (p *publication) follows(pubs []*publication) bool {
	before := pubs[len(pubs)-1]
	return len(pubs) < together && p.n == before.n+1 && p.topic == before.topic && slices.Equal(p.parts, before.parts) && p.short() && before.short()
}

// short tells whether the message is one that each pipe holds.
func (p *publication) short() bool { return p.body == "" && len(p.composed()) <= shared }

// composed is the message as pipes get it, where it is not in a body row.
func (p *publication) composed() json.RawMessage {
	if p.whole == nil {
		p.whole = compose(p.topic, p.msg)
	}
	return p.whole
}

// load makes the messages ready, once: it reads one that is a body row, and makes a body row of one that is too long to be copied into each pipe.
func (t *Topics) load(ctx context.Context, d *delivery) error {
	if d.messages != nil {
		return nil
	}
	first := d.pubs[0]
	switch {
	case first.body != "":
		i, err := t.DB.Get(ctx, store.Bodies, store.Item{"id": store.S(first.body)})
		if err == nil && i == nil {
			err = fmt.Errorf("%w: %s", errNoBody, first.body)
		}
		if err != nil {
			return err
		}
		d.messages, d.shared = []json.RawMessage{json.RawMessage(i.Str("out"))}, first.body
		return nil
	case !first.short():
		d.shared = fmt.Sprintf("%s%s/%d", partPublications, first.row, first.n)
		if err := t.putBody(ctx, d.shared, first.composed()); err != nil {
			return err
		}
	}
	for _, p := range d.pubs {
		d.messages = append(d.messages, p.composed())
	}
	return nil
}

// parts is what a pipe gets of it: each part is of those that follow one another.
func (d *delivery) parts(s spans) []Delivery {
	var parts []Delivery
	follows := false
	for n, p := range d.pubs {
		switch has := s.has(p.at); {
		case has && follows:
			last := &parts[len(parts)-1]
			last.Messages = append(last.Messages, d.messages[n])
		case has:
			parts = append(parts, Delivery{Row: p.row, N: p.n, Messages: d.messages[n : n+1 : n+1], Body: d.shared})
		default:
			follows = false
			continue
		}
		follows = true
	}
	return parts
}
