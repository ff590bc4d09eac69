package queue

type deleteMessageInput struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

func (c *call) deleteMessage(in *deleteMessageInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return nil, q.delete(in.ReceiptHandle)
}

// delete removes the message of a handle. A message that is gone, or was received again since, is not an error.
func (q *queue) delete(handle string) error {
	m, err := q.byHandle(handle)
	if m == nil {
		return err
	}
	q.remove(m)
	return nil
}

type deleteMessageBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []deleteMessageBatchEntry
}

type deleteMessageBatchEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

func (c *call) deleteMessageBatch(in *deleteMessageBatchInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	id := func(e *deleteMessageBatchEntry) string { return e.ID }
	return batch("DeleteMessageBatchRequestEntry", in.Entries, id, func(e *deleteMessageBatchEntry) (any, error) {
		return entrySuccess{e.ID}, q.delete(e.ReceiptHandle)
	})
}
