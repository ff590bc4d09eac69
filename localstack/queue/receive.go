package queue

import (
	"context"
	"slices"
	"strconv"
	"time"
)

type receiveMessageInput struct {
	QueueURL                    string `json:"QueueUrl"`
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receiveMessageOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

type receivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string           `json:",omitempty"`
	MD5OfMessageAttributes string                      `json:",omitempty"`
	MessageAttributes      map[string]messageAttribute `json:",omitempty"`
}

// receiveMessage answers at once where a message is visible, and otherwise waits for the first that becomes so.
func (c *call) receiveMessage(in *receiveMessageInput) (any, error) {
	system := append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...)
	for _, name := range system {
		if !slices.Contains(systemAttributes, name) {
			return nil, errInvalidAttributeName.with("Unknown Attribute %s.", name)
		}
	}
	w, wait, q, err := c.poll(in)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		c.wait(q, w, wait)
	}
	if w.err == nil && len(w.got) == 0 {
		w.err = context.Cause(c.ctx)
	}
	if w.err != nil {
		return nil, w.err
	}
	var out receiveMessageOutput
	for _, d := range w.got {
		out.Messages = append(out.Messages, c.received(d, system, in.MessageAttributeNames))
	}
	return out, nil
}

// poll receives what is visible. Where there is nothing and the caller will wait, w is left among the queue's waiters and wait is for how long.
func (c *call) poll(in *receiveMessageInput) (w *waiter, wait time.Duration, q *queue, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q, err = c.find(in.QueueURL); err != nil {
		return nil, 0, nil, err
	}
	w = &waiter{max: 1, visibility: q.settings.visibilityTimeout, ready: make(chan struct{})}
	wait = q.settings.wait
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > maxBatch {
			return nil, 0, nil, invalidValue("MaxNumberOfMessages", *n, "Must be between 1 and 10, if provided.")
		}
		w.max = *n
	}
	if n := in.VisibilityTimeout; n != nil {
		if *n < 0 || *n > maxVisibility {
			return nil, 0, nil, invalidValue("VisibilityTimeout", *n, "Must be between 0 and 43200, if provided.")
		}
		w.visibility = seconds(*n)
	}
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > maxWait {
			return nil, 0, nil, invalidValue("WaitTimeSeconds", *n, "Must be >= 0 and <= 20, if provided.")
		}
		wait = seconds(*n)
	}
	now := c.clock.Now()
	q.advance(now)
	if q.inFlight >= maxInFlight {
		if wait == 0 { // a long poll returns nothing and no error
			return nil, 0, nil, errOverLimit.with("Too many messages in flight: the limit is %d.", maxInFlight)
		}
		return w, 0, q, nil
	}
	if w.got = q.take(w.max, w.visibility, now); len(w.got) > 0 || wait == 0 {
		return w, 0, q, nil
	}
	q.waiters = append(q.waiters, w)
	q.arm(now)
	return w, wait, q, nil
}

// wait blocks until w is answered, its time is over or its request's context ends. What became visible in that last instant still counts.
func (c *call) wait(q *queue, w *waiter, d time.Duration) {
	over := make(chan struct{})
	stop := c.clock.AfterFunc(d, func() { close(over) })
	defer stop()
	select {
	case <-w.ready:
		return
	case <-over:
	case <-c.ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if c.ctx.Err() == nil {
		q.advance(now)
	}
	q.leave(w, now)
}

// systemAttributes are those that a receive may ask for. The ones of FIFO queues and of X-Ray have no value here.
var systemAttributes = []string{"All", "ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "AWSTraceHeader", "DeadLetterQueueSourceArn",
	"MessageDeduplicationId", "MessageGroupId", "SenderId", "SentTimestamp", "SequenceNumber"}

// received is the wire's form of a delivery, with the attributes that were asked for.
func (c *call) received(d delivery, system, names []string) receivedMessage {
	m := d.message
	out := receivedMessage{MessageID: m.id, ReceiptHandle: d.handle, MD5OfBody: m.bodyMD5, Body: m.body}
	all := map[string]string{
		"ApproximateFirstReceiveTimestamp": millis(d.firstReceived),
		"ApproximateReceiveCount":          strconv.Itoa(d.receives),
		"SenderId":                         c.account,
		"SentTimestamp":                    millis(m.sent),
	}
	if d.source != "" {
		all["DeadLetterQueueSourceArn"] = d.source
	}
	for _, name := range system {
		if name == "All" {
			out.Attributes = all
			break
		}
		if value, ok := all[name]; ok {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	if asked := selected(m.attributes, names); len(asked) > 0 {
		out.MD5OfMessageAttributes = attributesMD5(asked)
		out.MessageAttributes = map[string]messageAttribute{}
		for _, a := range asked {
			out.MessageAttributes[a.name] = a.value
		}
	}
	return out
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
