package stack_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/dynamo"
	"nexus/localstack/queue"
	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// elsewhere is the embedded engines behind a port: an engine as another program would be, which refuses what is not signed for its region.
type elsewhere struct {
	url      string
	tables   *dynamo.Engine
	queues   *queue.Service // nil: it has none
	asked    atomic.Int64   // requests of its queues
	unsigned atomic.Int64
}

const (
	elsewhereRegion = "eu-west-1"
	elsewhereKey    = "AKIAELSEWHERE"
)

func startElsewhere(t *testing.T, queues bool) *elsewhere {
	e := &elsewhere{tables: dynamo.New(dynamo.Config{Region: elsewhereRegion})}
	if queues {
		e.queues = queue.New(queue.Config{Region: elsewhereRegion})
	}
	server := httptest.NewServer(e)
	t.Cleanup(e.tables.Close)
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func (e *elsewhere) remote() stack.Remote {
	return stack.Remote{Endpoint: e.url, EmbeddedQueue: e.queues == nil, Prefix: "elsewhere-", Region: elsewhereRegion,
		Credentials: credentials.NewStaticCredentialsProvider(elsewhereKey, "secret", "token")}
}

func (e *elsewhere) client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: elsewhereRegion, HTTPClient: &http.Client{Transport: e.tables}, BaseEndpoint: aws.String("http://tables"),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
}

// ServeHTTP implements http.Handler.
func (e *elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is cut short is not signed
	r.Body = io.NopCloser(bytes.NewReader(body))
	service := "dynamodb"
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.") {
		e.asked.Add(1)
		service = "sqs"
	}
	if !signed(r, body, service) {
		e.unsigned.Add(1)
		http.Error(w, `{"__type":"UnrecognizedClientException"}`, http.StatusBadRequest)
		return
	}
	if service == "dynamodb" {
		e.tables.ServeHTTP(w, r)
	} else if e.queues != nil {
		e.queues.ServeHTTP(w, r)
	} else {
		http.Error(w, `{"__type":"UnknownOperationException"}`, http.StatusBadRequest)
	}
}

// signed tells whether a request is signed as elsewhere wants it: it signs it anew, and compares.
func signed(r *http.Request, body []byte, service string) bool {
	is := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	_, names, found := strings.Cut(is, "SignedHeaders=")
	if err != nil || !found {
		return false
	}
	names, _, _ = strings.Cut(names, ",")
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return false
	}
	for _, name := range strings.Split(names, ";") {
		if values := r.Header.Values(name); len(values) > 0 && name != "content-length" {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: elsewhereKey, SecretAccessKey: "secret", SessionToken: "token"}, again,
		hex.EncodeToString(sum[:]), service, elsewhereRegion, at)
	return err == nil && again.Header.Get("Authorization") == is
}

// play plays some stories.
func play(t *testing.T, s *stack.Stack, pass string, names ...string) {
	t.Helper()
	suite := transcript.Suite{Patience: 4 * time.Second}
	for _, script := range scripts(t) {
		for _, name := range names {
			if script.Name == name+".txt" {
				suite.Scripts = append(suite.Scripts, script)
			}
		}
	}
	if len(suite.Scripts) != len(names) {
		t.Fatalf("of %q there are only %d", names, len(suite.Scripts))
	}
	report := suite.Play(t.Context(), &transcript.WebSocket{URL: "ws://" + s.Addr, User: "root", Pass: pass, Clock: transcript.Sleep})
	if failed := report.Failed(); len(failed) > 0 || len(report.LeftOut()) > 0 {
		t.Errorf("%v %v", report, failed)
	}
}

