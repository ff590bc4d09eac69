package queue_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"nexus/localstack/clock"
	"nexus/localstack/queue"
)

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
		const nowhere = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:no","maxReceiveCount":1}`
		wantCode(t, create("x", map[string]string{"RedrivePolicy": nowhere}), "InvalidParameterValue")
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
