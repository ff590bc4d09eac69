package handler_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-lambda-go/events"
)

// The folders of functions/, the names in the table and those that handler knows are the same, but for the deployment's own.
func TestEachFunctionHasAFolderAndAHandler(t *testing.T) {
	entries, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.Name() != nexus.FunctionSetup {
			folders = append(folders, e.Name())
		}
	}
	if !slices.Equal(folders, nexus.Functions()) {
		t.Errorf("functions/ has %v, the table %v", folders, nexus.Functions())
	}
	log := slog.New(slog.DiscardHandler)
	for _, name := range folders {
		if f, err := handler.New(name, nil, log); f == nil || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := handler.New("mail", nil, log); err == nil || !strings.Contains(err.Error(), `"mail"`) {
		t.Errorf("an unknown function: %v", err)
	}
	for _, r := range nexus.Routes() {
		if !slices.Contains(folders, r.Function) {
			t.Errorf("route %s goes to %s", r.Key, r.Function)
		}
	}
}

// A client may type the name of a lifecycle route; the gateway then invokes it, as a message.
func TestMessagesOnLifecycleRoutesEndNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		client, silent := b.open("v0", connID), b.open("v0", "")
		for _, method := range []string{"$connect", "$disconnect", "$default"} {
			client.send(`{"id":7,"method":"` + method + `"}`)
			compare(t, method, client.take(), []string{`{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}`})
			session(store.Item{"state": store.S("live")})(t, b)
		}
		compare(t, "another connection", silent.take(), nil)
		// Even one that claims to be of another connection goes by the context's, and by its type.
		var e events.APIGatewayWebsocketProxyRequest
		if err := json.Unmarshal(load(t, "disconnect"), &e); err != nil {
			t.Fatal(err)
		}
		e.RequestContext.EventType, e.Body = "MESSAGE", `{"id":8,"method":"sys.ping"}`
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.invoke(nexus.FunctionConnection, payload); err != nil {
			t.Error(err)
		}
		compare(t, "a message of the route $disconnect", client.take(), []string{`{"jsonrpc":"2.0","id":8,"result":"pong"}`})
		session(store.Item{"state": store.S("live")})(t, b)
	})
}

func TestAPanicIsAnInternalErrorWithoutItsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		b := start(t, slog.New(slog.NewTextHandler(&logged, nil)))
		client := b.root()
		b.made(failing, func() { client.send(`{"id":7,"method":"task.push","params":{"method":"demo.add","params":1}}`) })
		compare(t, "a panic", client.take(), []string{`{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"Internal error"}}`})
		for _, want := range []string{"panic: an id that cannot be made", "push.go", "route=task.push"} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log says nothing of %q: %s", want, &logged)
			}
		}
		client.send(`{"id":8,"method":"sys.ping"}`)
		compare(t, "afterwards", client.take(), []string{`{"jsonrpc":"2.0","id":8,"result":"pong"}`})
	})
}

// A connection of a stage that the environment names no endpoint for could never be answered.
func TestAConnectionThatCannotBeAnsweredIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, slog.New(slog.DiscardHandler))
		payload := bytes.Replace(load(t, "connect"), []byte(`"stage": "v0"`), []byte(`"stage": "v2"`), 1)
		result, err := b.invoke(nexus.FunctionConnection, payload)
		if err != nil || !strings.Contains(result, `"statusCode":503`) {
			t.Errorf("%s, %v", result, err)
		}
	})
}

// Of a batch of timers those that fail come again, and only those.
func TestATimerThatFailsIsReportedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, slog.New(slog.DiscardHandler))
		var e events.SQSEvent
		if err := json.Unmarshal(load(t, "timer"), &e); err != nil {
			t.Fatal(err)
		}
		good := e.Records[0]
		bad, empty := good, good
		bad.MessageId, bad.Body = "bad", "no JSON"
		empty.MessageId, empty.Body = "empty", `{"kind":"task.deadline"}`
		e.Records = []events.SQSMessage{bad, good, empty}
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		result, err := b.invoke(nexus.FunctionTimer, payload)
		const want = `{"batchItemFailures":[{"itemIdentifier":"bad"},{"itemIdentifier":"empty"}]}`
		if err != nil || result != want {
			t.Errorf("%s, %v; want %s", result, err, want)
		}
		e.Records = []events.SQSMessage{good}
		if payload, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		if result, err := b.invoke(nexus.FunctionTimer, payload); err != nil || result != `{"batchItemFailures":[]}` {
			t.Errorf("where none fails: %s, %v", result, err)
		}
		if result, err := b.invoke(nexus.FunctionTimer, []byte(`{"detail":{}}`)); err == nil {
			t.Errorf("an event of another source: %s", result)
		}
	})
}

// What a batch of the stream shows to be gone is not read; a record without a task's keys is an error, not skipped.
func TestStreamBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, slog.New(slog.DiscardHandler))
		insert := load(t, "stream.tasks")
		if result, err := b.invoke(nexus.FunctionStream, insert); err != nil {
			t.Errorf("of an item that is gone: %s, %v", result, err)
		}
		other := bytes.Replace(insert, []byte(`"part": {`), []byte(`"user": {`), 1)
		if result, err := b.invoke(nexus.FunctionStream, other); err == nil {
			t.Errorf("of another table: %s", result)
		}
	})
}

// Invocations of one function at the same time must not share what they return.
func TestAResultStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, slog.New(slog.DiscardHandler))
		first, err := b.Invoke(t.Context(), nexus.FunctionTimer, []byte(`{"Records":[{"messageId":"bad","body":"no JSON"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		before := string(first)
		if _, err := b.Invoke(t.Context(), nexus.FunctionTimer, load(t, "schedule")); err != nil {
			t.Fatal(err)
		}
		if string(first) != before {
			t.Errorf("%s became %s", before, first)
		}
	})
}

// Locally there is no TLS, and a session says so.
func TestTheProtocolOfAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, nil)
		payload := bytes.ReplaceAll(load(t, "connect"), []byte(`"https"`), []byte(`"http"`))
		if _, err := b.invoke(nexus.FunctionConnection, payload); err != nil {
			t.Fatal(err)
		}
		session(store.Item{"state": store.S("live"), "proto": store.S("ws")})(t, b)
	})
}
