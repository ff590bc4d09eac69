package queue_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"nexus/localstack/clock"
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
	t   *testing.T
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
	out, err := f.sqs.GetQueueAttributes(f.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: f.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
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

func TestALongPollWakesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		before func(f fixture)
		during func(f fixture)
		after  time.Duration
		want   string
	}{
		"a message is sent":          {func(fixture) {}, func(f fixture) { pass(3 * time.Second); f.send("x", 0) }, 3 * time.Second, "x"},
		"a delay ends":               {func(f fixture) { f.send("x", 7) }, func(fixture) {}, 7 * time.Second, "x"},
		"a delay ends with the wait": {func(f fixture) { f.send("x", 20) }, func(fixture) {}, 20 * time.Second, "x"},
		"a visibility timeout ends": {func(f fixture) {
			f.send("x", 0)
			f.receive(0)
			pass(25 * time.Second)
		}, func(fixture) {}, 5 * time.Second, "x"},
		"nothing comes": {func(fixture) {}, func(fixture) {}, 20 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil)
				c.before(f)
				start := time.Now()
				go c.during(f)
				if got := f.bodies(20); got != c.want || time.Since(start) != c.after {
					t.Fatalf("received %q after %v, want %q after %v", got, time.Since(start), c.want, c.after)
				}
			})
		})
	}
}

func TestLongPollsAreServedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		got := make(chan string, 3)
		for i := range 3 {
			go func() { got <- fmt.Sprintf("%d:%s", i, f.bodies(20)) }()
			synctest.Wait()
		}
		f.send("a", 0)
		f.send("b", 0)
		both := map[string]bool{<-got: true, <-got: true}
		if !both["0:a"] || !both["1:b"] {
			t.Fatalf("received %v", both)
		}
		if last := <-got; last != "2:" {
			t.Fatalf("the third received %q", last)
		}
	})
}

func TestALongPollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		f.send("x", 0)
		if got := f.counts(); got != "1/0/0" {
			t.Fatalf("the poll that left took the message: %s", got)
		}
	})
}

func TestALongPollEndsWithItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		done := make(chan error)
		go func() {
			_, err := f.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
			done <- err
		}()
		synctest.Wait()
		if _, err := f.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: f.url}); err != nil {
			t.Fatal(err)
		}
		err := <-done
		var gone *types.QueueDoesNotExist
		if !errors.As(err, &gone) {
			t.Fatalf("got %v", err)
		}
		wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
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
		out, err := f.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: f.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
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

func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		entry := func(id, body string, delay int32) types.SendMessageBatchRequestEntry {
			return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body, DelaySeconds: delay}
		}
		send := func(entries ...types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
			return f.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: f.url, Entries: entries})
		}
		out, err := send(entry("a", "1", 0), entry("b", "2", 901), entry("c", "\x01", 0))
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Successful) != 1 || *out.Successful[0].Id != "a" || len(out.Failed) != 2 || *out.Failed[0].Code != "InvalidParameterValue" ||
			!out.Failed[0].SenderFault || *out.Failed[1].Code != "InvalidMessageContents" {
			t.Errorf("successful %v, failed %v", out.Successful, out.Failed)
		}
		var eleven []types.SendMessageBatchRequestEntry
		for i := range 11 {
			eleven = append(eleven, entry(fmt.Sprint(i), "x", 0))
		}
		_, err = send(eleven...)
		wantCode(t, err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
		_, err = send(eleven[:0]...)
		wantCode(t, err, "AWS.SimpleQueueService.EmptyBatchRequest")
		_, err = send(eleven[0], eleven[0])
		wantCode(t, err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
		_, err = send(entry("a b", "x", 0))
		wantCode(t, err, "AWS.SimpleQueueService.InvalidBatchEntryId")
		half := strings.Repeat("x", 600_000)
		_, err = send(entry("a", half, 0), entry("b", half, 0))
		wantCode(t, err, "AWS.SimpleQueueService.BatchRequestTooLong")
		if _, err = send(eleven[:9]...); err != nil {
			t.Fatal(err)
		}
		got := f.receive(0)
		if len(got) != 10 {
			t.Fatalf("received %d", len(got))
		}
		var deletes []types.DeleteMessageBatchRequestEntry
		for _, m := range got {
			deletes = append(deletes, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
		}
		deletes[9].ReceiptHandle = aws.String("bm9wZQ==")
		gone, err := f.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: f.url, Entries: deletes})
		if err != nil {
			t.Fatal(err)
		}
		if len(gone.Successful) != 9 || len(gone.Failed) != 1 || *gone.Failed[0].Id != *got[9].MessageId || f.counts() != "0/1/0" {
			t.Errorf("deleted %d, failed %v, counts %s", len(gone.Successful), gone.Failed, f.counts())
		}
	})
}

func TestMessageAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		send := func(attributes map[string]types.MessageAttributeValue) (*sqs.SendMessageOutput, error) {
			return f.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: aws.String("hi"), MessageAttributes: attributes})
		}
		text := func(kind, value string) types.MessageAttributeValue {
			return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
		}
		attributes := map[string]types.MessageAttributeValue{
			"n":   text("Number.int", "7"),
			"a.b": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
		}
		out, err := send(attributes)
		if err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum([]byte("\x00\x00\x00\x03a.b\x00\x00\x00\x06Binary\x02\x00\x00\x00\x03\x00\x01\xff" +
			"\x00\x00\x00\x01n\x00\x00\x00\x0aNumber.int\x01\x00\x00\x00\x017"))
		want := hex.EncodeToString(sum[:])
		if *out.MD5OfMessageAttributes != want {
			t.Errorf("MD5OfMessageAttributes %s, want %s", *out.MD5OfMessageAttributes, want)
		}
		m := f.receive(0)[0]
		if *m.MD5OfMessageAttributes != want || *m.MessageAttributes["n"].StringValue != "7" || string(m.MessageAttributes["a.b"].BinaryValue) != "\x00\x01\xff" {
			t.Errorf("received %v", m)
		}
		for name, bad := range map[string]map[string]types.MessageAttributeValue{
			"reserved name": {"AWS.x": text("String", "x")},
			"type":          {"x": text("Text", "x")},
			"empty":         {"x": text("String", "")},
			"kind of value": {"x": {DataType: aws.String("Binary"), StringValue: aws.String("x")}},
		} {
			_, err := send(bad)
			if err == nil {
				t.Errorf("%s: accepted", name)
				continue
			}
			wantCode(t, err, "InvalidParameterValue")
		}
	})
}

func TestQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]string{"VisibilityTimeout": "7"})
		ctx := t.Context()
		create := func(name string, attributes map[string]string) error {
			_, err := f.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
			return err
		}
		if err := create("jobs", nil); err != nil {
			t.Errorf("creating it again: %v", err)
		}
		wantCode(t, create("jobs", map[string]string{"VisibilityTimeout": "8"}), "QueueAlreadyExists")
		wantCode(t, create("x.fifo", nil), "AWS.SimpleQueueService.UnsupportedOperation")
		wantCode(t, create("x y", nil), "InvalidParameterValue")
		wantCode(t, create("x", map[string]string{"FifoQueue": "true"}), "AWS.SimpleQueueService.UnsupportedOperation")
		wantCode(t, create("x", map[string]string{"Nope": "true"}), "InvalidAttributeName")
		wantCode(t, create("x", map[string]string{"MaximumMessageSize": "1048577"}), "InvalidAttributeValue")
		wantCode(t, create("x", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:no","maxReceiveCount":1}`}), "InvalidParameterValue")
		_, err := f.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("x"), Tags: map[string]string{"a": "b"}})
		wantCode(t, err, "AWS.SimpleQueueService.UnsupportedOperation")

		got, err := f.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("jobs")})
		if err != nil || *got.QueueUrl != "http://sqs.local/000000000000/jobs" {
			t.Errorf("GetQueueUrl: %v %v", got, err)
		}
		_, err = f.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
		wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")

		f.create("a", nil)
		f.create("b", nil)
		first, err := f.sqs.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(2)})
		if err != nil || len(first.QueueUrls) != 2 || first.NextToken == nil {
			t.Fatalf("ListQueues: %v %v", first, err)
		}
		second, err := f.sqs.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(2), NextToken: first.NextToken})
		if err != nil || len(second.QueueUrls) != 1 || second.QueueUrls[0] != *f.url || second.NextToken != nil {
			t.Errorf("ListQueues: %v %v", second, err)
		}

		f.send("x", 0)
		if _, err := f.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: f.url}); err != nil || f.counts() != "0/0/0" {
			t.Errorf("PurgeQueue: %v, %s", err, f.counts())
		}
		_, err = f.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: f.url})
		wantCode(t, err, "AWS.SimpleQueueService.PurgeQueueInProgress")

		attributes, err := f.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: f.url,
			AttributeNames: []types.QueueAttributeName{"QueueArn", "VisibilityTimeout", "MaximumMessageSize", "RedrivePolicy"}})
		want := map[string]string{"QueueArn": "arn:aws:sqs:us-east-1:000000000000:jobs", "VisibilityTimeout": "7", "MaximumMessageSize": "1048576"}
		if err != nil || fmt.Sprint(attributes.Attributes) != fmt.Sprint(want) {
			t.Errorf("GetQueueAttributes: %v %v", attributes, err)
		}

		if _, err := f.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: f.url}); err != nil {
			t.Fatal(err)
		}
		wantCode(t, create("jobs", nil), "AWS.SimpleQueueService.QueueDeletedRecently")
		pass(time.Minute)
		if err := create("jobs", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, map[string]string{"MaximumMessageSize": "1024"})
		ctx := t.Context()
		send := func(in sqs.SendMessageInput) error {
			in.QueueUrl = f.url
			_, err := f.sqs.SendMessage(ctx, &in)
			return err
		}
		receive := func(in sqs.ReceiveMessageInput) error {
			in.QueueUrl = f.url
			_, err := f.sqs.ReceiveMessage(ctx, &in)
			return err
		}
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String("")}), "MissingParameter")
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String("\x00")}), "InvalidMessageContents")
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String(strings.Repeat("x", 1025))}), "InvalidParameterValue")
		wantCode(t, send(sqs.SendMessageInput{MessageBody: aws.String("x"), MessageGroupId: aws.String("g")}), "AWS.SimpleQueueService.UnsupportedOperation")
		wantCode(t, receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{VisibilityTimeout: 43_201}), "InvalidParameterValue")
		wantCode(t, receive(sqs.ReceiveMessageInput{MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Nope"}}), "InvalidAttributeName")
		_, err := f.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: f.url, Tags: map[string]string{"a": "b"}})
		wantCode(t, err, "InvalidAction")
		_, err = f.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: f.url, ReceiptHandle: aws.String("nope")})
		var invalid *types.ReceiptHandleIsInvalid
		if !errors.As(err, &invalid) {
			t.Errorf("a wrong handle: %v", err)
		}
		_, err = f.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String("http://sqs.local/111111111111/jobs")})
		wantCode(t, err, "InvalidAddress")
	})
}

// Over a socket time is a Manual clock's: a bubble cannot hold network connections.
func TestOverHTTP(t *testing.T) {
	manual := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	server := httptest.NewServer(queue.New(queue.Config{Clock: manual}))
	defer server.Close()
	c := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	f := fixture{t: t, sqs: c}
	f.url = f.create("jobs", nil)
	if want := server.URL + "/000000000000/jobs"; *f.url != want {
		t.Errorf("the queue's URL is %s, want %s", *f.url, want)
	}
	f.send("later", 5)
	if got := f.counts(); got != "0/0/1" {
		t.Fatalf("counts %s", got)
	}
	manual.Advance(5 * time.Second)
	got := f.receive(20)
	if len(got) != 1 || *got[0].Body != "later" {
		t.Fatalf("received %v", got)
	}
	polled := make(chan string)
	go func() { polled <- f.bodies(20) }()
	f.send("now", 0) // before or during the poll: either way it is answered
	if got := <-polled; got != "now" {
		t.Fatalf("polled %q", got)
	}
	_, err := c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	var gone *types.QueueDoesNotExist
	if !errors.As(err, &gone) {
		t.Fatalf("got %v", err)
	}
}
