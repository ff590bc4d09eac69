package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nexus/pkg/store"
)

// delivery is a publication that is being handed out, with its message as pipes get it once it is loaded.
type delivery struct {
	*publication
	message json.RawMessage
	shared  string // the body row that pipes refer to; empty where each holds the message
}

// errNoBody is about a publication whose message is gone. It was there before the publication, and is kept for longer than its record.
var errNoBody = errors.New("its body is missing")

// load makes the message ready, once: it reads one that is a body row, and makes a body row of one that is too long to be copied into each pipe.
func (t *Topics) load(ctx context.Context, d *delivery) error {
	if d.message != nil {
		return nil
	}
	if d.body != "" {
		i, err := t.DB.Get(ctx, store.Bodies, store.Item{"id": store.S(d.body)})
		if err == nil && i == nil {
			err = fmt.Errorf("%w: %s", errNoBody, d.body)
		}
		if err != nil {
			return err
		}
		d.message, d.shared = json.RawMessage(i.Str("out")), d.body
		return nil
	}
	message := compose(d.topic, d.msg)
	if len(message) > shared {
		d.shared = fmt.Sprintf("%s%s/%d", partPublications, d.row, d.n)
		if err := t.putBody(ctx, d.shared, message); err != nil {
			return err
		}
	}
	d.message = message
	return nil
}

// to is what a pipe gets.
func (d *delivery) to() Delivery {
	return Delivery{Row: d.row, N: d.n, Message: d.message, Body: d.shared}
}
