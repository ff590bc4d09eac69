package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestQueue(t *testing.T) {
	for _, c := range []struct {
		name   string
		queue  Queue
		answer func(n int, names string) (string, error)
		want   []string
	}{
		{"success", Queue{BatchSize: 3}, nil, []string{"5s [a b c]", "5s [d]"}},
		{"a failed batch comes again after its visibility timeout", Queue{}, func(n int, _ string) (string, error) {
			if n == 1 {
				return "", errFunction
			}
			return "", nil
		}, []string{"5s [a b c d]", "35s [a b c d]"}},
		{"of a partial failure only what failed comes again", Queue{ReportBatchItemFailures: true}, func(n int, _ string) (string, error) {
			if n == 1 {
				return `{"batchItemFailures":[{"itemIdentifier":"<b>"},{"itemIdentifier":"<d>"}]}`, nil
			}
			return "", nil
		}, []string{"5s [a b c d]", "35s [b d]"}},
		{"a report of strangers fails the batch", Queue{ReportBatchItemFailures: true}, func(n int, _ string) (string, error) {
			if n == 1 {
				return `{"batchItemFailures":[{"itemIdentifier":"nobody"}]}`, nil
			}
			return "", nil
		}, []string{"5s [a b c d]", "35s [a b c d]"}},
		{"a window gathers", Queue{BatchSize: 100, Window: 3 * time.Second}, nil, []string{"8s [a b c d]"}},
		{"redrive ends it", Queue{BatchSize: 1}, poison("b"), []string{"5s [a]", "5s [b]", "5s [c]", "5s [d]", "35s [b]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.queue("dead", nil)
				f.queue("jobs", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}`})
				if c.answer != nil {
					f.answer = c.answer
				}
				c.queue.QueueURL, c.queue.Function = queueURL+"jobs", "queue"
				f.config.Queues = []Queue{c.queue}
				pass(5 * time.Second)
				f.send("a b c d")
				f.run(func() { pass(5 * time.Minute) })
				// Batches run concurrently: those of one moment may be noted in any order.
				got, want := f.log, c.want
				if len(c.want) > 1 && strings.HasPrefix(c.want[1], "5s") {
					got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("invoked %q, want %q", got, want)
				}
			})
		})
	}
}

func TestQueueConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.queue("jobs", nil)
		release := make(chan struct{})
		entered := 0
		invoke := f.config.Invoke
		f.config.Invoke = func(ctx context.Context, function string, payload []byte) ([]byte, error) {
			f.mu.Lock()
			entered++
			f.mu.Unlock()
			<-release
			return invoke(ctx, function, payload)
		}
		f.config.Queues = []Queue{{QueueURL: queueURL + "jobs", Function: "queue", BatchSize: 1}}
		f.send("a b c d e f g")
		f.run(func() {
			pass(time.Second)
			if f.mu.Lock(); entered != 5 {
				t.Errorf("%d batches at once, want 5", entered)
			}
			f.mu.Unlock()
			close(release)
			pass(time.Second)
			if len(f.log) != 7 {
				t.Errorf("invoked %v", f.log)
			}
		})
	})
}

func TestQueueEventShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.queue("jobs", nil)
		var got string
		f.config.Invoke = func(_ context.Context, _ string, payload []byte) ([]byte, error) {
			got = string(payload)
			return nil, nil
		}
		sent, err := f.config.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queueURL + "jobs"), MessageBody: aws.String("hi"),
			MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}}})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := OpenQueue(t.Context(), f.config, Queue{QueueURL: queueURL + "jobs", Function: "queue"})
		if err != nil {
			t.Fatal(err)
		}
		b, err := reader.Step(t.Context())
		if err != nil || b == nil {
			t.Fatal(b, err)
		}
		reader.Deliver(t.Context(), b)
		now := f.start.UnixMilli()
		want := fmt.Sprintf(`{"Records":[{"messageId":%q,"receiptHandle":%q,"body":"hi","attributes":{"ApproximateFirstReceiveTimestamp":"%d","ApproximateReceiveCount":"1",`+
			`"SenderId":"000000000000","SentTimestamp":"%[3]d"},"messageAttributes":{"k":{"stringValue":"v","stringListValues":[],"binaryListValues":[],"dataType":"String"}},`+
			`"md5OfMessageAttributes":%q,"md5OfBody":"49f68a5c8493ec2c0bf489821c21fc3b","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:jobs","awsRegion":"us-east-1"}]}`,
			*sent.MessageId, b.messages[0].receiptHandle, now, *sent.MD5OfMessageAttributes)
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if b, err := reader.Step(t.Context()); b != nil || err != nil {
			t.Errorf("deleted, and still there: %v %v", b, err)
		}
	})
}

func TestSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		var log []string
		f.config.Invoke = func(_ context.Context, function string, payload []byte) ([]byte, error) {
			var event struct {
				ID   string `json:"id"`
				Time string `json:"time"`
			}
			if err := json.Unmarshal(payload, &event); err != nil {
				return nil, err
			}
			want := `{"version":"0","id":"` + event.ID + `","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000","time":"` + event.Time +
				`","region":"us-east-1","resources":["arn:aws:events:us-east-1:000000000000:rule/tick"],"detail":{}}`
			if string(payload) != want {
				t.Errorf("got  %s\nwant %s", payload, want)
			}
			at, err := time.Parse(time.RFC3339, event.Time)
			f.mu.Lock()
			defer f.mu.Unlock()
			log = append(log, fmt.Sprintf("%v %s of %v", time.Since(f.start), function, at.Sub(f.start)))
			if len(log) <= 2 {
				return nil, errFunction
			}
			return nil, err
		}
		f.config.Schedules = []Schedule{{Name: "tick", Every: 10 * time.Minute, Function: "timer"}}
		f.run(func() { pass(25 * time.Minute) })
		want := "[10m0s timer of 10m0s 11m0s timer of 10m0s 13m0s timer of 10m0s 20m0s timer of 20m0s]"
		if fmt.Sprint(log) != want {
			t.Errorf("fired %v, want %s", log, want)
		}
	})
}
