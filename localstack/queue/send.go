package queue

import "time"

// maxBatchBytes bounds all messages of a SendMessageBatch together.
const maxBatchBytes = 1 << 20

// outgoing is a message to be sent: the parameters that SendMessage and an entry of SendMessageBatch share.
type outgoing struct {
	MessageBody       *string
	DelaySeconds      *int
	MessageAttributes map[string]messageAttribute
}

type sendMessageInput struct {
	QueueURL string `json:"QueueUrl"`
	outgoing
}

type sendMessageOutput struct {
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
	MessageID              string `json:"MessageId"`
}

func (c *call) sendMessage(in *sendMessageInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	attributes, err := in.check(q)
	if err != nil {
		return nil, err
	}
	return c.send(q, &in.outgoing, attributes), nil
}

// check checks a message and returns its attributes in order.
func (o *outgoing) check(q *queue) ([]attribute, error) {
	if o.MessageBody == nil || *o.MessageBody == "" {
		return nil, missing("MessageBody")
	}
	if err := checkContents(*o.MessageBody); err != nil {
		return nil, err
	}
	attributes, err := checkAttributes(o.MessageAttributes)
	if err != nil {
		return nil, err
	}
	if size(*o.MessageBody, attributes) > q.settings.maximumSize {
		return nil, errInvalidParameterValue.with("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.",
			q.settings.maximumSize)
	}
	if d := o.DelaySeconds; d != nil && (*d < 0 || *d > maxDelay) {
		return nil, invalidValue("DelaySeconds", *d, "DelaySeconds must be >= 0 and <= 900.")
	}
	return attributes, nil
}

// send puts a checked message into q.
func (c *call) send(q *queue, o *outgoing, attributes []attribute) sendMessageOutput {
	now, delay := c.clock.Now(), q.settings.delay
	if o.DelaySeconds != nil {
		delay = time.Duration(*o.DelaySeconds) * time.Second
	}
	m := &message{id: c.newID(), body: *o.MessageBody, bodyMD5: bodyMD5(*o.MessageBody), attributes: attributes, sent: now, visibleAt: now.Add(delay)}
	q.put(m, now)
	return sendMessageOutput{m.bodyMD5, attributesMD5(attributes), m.id}
}

type sendMessageBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []sendMessageBatchEntry
}

type sendMessageBatchEntry struct {
	ID string `json:"Id"`
	outgoing
}

type sendMessageBatchSuccess struct {
	ID string `json:"Id"`
	sendMessageOutput
}

func (c *call) sendMessageBatch(in *sendMessageBatchInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	total := 0
	for _, e := range in.Entries {
		var attributes []attribute
		for name, a := range e.MessageAttributes {
			attributes = append(attributes, attribute{name, a})
		}
		if e.MessageBody != nil {
			total += size(*e.MessageBody, attributes)
		}
	}
	if total > maxBatchBytes {
		return nil, errBatchRequestTooLong.with("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)
	}
	id := func(e *sendMessageBatchEntry) string { return e.ID }
	return batch("SendMessageBatchRequestEntry", in.Entries, id, func(e *sendMessageBatchEntry) (any, error) {
		attributes, err := e.check(q)
		if err != nil {
			return nil, err
		}
		return sendMessageBatchSuccess{e.ID, c.send(q, &e.outgoing, attributes)}, nil
	})
}
