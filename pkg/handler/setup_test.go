package handler_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nexus/localstack/dynamo"
	"nexus/localstack/stack"
	"nexus/pkg/handler"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

const rootPass = "JbHd7WqTgv2KcXz9"

// account is an AWS account with tables and one secret, and CloudFormation's place for responses, all at one address.
type account struct {
	*httptest.Server
	secret    string // what GetSecretValue answers; empty: that it may not be read
	asked     []string
	responses []cfn.Response
}

func newAccount(t *testing.T, secret string) *account {
	a := &account{secret: secret}
	engine := dynamo.New(dynamo.Config{Region: stack.Region})
	t.Cleanup(engine.Close)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			var response cfn.Response
			if err := json.NewDecoder(r.Body).Decode(&response); err != nil {
				t.Error(err)
			}
			a.responses = append(a.responses, response)
		case r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue":
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/secretsmanager/aws4_request") {
				t.Errorf("not signed for Secrets Manager: %v", r.Header)
			}
			a.asked = append(a.asked, string(body))
			if a.secret == "" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `{"__type":"AccessDeniedException"}`)
				return
			}
			_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": a.secret})
		default:
			engine.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(a.Close)
	if err := stack.CreateTables(t.Context(), a.tables(), stack.TablePrefix); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *account) env(name string) string {
	return map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": a.URL,
		handler.EnvTablePrefix: stack.TablePrefix, handler.EnvQueueURL: a.URL, handler.EnvDeadLetters: a.URL, handler.EnvCallbackV0: a.URL,
		handler.EnvCallbackV1: a.URL}[name]
}

func (a *account) tables() *dynamodb.Client {
	cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	return handler.Clients(cfg, a.env).DynamoDB
}

// call has CloudFormation call the function, and returns its response and all that was logged.
func (a *account) call(t *testing.T, kind cfn.RequestType) (cfn.Response, string) {
	t.Helper()
	var logged bytes.Buffer
	function, err := handler.OpenSetup(a.env, slog.New(slog.NewJSONHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	e := cfn.Event{RequestType: kind, RequestID: "r", ResponseURL: a.URL + "/response", LogicalResourceID: "Root", StackID: "stack",
		ResourceProperties: map[string]any{"Secret": "arn:of:secret"}}
	if _, err := function(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if len(a.responses) == 0 {
		t.Fatal("no response")
	}
	return a.responses[len(a.responses)-1], logged.String()
}

// users are how many items the table of users has.
func (a *account) users(t *testing.T) int {
	t.Helper()
	name := stack.TablePrefix + "users"
	out, err := a.tables().Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Items)
}

func TestSetup(t *testing.T) {
	a := newAccount(t, `{"user":"root","pass":"`+rootPass+`"}`)
	const rootAndFirstStart = 2
	for _, step := range []struct {
		kind  cfn.RequestType
		asked int // how often the secret was read by then
		log   string
	}{
		{cfn.RequestCreate, 1, `"created":true`},
		{cfn.RequestCreate, 2, `"created":false`}, // CloudFormation may ask twice
		{cfn.RequestUpdate, 3, `"created":false`},
		{cfn.RequestDelete, 3, ""},
	} {
		response, logged := a.call(t, step.kind)
		if response.Status != cfn.StatusSuccess || response.PhysicalResourceID != "root" || len(response.Data) > 0 {
			t.Errorf("%s: %+v", step.kind, response)
		}
		if len(a.asked) != step.asked || !strings.Contains(logged, step.log) || strings.Contains(logged, rootPass) {
			t.Errorf("%s: the secret was read %d times, log %s", step.kind, len(a.asked), logged)
		}
		if n := a.users(t); n != rootAndFirstStart {
			t.Errorf("%s: %d items", step.kind, n)
		}
	}
	if a.asked[0] != `{"SecretId":"arn:of:secret"}` {
		t.Errorf("asked for %s", a.asked[0])
	}
	bus, err := handler.Open(a.env, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Users.Authenticate(t.Context(), "root", rootPass); err != nil {
		t.Errorf("root cannot log in: %v", err)
	}
}

// A deployment without a root would be of no use to anybody: it fails, and says why, but not the password.
func TestSetupFails(t *testing.T) {
	for name, c := range map[string]struct{ secret, reason string }{
		"not allowed":        {"", "AccessDeniedException"},
		"not JSON":           {rootPass, "is not of the form"},
		"without a password": {`{"user":"root","password":"` + rootPass + `"}`, "is not of the form"},
		"too short":          {`{"user":"root","pass":"abc"}`, "under 4 bytes"},
	} {
		a := newAccount(t, c.secret)
		response, logged := a.call(t, cfn.RequestCreate)
		if response.Status != cfn.StatusFailed || !strings.Contains(response.Reason, c.reason) || strings.Contains(response.Reason+logged, rootPass) {
			t.Errorf("%s: %+v, log %s", name, response, logged)
		}
		if n := a.users(t); n != 0 {
			t.Errorf("%s: %d items", name, n)
		}
	}
}
