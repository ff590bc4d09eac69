package sim

import (
	"context"
	"encoding/json"
	"time"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/topic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// In an outage one function fails for so long that what it is given runs out of retries and goes to the dead-letter queue: messages of the delay queue as
// they are, records of a stream by their numbers. Then somebody mends it and has all of it come again.

// outageLasts returns how long a function fails: longer than a message of the queue, or a record of a stream that repair reads, is tried.
func outageLasts(function string) time.Duration {
	if function == nexus.FunctionStream {
		return 330 * time.Second // ten retries, 30 s apart at most
	}
	return nexus.TimerReceives*(nexus.TimerVisibility+time.Second) + 30*time.Second
}

// outage plans that a function fails from some time on.
func (w *world) outage() {
	w.down = []string{nexus.FunctionTimer, nexus.FunctionStream}[w.rng.IntN(2)]
	w.downFrom = time.Now().Add(time.Duration(w.rng.Int64N(int64(w.activity / 2))))
	w.downUntil = w.downFrom.Add(outageLasts(w.down))
}

// isDown tells whether a function fails.
func (w *world) isDown(function string) bool {
	now := time.Now()
	return function == w.down && !now.Before(w.downFrom) && now.Before(w.downUntil)
}

// redrive has what is in the dead-letter queue come again, but for the publications that some pipe could not be given: these come out of turn.
func (w *world) redrive() {
	ctx, queues := context.Background(), w.stack.Sources.SQS
	dead, delay := w.stack.Env[handler.EnvDeadLetters], w.stack.Env[handler.EnvQueueURL]
	for {
		out, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &dead, MaxNumberOfMessages: 10})
		if err != nil {
			w.failf("redriving: %v", err)
			return
		}
		if len(out.Messages) == 0 {
			return
		}
		for _, m := range out.Messages {
			var body struct {
				Kind  string
				Batch *batchInfo `json:"DDBStreamBatchInfo"`
			}
			if err := json.Unmarshal([]byte(*m.Body), &body); err != nil {
				w.failf("redriving: %v", err)
				continue
			}
			w.logf("redrive %s", brief(*m.Body))
			switch {
			case body.Batch != nil:
				w.redriveRecords(body.Batch)
			case body.Kind != topic.WakeAppend:
				if _, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &delay, MessageBody: m.Body}); err != nil {
					w.failf("redriving: %v", err)
				}
				w.sources.soon(w.sources.lateness(), w.sources.pollQueue)
			}
			w.bury(dead, m)
		}
	}
}

// bury deletes a message from the dead-letter queue.
func (w *world) bury(dead string, m sqstypes.Message) {
	_, err := w.stack.Sources.SQS.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: &dead, ReceiptHandle: m.ReceiptHandle})
	if err != nil {
		w.failf("redriving: %v", err)
	}
}

// batchInfo is what a message about records that were given up says of them.
type batchInfo struct {
	ShardID             string `json:"shardId"`
	StartSequenceNumber string `json:"startSequenceNumber"`
	EndSequenceNumber   string `json:"endSequenceNumber"`
	StreamARN           string `json:"streamArn"`
}

// redriveRecords gives records to the stream's function once more.
func (w *world) redriveRecords(b *batchInfo) {
	ctx, streams := context.Background(), w.stack.Sources.Streams
	it, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &b.StreamARN, ShardId: &b.ShardID,
		ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &b.StartSequenceNumber})
	if err != nil {
		w.failf("redriving: %v", err)
		return
	}
	out, err := streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil {
		w.failf("redriving: %v", err)
		return
	}
	var records []map[string]any
	for _, r := range out.Records {
		if n := aws.ToString(r.Dynamodb.SequenceNumber); n > b.EndSequenceNumber {
			break
		}
		keys := map[string]any{}
		for name, v := range r.Dynamodb.Keys {
			if s, ok := v.(*types.AttributeValueMemberS); ok {
				keys[name] = map[string]string{"S": s.Value}
			}
		}
		records = append(records, map[string]any{"eventID": r.EventID, "eventName": r.EventName, "eventSourceARN": b.StreamARN,
			"dynamodb": map[string]any{"Keys": keys, "SequenceNumber": r.Dynamodb.SequenceNumber}})
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		w.failf("redriving: %v", err)
		return
	}
	w.soon(1, func() {
		w.because("records given up")
		go func() { _, _ = w.stack.Invoke(context.Background(), nexus.FunctionStream, payload) }() // if it fails, invariants will
	})
}
