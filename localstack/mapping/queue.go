package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	maxReceive = 10               // messages of a ReceiveMessage call, entries of a DeleteMessageBatch call
	maxPoll    = 20 * time.Second // the longest long poll
)

// QueueReader gathers the messages of a queue into batches and delivers them. Like a Shard it has no goroutine: all methods but Deliver belong to
// one.
type QueueReader struct {
	config *Config
	queue  *Queue
	arn    string
	region string

	open  []queueMessage // received, and in no batch yet
	bytes int
	since time.Time
}

// MessageBatch is messages that go to the function together.
type MessageBatch struct {
	messages []queueMessage
}

// queueMessage is a message in the shape of Lambda's SQS event.
type queueMessage struct {
	json          json.RawMessage
	id            string
	receiptHandle string
}

type eventMessage struct {
	MessageID              string                      `json:"messageId"`
	ReceiptHandle          string                      `json:"receiptHandle"`
	Body                   string                      `json:"body"`
	Attributes             map[string]string           `json:"attributes"`
	MessageAttributes      map[string]messageAttribute `json:"messageAttributes"`
	MD5OfMessageAttributes string                      `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string                      `json:"md5OfBody"`
	EventSource            string                      `json:"eventSource"`
	EventSourceARN         string                      `json:"eventSourceARN"`
	AWSRegion              string                      `json:"awsRegion"`
}

type messageAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// OpenQueue finds the queue of q. It uses of c what a Runner uses of it; c's own lists are ignored.
func OpenQueue(ctx context.Context, c Config, q Queue) (*QueueReader, error) {
	c.Mappings, c.Queues, c.Schedules = nil, []Queue{q}, nil
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return openQueue(ctx, &c, &c.Queues[0])
}

func openQueue(ctx context.Context, c *Config, q *Queue) (*QueueReader, error) {
	out, err := c.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		return nil, fmt.Errorf("mapping: queue %s: %w", q.QueueURL, err)
	}
	arn := out.Attributes[string(types.QueueAttributeNameQueueArn)]
	fields := strings.Split(arn, ":")
	if len(fields) != 6 {
		return nil, fmt.Errorf("mapping: queue %s has the ARN %q", q.QueueURL, arn)
	}
	return &QueueReader{config: c, queue: q, arn: arn, region: fields[3]}, nil
}

// Step returns a batch that is due, after one receive, without waiting, if there was none; nil if there is none then.
func (r *QueueReader) Step(ctx context.Context) (*MessageBatch, error) {
	if b, _ := r.Next(); b != nil {
		return b, nil
	}
	if err := r.Receive(ctx, 0); err != nil {
		return nil, err
	}
	b, _ := r.Next()
	return b, nil
}

// Receive asks for messages once, waiting for them at most for wait, in whole seconds. (The SDK cannot say zero: then the queue's own wait holds.)
func (r *QueueReader) Receive(ctx context.Context, wait time.Duration) error {
	out, err := r.config.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &r.queue.QueueURL,
		MaxNumberOfMessages:         int32(min(maxReceive, max(1, r.queue.BatchSize-len(r.open)))),
		WaitTimeSeconds:             int32(wait / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return fmt.Errorf("mapping: queue %s: %w", r.queue.QueueURL, err)
	}
	now := r.config.Clock.Now()
	for _, m := range out.Messages {
		message, err := r.newMessage(m)
		if err != nil {
			return err
		}
		if len(r.open) == 0 {
			r.since = now
		}
		r.open = append(r.open, message)
		r.bytes += len(message.json)
	}
	return nil
}

func (r *QueueReader) newMessage(m types.Message) (queueMessage, error) {
	e := eventMessage{
		MessageID: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body), Attributes: m.Attributes,
		MessageAttributes: map[string]messageAttribute{}, MD5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
		MD5OfBody: aws.ToString(m.MD5OfBody), EventSource: "aws:sqs", EventSourceARN: r.arn, AWSRegion: r.region,
	}
	for name, a := range m.MessageAttributes {
		e.MessageAttributes[name] = messageAttribute{a.StringValue, a.BinaryValue, []string{}, [][]byte{}, aws.ToString(a.DataType)}
	}
	text, err := json.Marshal(e)
	return queueMessage{text, e.MessageID, e.ReceiptHandle}, err
}

// Next returns a batch that is due, or else when the window of the open one ends (zero: none is open). A batch closes when it is full, at 6 MB, or
// when the window that its first message began is over.
func (r *QueueReader) Next() (*MessageBatch, time.Time) {
	now := r.config.Clock.Now()
	if len(r.open) == 0 {
		return nil, time.Time{}
	}
	if closes := r.since.Add(r.queue.Window); len(r.open) < r.queue.BatchSize && r.bytes < maxPayload && now.Before(closes) {
		return nil, closes
	}
	n, bytes := 0, 0
	for n < len(r.open) && n < r.queue.BatchSize && (n == 0 || bytes+len(r.open[n].json) < maxPayload) {
		bytes += len(r.open[n].json) + 1
		n++
	}
	b := &MessageBatch{r.open[:n:n]}
	r.open, r.bytes, r.since = r.open[n:], 0, now
	for _, m := range r.open {
		r.bytes += len(m.json)
	}
	return b, time.Time{}
}

// Invoke calls the function with a batch.
func (r *QueueReader) Invoke(ctx context.Context, b *MessageBatch) Result {
	records := make([]json.RawMessage, len(b.messages))
	for i, m := range b.messages {
		records[i] = m.json
	}
	payload, err := json.Marshal(struct{ Records []json.RawMessage }{records})
	if err != nil {
		return Result{Err: err}
	}
	response, err := r.config.Invoke(ctx, r.queue.Function, payload)
	return Result{response, err}
}

// Deliver is Settle(ctx, b, Invoke(ctx, b)). It is safe for concurrent use.
func (r *QueueReader) Deliver(ctx context.Context, b *MessageBatch) {
	r.Settle(ctx, b, r.Invoke(ctx, b))
}

// Settle deletes what succeeded. What failed stays in the queue, invisible until its visibility timeout ends; the queue's redrive policy counts.
func (r *QueueReader) Settle(ctx context.Context, b *MessageBatch, result Result) {
	if result.Err != nil {
		if ctx.Err() != nil { // the mapping stops
			return
		}
		r.config.OnError(fmt.Errorf("mapping: queue %s to %s: %w", r.arn, r.queue.Function, result.Err))
		return
	}
	done := b.messages
	if r.queue.ReportBatchItemFailures {
		done = b.succeeded(result.Response)
	}
	for chunk := range slices.Chunk(done, maxReceive) {
		var entries []types.DeleteMessageBatchRequestEntry
		for i, m := range chunk {
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.receiptHandle)})
		}
		out, err := r.config.SQS.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &r.queue.QueueURL, Entries: entries})
		if err != nil {
			r.config.OnError(fmt.Errorf("mapping: queue %s: deleting: %w", r.arn, err))
			continue
		}
		for _, f := range out.Failed {
			r.config.OnError(fmt.Errorf("mapping: queue %s: deleting: %s: %s", r.arn, aws.ToString(f.Code), aws.ToString(f.Message)))
		}
	}
}

// succeeded are the messages that a response does not name. A response that cannot be read, and an identifier that is empty or of no message in the
// batch, fail all of them.
func (b *MessageBatch) succeeded(response []byte) []queueMessage {
	failed, ok := itemFailures(response)
	if !ok {
		return nil
	}
	for _, id := range failed {
		if !slices.ContainsFunc(b.messages, func(m queueMessage) bool { return m.id == id }) {
			return nil
		}
	}
	return slices.DeleteFunc(slices.Clone(b.messages), func(m queueMessage) bool { return slices.Contains(failed, m.id) })
}
