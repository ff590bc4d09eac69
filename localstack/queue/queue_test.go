package queue_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"nexus/localstack/queue"
)

func client(transport http.RoundTripper) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://sqs.local"),
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: transport},
		Retryer:      aws.NopRetryer{},
	})
}

// pass lets d pass on the bubble's clock.
func pass(d time.Duration) { <-time.After(d) }

// fixture is a queue with its client.
type fixture struct {
	t   testing.TB
	sqs *sqs.Client
	url *string
}

func newFixture(t *testing.T, attributes map[string]string) fixture {
	t.Helper()
	f := fixture{t: t, sqs: client(queue.New(queue.Config{}))}
	f.url = f.create("jobs", attributes)
	return f
}

func (f fixture) create(name string, attributes map[string]string) *string {
	f.t.Helper()
	out, err := f.sqs.CreateQueue(f.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.QueueUrl
}

func (f fixture) send(body string, delay int32) {
	f.t.Helper()
	if _, err := f.sqs.SendMessage(f.t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: &body, DelaySeconds: delay}); err != nil {
		f.t.Fatal(err)
	}
}

func (f fixture) receiveFrom(url *string, wait int32) []types.Message {
	f.t.Helper()
	out, err := f.sqs.ReceiveMessage(f.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"}})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.Messages
}

func (f fixture) receive(wait int32) []types.Message {
	f.t.Helper()
	return f.receiveFrom(f.url, wait)
}

func (f fixture) bodies(wait int32) string {
	f.t.Helper()
	var all []string
	for _, m := range f.receive(wait) {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

// counts are visible/in flight/delayed.
func (f fixture) counts() string {
	f.t.Helper()
	out, err := f.sqs.GetQueueAttributes(f.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: f.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		f.t.Fatal(err)
	}
	a := out.Attributes
	return a["ApproximateNumberOfMessages"] + "/" + a["ApproximateNumberOfMessagesNotVisible"] + "/" + a["ApproximateNumberOfMessagesDelayed"]
}

func (f fixture) delete(handle *string) {
	f.t.Helper()
	if _, err := f.sqs.DeleteMessage(f.t.Context(), &sqs.DeleteMessageInput{QueueUrl: f.url, ReceiptHandle: handle}); err != nil {
		f.t.Fatal(err)
	}
}

// wantCode fails unless err is an API error of that code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("got %v, want the code %s", err, code)
	}
}

func TestAMessageIsDeliveredUntilDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		sent := time.Now()
		f.send("one", 0)
		pass(5 * time.Second)
		first := f.receive(0)
		if len(first) != 1 || f.counts() != "0/1/0" {
			t.Fatalf("received %d, counts %s", len(first), f.counts())
		}
		pass(30*time.Second - 1)
		if got := f.bodies(0); got != "" {
			t.Fatalf("received %q inside the visibility timeout", got)
		}
		pass(1)
		second := f.receive(0)
		if len(second) != 1 {
			t.Fatal("not visible again after the visibility timeout")
		}
		m := second[0]
		want := map[string]string{
			"ApproximateReceiveCount":          "2",
			"SentTimestamp":                    fmt.Sprint(sent.UnixMilli()),
			"ApproximateFirstReceiveTimestamp": fmt.Sprint(sent.Add(5 * time.Second).UnixMilli()),
			"SenderId":                         "000000000000",
		}
		if fmt.Sprint(m.Attributes) != fmt.Sprint(want) {
			t.Errorf("attributes %v, want %v", m.Attributes, want)
		}
		if *m.MessageId != *first[0].MessageId || *m.ReceiptHandle == *first[0].ReceiptHandle {
			t.Error("a second receive has the same message id and another receipt handle")
		}
		f.delete(first[0].ReceiptHandle)
		if got := f.counts(); got != "0/1/0" {
			t.Errorf("an old handle deleted the message: %s", got)
		}
		f.delete(m.ReceiptHandle)
		f.delete(m.ReceiptHandle) // again: no error
		if got := f.counts(); got != "0/0/0" {
			t.Errorf("counts after delete: %s", got)
		}
	})
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]string{"DelaySeconds": "10"})
		f.send("by the queue", 0) // the SDK leaves a zero out
		f.send("own", 900)
		if got := f.counts(); got != "0/0/2" {
			t.Fatalf("counts %s", got)
		}
		pass(10 * time.Second)
		if got := f.bodies(0); got != "by the queue" {
			t.Fatalf("after 10 s: %q", got)
		}
		pass(890 * time.Second)
		if got := f.bodies(0); got != "own by the queue" && got != "by the queue own" {
			t.Fatalf("after 900 s: %q", got)
		}
		_, err := f.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: aws.String("x"), DelaySeconds: 901})
		wantCode(t, err, "InvalidParameterValue")
		_, err = f.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: aws.String("x"), DelaySeconds: -1})
		wantCode(t, err, "InvalidParameterValue")
	})
}

func TestDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		dead := f.create("dead", nil)
		_, err := f.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: f.url, Attributes: map[string]string{
			"VisibilityTimeout": "1",
			"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}`,
		}})
		if err != nil {
			t.Fatal(err)
		}
		f.send("poison", 0)
		woken := make(chan []types.Message, 1)
		go func() { woken <- f.receiveFrom(dead, 20) }()
		for range 2 {
			if got := f.bodies(0); got != "poison" {
				t.Fatalf("received %q", got)
			}
			pass(time.Second)
		}
		select {
		case <-woken:
			t.Fatal("moved before a third receive was tried")
		default:
		}
		if got := f.bodies(0); got != "" {
			t.Fatalf("received a third time: %q", got)
		}
		moved := <-woken
		if len(moved) != 1 || *moved[0].Body != "poison" || moved[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:000000000000:jobs" {
			t.Fatalf("the dead-letter queue gave %v", moved)
		}
		if got := f.counts(); got != "0/0/0" {
			t.Fatalf("counts %s", got)
		}
	})
}

func TestChangeMessageVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.send("x", 0)
		change := func(handle *string, n int32) error {
			_, err := f.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: f.url, ReceiptHandle: handle, VisibilityTimeout: n})
			return err
		}
		m := f.receive(0)[0]
		if err := change(m.ReceiptHandle, 100); err != nil {
			t.Fatal(err)
		}
		pass(100*time.Second - 1)
		if got := f.counts(); got != "0/1/0" {
			t.Fatalf("before: %s", got)
		}
		pass(1)
		if got := f.counts(); got != "1/0/0" {
			t.Fatalf("after: %s", got)
		}
		wantCode(t, change(m.ReceiptHandle, 5), "AWS.SimpleQueueService.MessageNotInflight")
		m = f.receive(0)[0]
		wantCode(t, change(m.ReceiptHandle, 43_201), "InvalidParameterValue")
		pass(time.Second)
		wantCode(t, change(m.ReceiptHandle, 43_200), "InvalidParameterValue") // 12 h in all
		if err := change(m.ReceiptHandle, 0); err != nil {
			t.Fatal(err)
		}
		out, err := f.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: f.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: aws.String("ok"), ReceiptHandle: f.receive(0)[0].ReceiptHandle, VisibilityTimeout: 1},
				{Id: aws.String("bad"), ReceiptHandle: aws.String("?"), VisibilityTimeout: 1},
			}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Successful) != 1 || *out.Successful[0].Id != "ok" || len(out.Failed) != 1 || *out.Failed[0].Code != "ReceiptHandleIsInvalid" {
			t.Errorf("batch: %v %v", out.Successful, out.Failed)
		}
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]string{"MessageRetentionPeriod": "60"})
		f.send("x", 0)
		pass(60*time.Second - 1)
		if got := f.counts(); got != "1/0/0" {
			t.Fatalf("before: %s", got)
		}
		pass(1)
		if got := f.bodies(0); got != "" || f.counts() != "0/0/0" {
			t.Fatalf("after: %q, %s", got, f.counts())
		}
	})
}
