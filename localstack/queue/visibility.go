package queue

import "time"

type changeMessageVisibilityInput struct {
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (c *call) changeMessageVisibility(in *changeMessageVisibilityInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return nil, q.changeVisibility(in.ReceiptHandle, in.VisibilityTimeout, c.clock.Now())
}

// changeVisibility lets the message of a handle, which must be in flight, become visible n seconds from now, at most 12 h after its receive.
func (q *queue) changeVisibility(handle string, n *int, now time.Time) error {
	if n == nil {
		return missing("VisibilityTimeout")
	}
	if *n < 0 || *n > maxVisibility {
		return invalidValue("VisibilityTimeout", *n, "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	q.advance(now)
	m, err := q.byHandle(handle)
	if err != nil {
		return err
	}
	if m == nil {
		return invalidValue("ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change.")
	}
	if !m.inFlight {
		return errMessageNotInflight.with("The message referred to isn't in flight.")
	}
	until := now.Add(seconds(*n))
	if until.After(m.received.Add(seconds(maxVisibility))) {
		return invalidValue("VisibilityTimeout", *n, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	q.hide(m, until, now)
	return nil
}

type changeMessageVisibilityBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []changeMessageVisibilityBatchEntry
}

type changeMessageVisibilityBatchEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (c *call) changeMessageVisibilityBatch(in *changeMessageVisibilityBatchInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := c.clock.Now()
	id := func(e *changeMessageVisibilityBatchEntry) string { return e.ID }
	return batch("ChangeMessageVisibilityBatchRequestEntry", in.Entries, id, func(e *changeMessageVisibilityBatchEntry) (any, error) {
		return entrySuccess{e.ID}, q.changeVisibility(e.ReceiptHandle, e.VisibilityTimeout, now)
	})
}
