package iam_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nexus/localstack/iam"
	"nexus/localstack/lambda"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// clients are an SDK's, of one function.
type clients struct {
	tables      *dynamodb.Client
	queues      *sqs.Client
	connections *apigatewaymanagementapi.Client
}

func newClients(key string, client aws.HTTPClient, endpoint string) clients {
	c := aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(key, "secret", "token"), BaseEndpoint: &endpoint, HTTPClient: client,
		RetryMaxAttempts: 1}
	return clients{dynamodb.NewFromConfig(c), sqs.NewFromConfig(c), apigatewaymanagementapi.NewFromConfig(c, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(endpoint + "/v0")
	})}
}

// ask sends a request of each service.
func (c clients) ask(ctx context.Context) map[iam.Service]error {
	_, table := c.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("t"),
		Key: map[string]types.AttributeValue{"a": &types.AttributeValueMemberS{Value: "a"}}})
	_, queue := c.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("http://host/000000000000/q"), MessageBody: aws.String("m")})
	_, connection := c.connections.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String("c="), Data: []byte("m")})
	return map[iam.Service]error{iam.DynamoDB: table, iam.SQS: queue, iam.ExecuteAPI: connection}
}

// served is a service that takes everything, and notes what it was sent.
type served struct{ bodies []string }

// ServeHTTP implements http.Handler.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what is missing shows
	s.bodies = append(s.bodies, string(body))
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS") {
		_, _ = io.WriteString(w, `{"MD5OfMessageBody":"6f8f57715090da2632453988d9a1501b","MessageId":"1"}`)
		return
	}
	_, _ = io.WriteString(w, `{}`)
}

// RoundTrip implements http.RoundTripper.
func (s *served) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// guarded is a service behind a guard that lets the function "may" do everything.
func guarded() (*iam.Guard, *served, *bytes.Buffer) {
	var log bytes.Buffer
	guard := &iam.Guard{Allows: func(function string, _ iam.Need) bool { return function == "may" }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Key: func(id string) (aws.Credentials, bool) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret", SessionToken: "token"}, id == "may" || id == "maynot"
		}}
	return guard, &served{}, &log
}

var statuses = map[iam.Service]int{iam.DynamoDB: 400, iam.SQS: 403, iam.ExecuteAPI: 403}

func checkRefused(t *testing.T, who string, log *bytes.Buffer, errs map[iam.Service]error) {
	t.Helper()
	for service, err := range errs {
		var api smithy.APIError
		var response *awshttp.ResponseError
		if !errors.As(err, &api) || !strings.HasPrefix(api.ErrorCode(), "AccessDenied") || !strings.Contains(api.ErrorMessage(), "is not authorized to perform: "+string(service)+":") ||
			!errors.As(err, &response) || response.HTTPStatusCode() != statuses[service] {
			t.Errorf("%s %s: %v", who, service, err)
		}
		if line := `level=ERROR msg="access denied" function=` + who + ` needs="` + string(service) + ":"; !strings.Contains(log.String(), line) {
			t.Errorf("the log has no %s:\n%s", line, log)
		}
	}
}

func checkServed(t *testing.T, who string, s *served, errs map[iam.Service]error) {
	t.Helper()
	for service, err := range errs {
		if err != nil {
			t.Errorf("%s %s: %v", who, service, err)
		}
	}
	if len(s.bodies) != 3 || !strings.Contains(s.bodies[0], `"TableName":"t"`) || !strings.Contains(s.bodies[1], `"MessageBody":"m"`) || s.bodies[2] != "m" {
		t.Errorf("%s: the service got %q", who, s.bodies)
	}
	s.bodies = nil
}

// Functions in processes of their own are told by what they sign with.
func TestOverAPort(t *testing.T) {
	g, s, log := guarded()
	server := httptest.NewServer(g.Handler(s))
	defer server.Close()
	checkServed(t, "may", s, newClients("may", http.DefaultClient, server.URL).ask(t.Context()))
	checkRefused(t, "maynot", log, newClients("maynot", http.DefaultClient, server.URL).ask(t.Context()))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL,
		io.MultiReader(io.LimitReader(spaces{}, 64<<20), strings.NewReader(`{"TableName":"t"}`)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	checkStatus(t, "longer than any", request)
	if len(s.bodies) > 0 {
		t.Errorf("the service got %q", s.bodies)
	}
}

// spaces are as many as are read.
type spaces struct{}

// Read implements io.Reader.
func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func checkStatus(t *testing.T, what string, request *http.Request) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("%s: status %d", what, response.StatusCode)
	}
}

// handler is a function.
type handler func(ctx context.Context)

// Invoke implements lambda.Handler.
func (h handler) Invoke(ctx context.Context, _ []byte) ([]byte, error) {
	h(ctx)
	return nil, nil
}

// Functions in this process are told by the context of their requests; what is of none is the stack's own.
func TestInProcess(t *testing.T) {
	g, s, log := guarded()
	c := newClients("local", &http.Client{Transport: g.RoundTripper(s)}, "http://local.invalid")
	var errs map[iam.Service]error
	ask := handler(func(ctx context.Context) { errs = c.ask(ctx) })
	runner := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{"may": ask, "maynot": ask}})
	invoke := func(function string) {
		if _, err := runner.Invoke(t.Context(), function, nil); err != nil {
			t.Fatal(err)
		}
	}
	invoke("may")
	checkServed(t, "may", s, errs)
	invoke("maynot")
	checkRefused(t, "maynot", log, errs)
	if len(s.bodies) > 0 {
		t.Errorf("the service got %q", s.bodies)
	}
	checkServed(t, "the stack", s, c.ask(t.Context()))
}
