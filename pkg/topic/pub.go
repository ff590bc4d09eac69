package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Pub is what topic.pub takes.
type Pub struct {
	Topic string
	Msg   json.RawMessage
}

// ReadPub reads topic.pub's params.
func ReadPub(p *jsonrpc.Params) Pub {
	var in Pub
	var err error
	in.Topic, err = access.Topic(p.String("topic"))
	p.Check("topic", err)
	msg, ok := p.Raw("msg")
	if !ok {
		msg = json.RawMessage("null")
	}
	if in.Msg = msg; len(msg) > MaxMessage {
		p.Fail("msg", "over 120 KB")
	}
	return in
}

// Subject is the name that permission is needed on: the topic.
func (p Pub) Subject() string { return p.Topic }

// Pub carries out topic.pub. Where count is set the answer also has the number of subscriptions that match. -32603 says that the message was not
// published, as far as can be known: if a request was held up on its way it still may be, once.
func (t *Topics) Pub(ctx context.Context, c *call.Call, p Pub, count bool) (jsonrpc.Outcome, error) {
	began := t.Now()
	publish := func() error { return t.publish(ctx, c.Connid, c.Request, c.At, p.Topic, nil, p.Msg) }
	if !count {
		if err := publish(); err != nil {
			return "", err
		}
		t.apart(ctx, began)
		return jsonrpc.OK, nil
	}
	var sent int64
	uncounted, err := beside(func() (err error) { sent, err = t.matching(ctx, patterns(p.Topic), c.At); return err }, publish)
	if err != nil {
		return "", err
	}
	t.apart(ctx, began)
	var o jsonrpc.Object
	o.Bool("ok", true)
	if uncounted == nil {
		o.Int("sent", sent)
	} else { // it is published: its caller must not take it for failed
		t.Log.Warn("count the subscriptions that match", "topic", p.Topic, "error", uncounted)
	}
	return jsonrpc.Success(o.JSON()), nil
}

// Publish publishes a message for the bus itself. topic is of at most 2,048 bytes, msg at most MaxMessage bytes of JSON. Messages of one
// publisher, if each is awaited, keep their order. It goes to whom Patterns says for its parts, of together at most 1,500 bytes; where parts is nil
// it goes to whom a client's would. It is published when API Gateway took the event whose handler publishes, or now where there is none.
func (t *Topics) Publish(ctx context.Context, publisher, topic string, parts []string, msg json.RawMessage) error {
	const most = 2048 // two names of 500 bytes, each with as many to escape theirs
	if len(msg) > MaxMessage || len(topic) > most {
		return fmt.Errorf("a publication of %d bytes on a topic of %d bytes", len(msg), len(topic))
	}
	at, ok := call.TakenAt(ctx)
	if !ok {
		at = t.Now()
	}
	return t.publish(ctx, publisher, t.NewID(), at, topic, parts, msg)
}

// earlier names the attributes of a row of publications that remember the requests before the last one. A publisher whose response was lost looks for
// its own among them.
func earlier() []string { return []string{"r1", "r2", "r3", "r4", "r5", "r6", "r7"} }

// publish makes the publication: one update, sent with one attempt. Its stream record is what is handed out.
func (t *Topics) publish(ctx context.Context, publisher, request string, taken time.Time, topic string, parts []string, msg json.RawMessage) error {
	at := key(partPublications+rowOf(publisher), single)
	w := store.Write{Table: store.Topics, Key: at, Once: true, If: "attribute_not_exists(#req) OR #req <> :req",
		Values: store.Item{":zero": store.N(0), ":one": store.N(1), ":topic": store.S(topic), ":at": store.Millis(taken), ":req": store.S(request),
			":none": store.S("-")}}
	set := []string{"#n = if_not_exists(#n, :zero) + :one", "#topic = :topic", "#at = :at", "#req = :req"}
	before := "req"
	for _, name := range earlier() {
		set = append(set, "#"+name+" = if_not_exists(#"+before+", :none)")
		before = name
	}
	remove := " REMOVE "
	if parts == nil {
		remove += "#parts, "
	} else {
		set = append(set, "#parts = :parts")
		w.Values[":parts"] = store.Strings(parts)
	}
	if len(msg) > inline {
		body := t.NewID()
		if err := t.putBody(ctx, body, compose(topic, msg)); err != nil {
			return err
		}
		w.Values[":body"] = store.S(body)
		w.Update = "SET " + strings.Join(append(set, "#body = :body"), ", ") + remove + "#msg"
	} else {
		w.Values[":msg"] = store.S(string(msg))
		w.Update = "SET " + strings.Join(append(set, "#msg = :msg"), ", ") + remove + "#body"
	}
	// Key: the publisher's row of publications. Condition: the last one is not this. Effect: it is, with the next number; the requests of the eight last
	// are remembered. It is sent with one attempt: a repetition that comes when others have published since would be a second publication. A loser is
	// this very write.
	_, err := t.DB.Do(ctx, w)
	if _, lost := store.Lost(err); err == nil || lost {
		return nil
	}
	// Whether it was carried out is not known. If it was, it is among the last, unless eight others came since.
	row, readErr := t.DB.Get(ctx, store.Topics, at)
	if readErr == nil && slices.ContainsFunc(append(earlier(), "req"), func(name string) bool { return row.Str(name) == request }) {
		return nil
	}
	return errors.Join(err, readErr)
}
