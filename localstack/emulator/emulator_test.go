package emulator_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nexus/localstack/emulator"
)

// answering is an emulator that gives each request the same answer, and another status if there is none. asked are its requests.
func answering(t *testing.T, answer string) (e emulator.Emulator, asked func() []string) {
	t.Helper()
	var requests []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		scope := strings.Split(r.Header.Get("Authorization"), "/")
		requests = append(requests, fmt.Sprintf("%s %s %s %s %s %s", r.Method, r.URL.Path, scope[3], r.Header.Get("Content-Type"),
			r.Header.Get("X-Amz-Target"), body))
		if answer == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return emulator.Emulator{URL: s.URL}, func() []string { return requests }
}

func TestRequests(t *testing.T) {
	e, asked := answering(t, `{"N":7}`)
	var out struct{ N int }
	if err := e.Call(t.Context(), "dynamodb", "DynamoDB_20120810.ListTables", struct{}{}, &out); err != nil || out.N != 7 {
		t.Errorf("%v, %v", out, err)
	}
	if err := e.Ask(t.Context(), http.MethodGet, "lambda", "/functions", nil, &out); err != nil {
		t.Error(err)
	}
	if err := e.Ask(t.Context(), http.MethodPut, "lambda", "/functions", map[string]int{"a": 1}, &out); err != nil {
		t.Error(err)
	}
	if err := e.Call(t.Context(), "logs", "Logs.X", struct{}{}, &[]int{}); err == nil || !strings.Contains(err.Error(), "Logs.X: json") {
		t.Error(err)
	}
	want := []string{
		"POST / dynamodb application/x-amz-json-1.0 DynamoDB_20120810.ListTables {}",
		"GET /functions lambda application/json  ",
		`PUT /functions lambda application/json  {"a":1}`,
		"POST / logs application/x-amz-json-1.1 Logs.X {}",
	}
	if got := asked(); !slices.Equal(got, want) {
		t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	e, _ = answering(t, "")
	if err := e.Call(t.Context(), "logs", "Logs.X", struct{}{}, &out); err == nil || !strings.Contains(err.Error(), "Logs.X: 400 Bad Request") {
		t.Error(err)
	}
}

func TestSecret(t *testing.T) {
	for secret, want := range map[string]string{
		`{"SecretString":"{\"user\":\"root\",\"pass\":\"x\"}"}`: "",
		`{"SecretString":"x"}`:                   "not of the form",
		`{"SecretString":"{\"user\":\"root\"}"}`: "not of the form",
		``:                                       "400",
	} {
		e, _ := answering(t, secret)
		user, pass, err := e.Secret(t.Context(), "arn")
		if want == "" && (user != "root" || pass != "x" || err != nil) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %q, %v", secret, user, pass, err)
		}
	}
}

func TestOutputs(t *testing.T) {
	c := emulator.CDK{Root: t.TempDir(), Emulator: emulator.Emulator{URL: "http://127.0.0.1:4566"}}
	if _, err := c.Outputs(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before a deployment: %v", err)
	}
	if err := os.Mkdir(filepath.Join(c.Root, "build"), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"nexus":{"UrlV0":"wss://abc123.execute-api.us-east-1.amazonaws.com/v0","UrlV1":"x","RootSecret":"arn"}}`: "abc123",
		`{"nexus":{"UrlV0":"wss://abc123.execute-api.us-east-1.amazonaws.com/v0"}}`:                                "",
		`{}`: "",
		`[]`: "",
	} {
		if err := os.WriteFile(filepath.Join(c.Root, "build", "outputs.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		made, err := c.Outputs()
		if (err == nil) != (want != "") || made.API() != want {
			t.Errorf("%s: %+v, %v", text, made, err)
		}
	}
	if url := c.WebSocket("abc123"); url != "ws://127.0.0.1:4566/_aws/execute-api/abc123" {
		t.Error(url)
	}
}

func TestEnvironment(t *testing.T) {
	got := emulator.Environment([]string{"PATH=/bin", "AWS_PROFILE=mine", "CDK_DEFAULT_ACCOUNT=1"})
	all := strings.Join(got, " ")
	if got[0] != "PATH=/bin" || strings.Contains(all, "mine") || strings.Contains(all, "CDK_") || !strings.Contains(all, "NO_PROXY=127.0.0.1") {
		t.Error(got)
	}
}
