package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// TestMain makes the test's own program the functions that the tests run as processes.
func TestMain(m *testing.M) {
	switch os.Getenv("AWS_LAMBDA_FUNCTION_NAME") {
	case "":
		os.Exit(m.Run())
	case "probe":
		awslambda.Start(probe)
	case "rude":
		rude()
	case "broken":
		os.Exit(7)
	case "unwell":
		post("/runtime/init/error", `{"errorMessage":"no table","errorType":"Unwell"}`)
		select {} // whoever reports that is ended
	case "mute":
		call(context.Background(), http.MethodGet, os.Getenv("TEST_URL")+"/mute", "")
		select {}
	}
}

// seen is what a function sees of its invocation.
type seen struct {
	Pid         int
	ID, ARN     string
	Left        time.Duration // until the deadline
	Trace       string
	Environment []string
}

// probe does what it is told.
func probe(ctx context.Context, do string) (any, error) {
	switch do {
	case "fail":
		return nil, &oddError{}
	case "panic":
		panic("boom")
	case "exit":
		os.Exit(3)
	case "hold": // ask the test, deaf to the deadline
		call(context.Background(), http.MethodGet, os.Getenv("TEST_URL")+"/hold", "")
	case "print":
		fmt.Println(`{"time":"2026-01-02T03:04:05Z","level":"ERROR","msg":"bad","function":"probe","n":1}`)
		fmt.Fprintln(os.Stderr, "plain")
	case "huge":
		return strings.Repeat("x", 7<<20), nil
	case "brittle":
		return &brittle{strings.NewReader(`{"half":`)}, nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return seen{os.Getpid(), lc.AwsRequestID, lc.InvokedFunctionArn, time.Until(deadline), os.Getenv("_X_AMZN_TRACE_ID"), os.Environ()}, nil
}

// brittle is a result that breaks off.
type brittle struct{ io.Reader }

func (b *brittle) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		err = errors.New("broke off")
	}
	return n, err
}

// MarshalJSON fails, so that the result is sent as it is read.
func (b *brittle) MarshalJSON() ([]byte, error) { return nil, errors.New("only to be read") }

// rude breaks the Runtime API's rules in its first invocation, and tells what it was answered in its second.
func rude() {
	next := func() (status, id string) {
		status, header, _ := call(context.Background(), http.MethodGet, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/invocation/next", "")
		return status, header.Get("Lambda-Runtime-Aws-Request-Id")
	}
	var told []string
	_, id := next()
	status, _ := next()
	told = append(told, "next unanswered: "+status, "another's id: "+post("/runtime/invocation/x/response", `0`),
		"its own: "+post("/runtime/invocation/"+id+"/response", `1`), "again: "+post("/runtime/invocation/"+id+"/error", `{}`),
		"extensions: "+post("/extension/register", `{}`))
	_, id = next()
	text, _ := json.Marshal(told)
	post("/runtime/invocation/"+id+"/response", string(text))
	next() // until the end
}

func post(path, body string) string {
	status, _, text := call(context.Background(), http.MethodPost, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01"+path, body)
	return status + " " + text
}

// call sends a request. If the other side is gone, the test is over.
func call(ctx context.Context, method, url, body string) (status string, header http.Header, text string) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		os.Exit(1)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		os.Exit(1)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		os.Exit(1)
	}
	return response.Status[:3], response.Header, string(b)
}
