package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"nexus/localstack/dynamo"
	"nexus/localstack/queue"
)

// fixture is a table with a stream, a queue "failed", and a function that notes each event and answers as it is told.
type fixture struct {
	t      *testing.T
	config Config
	engine *dynamo.Engine
	start  time.Time

	changes int // items put

	mu     sync.Mutex
	log    []string                                  // of invocations: "3s [a b]"
	answer func(n int, names string) (string, error) // of the nth invocation
	errors []error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, engine: dynamo.New(dynamo.Config{}), start: time.Now(), answer: func(int, string) (string, error) { return "", nil }}
	t.Cleanup(f.engine.Close)
	who := credentials.NewStaticCredentialsProvider("local", "local", "")
	ddbHTTP, sqsHTTP := &http.Client{Transport: f.engine}, &http.Client{Transport: queue.New(queue.Config{})}
	base := aws.String("http://local")
	f.config = Config{
		Invoke:   f.invoke,
		DynamoDB: dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: base, Credentials: who, HTTPClient: ddbHTTP, Retryer: aws.NopRetryer{}}),
		Streams:  dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: base, Credentials: who, HTTPClient: ddbHTTP, Retryer: aws.NopRetryer{}}),
		SQS:      sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: base, Credentials: who, HTTPClient: sqsHTTP, Retryer: aws.NopRetryer{}}),
		Wake:     f.engine.Notify,
		OnError: func(err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.errors = append(f.errors, err)
		},
	}
	_, err := f.config.DynamoDB.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: ddb.ScalarAttributeTypeS}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: ddb.KeyTypeHash}},
		StreamSpecification:  &ddb.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddb.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.queue("failed", nil)
	return f
}

const queueURL = "http://local/000000000000/"

func (f *fixture) queue(name string, attributes map[string]string) {
	f.t.Helper()
	if _, err := f.config.SQS.CreateQueue(f.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
		f.t.Fatal(err)
	}
}

// invoke is Config.Invoke: it reads an event with aws-lambda-go's types.
func (f *fixture) invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	var names []string
	var fromStream events.DynamoDBEvent
	var fromQueue events.SQSEvent
	switch {
	case function == "stream" && json.Unmarshal(payload, &fromStream) == nil:
		for _, r := range fromStream.Records {
			names = append(names, r.Change.Keys["id"].String())
		}
	case function == "queue" && json.Unmarshal(payload, &fromQueue) == nil:
		for _, m := range fromQueue.Records {
			names = append(names, m.Body)
		}
	default:
		return nil, fmt.Errorf("%s was sent %s", function, payload)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(names, " ")
	f.log = append(f.log, fmt.Sprintf("%v [%s]", time.Since(f.start), all))
	response, err := f.answer(len(f.log), all)
	for i, r := range fromStream.Records { // a response names records by their ids
		response = strings.ReplaceAll(response, "<"+names[i]+">", r.Change.SequenceNumber)
	}
	for _, m := range fromQueue.Records {
		response = strings.ReplaceAll(response, "<"+m.Body+">", m.MessageId)
	}
	return []byte(response), err
}

// put writes items, each a change of its own.
func (f *fixture) put(ids string) {
	f.t.Helper()
	for _, id := range strings.Fields(ids) {
		f.changes++ // a write that changes nothing leaves no record
		_, err := f.config.DynamoDB.PutItem(f.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: map[string]ddb.AttributeValue{
			"id": &ddb.AttributeValueMemberS{Value: id}, "change": &ddb.AttributeValueMemberN{Value: fmt.Sprint(f.changes)}}})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) send(bodies string) {
	f.t.Helper()
	for _, body := range strings.Fields(bodies) {
		if _, err := f.config.SQS.SendMessage(f.t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(queueURL + "jobs"), MessageBody: &body}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// run runs the mappings while body does its work.
func (f *fixture) run(body func()) {
	f.t.Helper()
	r, err := New(f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	synctest.Wait()
	body()
	cancel()
	if err := <-done; err != nil {
		f.t.Error(err)
	}
}

// pass lets d pass on the bubble's clock and what is due be done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// want compares all invocations so far.
func (f *fixture) want(lines ...string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if got, want := strings.Join(f.log, "\n"), strings.Join(lines, "\n"); got != want {
		f.t.Errorf("invoked:\n%s\nwant:\n%s", got, want)
	}
}

// failures are the messages in the queue "failed".
func (f *fixture) failures() []string {
	f.t.Helper()
	out, err := f.config.SQS.ReceiveMessage(f.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queueURL + "failed"), MaxNumberOfMessages: 10})
	if err != nil {
		f.t.Fatal(err)
	}
	var all []string
	for _, m := range out.Messages {
		all = append(all, *m.Body)
	}
	return all
}

var errFunction = errors.New("function failed")

// poison fails every batch that holds an item.
func poison(id string) func(int, string) (string, error) {
	return func(_ int, names string) (string, error) {
		if strings.Contains(" "+names+" ", " "+id+" ") {
			return "", errFunction
		}
		return "", nil
	}
}