func TestARemoteEngine(t *testing.T) {
	e := startElsewhere(t, true)
	s := start(t, stack.Config{Listen: "127.0.0.1:0", Remote: e.remote(), RootPassword: "first"})
	if !s.FirstStart || s.Engine != nil || s.Queues != nil {
		t.Errorf("%+v", s)
	}
	play(t, s, "first", "task.push", "sessions.pusher") // whose ends go through the queue
	if e.unsigned.Load() > 0 || e.asked.Load() < 3 {
		t.Errorf("%d requests unsigned, %d of the queue", e.unsigned.Load(), e.asked.Load())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again := start(t, stack.Config{Listen: "127.0.0.1:0", Remote: e.remote(), RootPassword: "second"})
	if again.FirstStart {
		t.Error("its tables were there")
	}
	play(t, again, "first", "sys.login")
	other := e.remote()
	other.Prefix = ""
	if s := start(t, stack.Config{Remote: other}); !s.FirstStart {
		t.Error("another prefix has the same tables")
	}
}

func TestARemoteEngineWithoutQueues(t *testing.T) {
	e := startElsewhere(t, false)
	s := start(t, stack.Config{Listen: "127.0.0.1:0", Remote: e.remote()})
	if s.Queues == nil || s.Engine != nil {
		t.Errorf("%+v", s)
	}
	play(t, s, "root", "task.push", "sessions.pusher")
	if e.unsigned.Load() > 0 || e.asked.Load() > 0 {
		t.Errorf("%d requests unsigned, %d of the queue", e.unsigned.Load(), e.asked.Load())
	}
	r := e.remote()
	r.EmbeddedQueue = false
	if _, err := stack.Start(t.Context(), stack.Config{Remote: r}); err == nil || !strings.Contains(err.Error(), "elsewhere-dead-letters") {
		t.Errorf("queues where there are none: %v", err)
	}
}

func TestARemoteEngineThatRefuses(t *testing.T) {
	e := startElsewhere(t, true)
	r := e.remote()
	r.Region = "us-west-2"
	if _, err := stack.Start(t.Context(), stack.Config{Remote: r}); err == nil || !strings.Contains(err.Error(), "UnrecognizedClientException") {
		t.Errorf("a signature of another region: %v", err)
	}
}

// A table of the same name is not touched unless it is the same.
func TestATableThatIsAnother(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*dynamodb.CreateTableInput)
		want   string
	}{
		"stream": {func(in *dynamodb.CreateTableInput) { in.StreamSpecification = nil }, "it lacks a stream of KEYS_ONLY"},
		"index": {func(in *dynamodb.CreateTableInput) { in.LocalSecondaryIndexes[0].IndexName = aws.String("other") },
			"it lacks the local index queue on part+queue of KEYS_ONLY; it has the local index other on part+queue of KEYS_ONLY"},
		"key": {func(in *dynamodb.CreateTableInput) {
			in.AttributeDefinitions[1].AttributeType = types.ScalarAttributeTypeN
		},
			"it lacks id of type S; it has id of type N"},
	} {
		t.Run(name, func(t *testing.T) {
			e := startElsewhere(t, true)
			client := e.client()
			if err := stack.CreateTables(t.Context(), client, "model-"); err != nil {
				t.Fatal(err)
			}
			in := like(t, client, "model-"+store.Tasks)
			in.TableName = aws.String("elsewhere-" + store.Tasks)
			c.change(in)
			if _, err := client.CreateTable(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			_, err := stack.Start(t.Context(), stack.Config{Remote: e.remote()})
			if err == nil || !strings.Contains(err.Error(), "table elsewhere-tasks is there already, and is another: "+c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	t.Run("time to live", func(t *testing.T) {
		e := startElsewhere(t, true)
		client := e.client()
		if err := stack.CreateTables(t.Context(), client, "model-"); err != nil {
			t.Fatal(err)
		}
		in := like(t, client, "model-"+store.Calls)
		in.TableName = aws.String("elsewhere-" + store.Calls)
		if _, err := client.CreateTable(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: in.TableName,
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ends"), Enabled: aws.Bool(true)}}); err != nil {
			t.Fatal(err)
		}
		_, err := stack.Start(t.Context(), stack.Config{Remote: e.remote()})
		if err == nil || !strings.Contains(err.Error(), "time to live of elsewhere-calls: it goes by ends, not by exp") {
			t.Error(err)
		}
	})
}

// like returns what would create a table like one that is there.
func like(t *testing.T, client *dynamodb.Client, table string) *dynamodb.CreateTableInput {
	t.Helper()
	out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	d := out.Table
	in := &dynamodb.CreateTableInput{KeySchema: d.KeySchema, AttributeDefinitions: d.AttributeDefinitions, StreamSpecification: d.StreamSpecification,
		BillingMode: types.BillingModePayPerRequest}
	for _, i := range d.LocalSecondaryIndexes {
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
			IndexName: i.IndexName, KeySchema: i.KeySchema, Projection: i.Projection})
	}
	return in
}

func TestMistakesInRemote(t *testing.T) {
	const url = "http://127.0.0.1:9"
	for name, c := range map[string]stack.Config{
		"no URL":               {Remote: stack.Remote{Endpoint: "127.0.0.1:4566"}},
		"a path":               {Remote: stack.Remote{Endpoint: url + "/dynamodb"}},
		"a prefix with a dot":  {Remote: stack.Remote{Endpoint: url, Prefix: "a.b"}},
		"a prefix for nothing": {Remote: stack.Remote{Prefix: "a"}},
		"a queue for nothing":  {Remote: stack.Remote{EmbeddedQueue: true}},
		"a region for nothing": {Remote: stack.Remote{Region: "eu-west-1"}},
		"another clock":        {Remote: stack.Remote{Endpoint: url}, Clock: clock.NewManual(time.Now())},
		"tables to serve":      {Remote: stack.Remote{Endpoint: url}, DynamoDB: "127.0.0.1:0"},
	} {
		s, err := stack.Start(t.Context(), c)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "stack: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
