package iam_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// asked is a request as it is sent, signed as a test says.
type asked struct {
	target, path, body string
	key                aws.Credentials
	at                 time.Time
	change             func(*http.Request) // after it was signed
}

// send returns what a guarded service answered: status, error's name, message.
func (a asked) send(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if a.target != "" {
		r.Header.Set("X-Amz-Target", a.target)
	}
	if a.key.AccessKeyID != "" {
		sum := sha256.Sum256([]byte(a.body))
		if err := v4.NewSigner().SignHTTP(context.Background(), a.key, r, hex.EncodeToString(sum[:]), "any", "us-east-1", a.at); err != nil {
			t.Fatal(err)
		}
	}
	if a.change != nil {
		a.change(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.Status + " " + response.Header.Get("X-Amzn-Errortype") + " " + string(text)
}

// What is not signed, or not rightly, reaches no service, and is told so as each service of AWS does.
func TestSignaturesAreVerified(t *testing.T) {
	g, s, _ := guarded()
	server := httptest.NewServer(g.Handler(s))
	defer server.Close()
	const connection, table, queue = "/v0/@connections/abc%3D", "DynamoDB_20120810.GetItem", "AmazonSQS.SendMessage"
	good := aws.Credentials{AccessKeyID: "may", SecretAccessKey: "secret", SessionToken: "token"}
	with := func(change func(*aws.Credentials)) aws.Credentials {
		key := good
		change(&key)
		return key
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	now := time.Now()
	for name, test := range map[string]struct {
		asked
		want string // the beginning
	}{
		"signed":          {asked{"", connection, "m", good, now, nil}, "200 OK"},
		"signed, a table": {asked{table, "/", `{"TableName":"t"}`, good, now, nil}, "200 OK"},
		"not signed":      {asked{"", connection, "m", aws.Credentials{}, now, nil}, "403 Forbidden MissingAuthenticationTokenException "},
		"not signed, a table": {asked{table, "/", `{"TableName":"t"}`, aws.Credentials{}, now, nil},
			`400 Bad Request  {"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","Message":"Request is missing Authentication Token"}`},
		"not signed, a queue":  {asked{queue, "/", `{"QueueUrl":"http://h/q"}`, aws.Credentials{}, now, nil}, "403 Forbidden  {\"__type\":\"com.amazon.coral.service#Missing"},
		"another secret":       {asked{"", connection, "m", with(func(k *aws.Credentials) { k.SecretAccessKey = "local" }), now, nil}, "403 Forbidden InvalidSignatureException "},
		"no session token":     {asked{"", connection, "m", with(func(k *aws.Credentials) { k.SessionToken = "" }), now, nil}, "403 Forbidden InvalidSignatureException "},
		"another token":        {asked{"", connection, "m", with(func(k *aws.Credentials) { k.SessionToken = "x" }), now, nil}, "403 Forbidden InvalidSignatureException "},
		"an unknown key":       {asked{"", connection, "m", with(func(k *aws.Credentials) { k.AccessKeyID = "AKIA" }), now, nil}, "403 Forbidden UnrecognizedClientException "},
		"old":                  {asked{"", connection, "m", good, now.Add(-6 * time.Minute), nil}, "403 Forbidden InvalidSignatureException "},
		"of the future":        {asked{"", connection, "m", good, now.Add(6 * time.Minute), nil}, "403 Forbidden InvalidSignatureException "},
		"another path":         {asked{"", connection, "m", good, now, func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/v1/@connections/abc=", "" }}, "403 Forbidden InvalidSignatureException "},
		"another method":       {asked{"", connection, "m", good, now, func(r *http.Request) { r.Method = http.MethodDelete }}, "403 Forbidden InvalidSignatureException "},
		"another body":         {asked{"", connection, "m", good, now, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("n")) }}, "403 Forbidden InvalidSignatureException "},
		"another target":       {asked{table, "/", `{"TableName":"t"}`, good, now, set("X-Amz-Target", "DynamoDB_20120810.DeleteItem")}, "400 Bad Request  "},
		"only a credential":    {asked{"", connection, "m", good, now, set("Authorization", "AWS4-HMAC-SHA256 Credential=may/20260101/us-east-1/execute-api/aws4_request")}, "403 Forbidden InvalidSignatureException "},
		"a credential's start": {asked{"", connection, "m", good, now, set("Authorization", "AWS4-HMAC-SHA256 Credential=may/x")}, "403 Forbidden IncompleteSignatureException "},
		"another scheme":       {asked{"", connection, "m", good, now, set("Authorization", "Basic cm9vdDpyb290")}, "403 Forbidden IncompleteSignatureException "},
		"no date":              {asked{"", connection, "m", good, now, func(r *http.Request) { r.Header.Del("X-Amz-Date") }}, "403 Forbidden IncompleteSignatureException "},
	} {
		before := len(s.bodies)
		if got := test.send(t, server.URL); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
		if served, want := len(s.bodies)-before, strings.HasPrefix(test.want, "200"); (served == 1) != want {
			t.Errorf("%s: the service got %d requests", name, served)
		}
	}
}
