package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

const (
	// WakeAppend is the kind of a dead letter about a pipe that a publication could not be given to. It names the pipe, the row and the publication's
	// number there, and holds the message. Moved to the delay queue it gives the message to the pipe, without regard to what the pipe had since: behind
	// that, and twice if it comes twice.
	WakeAppend = "topic.append"
	// poisoned is the kind of a dead letter about a record that is no publication. There is nothing that could be done with it anew.
	poisoned = "topic.poison"
)

// giveUp sends a pipe to the dead-letter queue that could not be given a publication, which was handed out alone for that.
func (t *Topics) giveUp(ctx context.Context, d *delivery, pipeid string) error {
	p := d.pubs[0]
	w := timer.Wake{Kind: WakeAppend, Key: []string{pipeid, p.row, strconv.FormatInt(p.n, 10)}, Cursor: map[string]string{"topic": p.topic}}
	if d.shared != "" {
		w.Cursor["body"] = d.shared
	} else {
		w.Cursor["message"] = string(d.messages[0])
	}
	t.Log.Error("fan-out: gave up a pipe", "pipe", pipeid, "row", p.row, "publication", p.n, "topic", p.topic)
	return t.DeadLetters.After(ctx, 0, w)
}

// poison sends a record to the dead-letter queue that is no publication.
func (t *Topics) poison(ctx context.Context, r Record, why error) error {
	t.Log.Error("fan-out: no publication", "record", r.ID, "part", r.Image.Str("part"), "error", why)
	return t.DeadLetters.After(ctx, 0, timer.Wake{Kind: poisoned, Key: []string{r.Image.Str("part"), r.ID},
		Cursor: map[string]string{"topic": r.Image.Str("topic"), "msg": r.Image.Str("msg"), "body": r.Image.Str("body"), "reason": why.Error()}})
}

// Woken does what a message of the delay queue says.
func (t *Topics) Woken(ctx context.Context, w timer.Wake) error {
	switch {
	case w.Kind == WakeGone && len(w.Key) == 1:
		return t.PipeGone(ctx, w.Key[0])
	case w.Kind == WakeAppend && len(w.Key) == 3:
		return t.redeliver(ctx, w)
	}
	return fmt.Errorf("a timer of topics that says nothing: %s %v", w.Kind, w.Key)
}

// redeliver gives a publication to a pipe that was given up.
func (t *Topics) redeliver(ctx context.Context, w timer.Wake) error {
	d, message := Delivery{Body: w.Cursor["body"]}, json.RawMessage(w.Cursor["message"])
	if d.Body != "" {
		i, err := t.DB.Get(ctx, store.Bodies, store.Item{"id": store.S(d.Body)})
		if err != nil {
			return err
		}
		if i == nil { // it is kept for longer than any pipe that was there
			return nil
		}
		message = json.RawMessage(i.Str("out"))
	}
	if !json.Valid(message) {
		return errors.New("a dead letter without a message")
	}
	d.Messages = []json.RawMessage{message}
	_, err := t.Pipes.Append(ctx, w.Key[0], d)
	if call.IsRecorded(err) {
		t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "redelivery: serve reads", "pipe", w.Key[0], "error", err)
		return nil
	}
	return err
}
