package store_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"nexus/localstack/dynamo"
	"nexus/localstack/stack"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// bench is a DB on empty tables.
type bench struct {
	*store.DB
	t      *testing.T
	ctx    context.Context
	meter  store.Meter
	pauses []int // the attempts that were paused before

	// conflict is asked before each write whether another request holds the item.
	conflict func() bool
	// lose loses the response of the next request.
	lose bool
	// throttled is how many of the next requests are refused for their rate.
	throttled int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
	b.ctx = store.WithMeter(t.Context(), &b.meter)
	engine := dynamo.New(dynamo.Config{Conflict: func(string, string) bool { return b.conflict != nil && b.conflict() }})
	t.Cleanup(engine.Close)
	client := dynamodb.New(dynamodb.Options{Region: stack.Region, BaseEndpoint: aws.String("http://local.invalid"), HTTPClient: wire{b, engine},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), Retryer: retry.AddWithMaxBackoffDelay(retry.NewStandard(), 1)})
	const prefix = "t-"
	if err := stack.CreateTables(t.Context(), client, prefix); err != nil {
		t.Fatal(err)
	}
	b.DB = store.New(client, prefix, func(ctx context.Context, attempt int) error {
		b.pauses = append(b.pauses, attempt)
		return ctx.Err()
	})
	return b
}

// wire is the way to the engine.
type wire struct {
	b    *bench
	next http.RoundTripper
}

// Do implements the SDK's HTTPClient.
func (w wire) Do(r *http.Request) (*http.Response, error) {
	if w.b.throttled > 0 {
		w.b.throttled--
		body := `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"too much"}`
		return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	response, err := w.next.RoundTrip(r)
	if w.b.lose {
		w.b.lose = false
		return nil, http.ErrHandlerTimeout
	}
	return response, err
}

func key(part, id string) store.Item { return store.Item{"part": store.S(part), "id": store.S(id)} }

// put stores an item of the table of tasks, in the queue if queue is not empty.
func (b *bench) put(part, id, queue string, n int64) {
	b.t.Helper()
	item := key(part, id)
	item["n"] = store.N(n)
	if queue != "" {
		item["queue"] = store.S(queue)
	}
	if _, err := b.Do(b.ctx, store.Write{Table: store.Tasks, Item: item}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) get(part, id string) store.Item {
	b.t.Helper()
	item, err := b.Get(b.ctx, store.Tasks, key(part, id))
	if err != nil {
		b.t.Fatal(err)
	}
	return item
}

// spent returns the units consumed since it was last asked.
func (b *bench) spent() [2]float64 {
	w, r := b.meter.Units()
	b.meter = store.Meter{}
	b.ctx = store.WithMeter(b.t.Context(), &b.meter)
	return [2]float64{w, r}
}
