package handler_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"nexus/pkg/deliver"
	"nexus/pkg/handler"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// recorder answers every request alike and keeps where they went.
type recorder struct {
	status int
	header http.Header
	urls   []string
}

// Do implements the SDK's HTTPClient.
func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	r.urls = append(r.urls, request.URL.String())
	return &http.Response{StatusCode: r.status, Header: r.header, Body: io.NopCloser(strings.NewReader("{}")), Request: request}, nil
}

func (r *recorder) config() aws.Config {
	return aws.Config{Region: "eu-west-1", HTTPClient: r, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		Retryer: func() aws.Retryer {
			return retry.AddWithMaxBackoffDelay(retry.AddWithMaxAttempts(retry.NewStandard(), handler.Attempts), 1)
		}}
}

func TestClientsGoWhereTheEnvironmentSays(t *testing.T) {
	for base, want := range map[string][]string{
		"": {"https://dynamodb.eu-west-1.amazonaws.com/", "https://sqs.eu-west-1.amazonaws.com/",
			"https://abcdef1234.execute-api.us-east-1.amazonaws.com/v0/@connections/c%3D"},
		"http://127.0.0.1:4566": {"http://127.0.0.1:4566/", "http://127.0.0.1:4566/",
			"https://abcdef1234.execute-api.us-east-1.amazonaws.com/v0/@connections/c%3D"},
	} {
		r := &recorder{status: http.StatusOK}
		env := environment(map[string]string{"AWS_ENDPOINT_URL": base})
		c := handler.Clients(r.config(), env)
		ctx := t.Context()
		_, _ = c.DynamoDB.ListTables(ctx, &dynamodb.ListTablesInput{})
		_, _ = c.SQS.ListQueues(ctx, &sqs.ListQueuesInput{})
		p := deliver.New(nil, time.Now)
		p.Add(deliver.Node{ID: "01234567", Stage: "v0"}, c.Management(env(handler.EnvCallbackV0)))
		_ = p.Post(ctx, "01234567c=", []byte("1"))
		compare(t, "requests", r.urls, want)
	}
}

// How often a throttled post is tried is pkg/deliver's to say: the SDK's own tries would multiply it, unseen, and outlast the function.
func TestTheSDKDoesNotRetryAThrottledPost(t *testing.T) {
	r := &recorder{status: http.StatusTooManyRequests, header: http.Header{"X-Amzn-Errortype": {"LimitExceededException"}}}
	p := deliver.New(func(context.Context, int) error { return nil }, time.Now)
	p.Add(deliver.Node{ID: "01234567", Stage: "v0"}, handler.Clients(r.config(), environment(nil)).Management("https://example.com/v0"))
	if err := p.Post(t.Context(), "01234567c=", []byte("1")); err == nil || len(r.urls) != deliver.Throttled {
		t.Errorf("%d requests, want %d: %v", len(r.urls), deliver.Throttled, err)
	}
}
