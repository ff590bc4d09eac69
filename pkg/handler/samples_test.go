package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// What the samples name.
const (
	taskID = "01KATY7X8ZQ4M2N6P9R3S5T1V0" // on path demo.
	taskid = taskID + "-demo."
	connID = "L0SM9cOFvHcCIhw=" // of API Gateway
)

// now is the time in a bubble, as answers write it.
const now = `"2000-01-01T00:00:00.000Z"`

const ok = `{"jsonrpc":"2.0","id":7,"result":{"ok":true}}`

// A sample is an event, given to its function on a bus that before made ready.
type sample struct {
	// ready opens other connections and brings about what the sample names; the sample's connection is open and logged in.
	ready func(b *bus) *inbox
	// answers and others are what the sample's connection and the one that ready returned were sent.
	answers, others []string
	// after looks at the rest.
	after func(t *testing.T, b *bus)
}

// pushed is a ready that pushes the samples' task.
func pushed(b *bus) *inbox {
	pusher := b.root()
	b.made(taskID, func() {
		pusher.send(`{"id":"p","method":"task.push","params":{"method":"demo.add","params":{"a":1},"timeout":20}}`)
	})
	return pusher
}

// pulled is a ready by which another connection works on the samples' task.
func pulled(b *bus) *inbox {
	pushed(b)
	worker := b.root()
	worker.send(`{"id":"w","method":"task.pull","params":{"prefix":"demo"}}`)
	if got := worker.take(); len(got) != 1 || !strings.Contains(got[0], taskid) {
		b.t.Fatalf("pull: %v", got)
	}
	return worker
}

// alice is a ready that creates that user, with a tag.
func alice(b *bus) *inbox {
	root := b.root()
	root.send(`{"id":1,"method":"user.create","params":{"user":"alice","pass":"wonderland"}}`)
	root.send(`{"id":1,"method":"user.setTags","params":{"user":"alice","prefix":"demo","tags":{"team":"red","size":3}}}`)
	if got := root.take(); len(got) != 2 || strings.Contains(got[0]+got[1], "error") {
		b.t.Fatalf("alice: %v", got)
	}
	return root
}

// logsIn checks whether a user has a password.
func logsIn(user, pass string, want bool) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		in := b.open("v0", "")
		in.send(`{"id":1,"method":"sys.login","params":{"user":"` + user + `","pass":"` + pass + `"}}`)
		if got := in.take(); len(got) != 1 || strings.Contains(got[0], `"ok":true`) != want {
			t.Errorf("login of %s: %v", user, got)
		}
	}
}

// session checks the session of the samples' connection.
func session(want store.Item) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		got := b.get(store.Sessions, store.Item{"id": store.S(b.connid())})
		for name := range want {
			if got.Str(name) != want.Str(name) {
				t.Errorf("session %s: %q, want %q", name, got.Str(name), want.Str(name))
			}
		}
	}
}

func tagsOf(user, want string) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		if got := b.get(store.Users, store.Item{"user": store.S(user)}).Str("tags"); got != want {
			t.Errorf("tags %s, want %s", got, want)
		}
	}
}

// samples has an entry per file in events/.
func samples() map[string]sample {
	return map[string]sample{
		"connect":    {after: session(store.Item{"state": store.S("live"), "user": store.S("nobody"), "ip": store.S("192.0.2.7")})},
		"disconnect": {after: session(store.Item{"state": store.S("ended")})},
		"default":    {answers: []string{`{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}`}},
		"sys.ping":   {answers: []string{`{"jsonrpc":"2.0","id":7,"result":"pong"}`}},
		"sys.login": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"ok":true,"connid":"$connid","user":"root","tags":{".":{"@admin":true}},"metadata":null}}`},
			after: session(store.Item{"state": store.S("live"), "user": store.S("root")})},
		"sys.reload":   {answers: []string{ok}},
		"sys.version":  {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"version":"1.9.0"}}`}},
		"sys.watchdog": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"ok":true,"watchdog":120}}`}},
		"task.push": {
			ready: func(b *bus) *inbox {
				worker := b.root()
				b.made(taskID, func() { worker.send(`{"id":"w","method":"task.pull","params":{"prefix":"demo"}}`) })
				return worker
			},
			others: []string{`{"jsonrpc":"2.0","id":"w","result":{"taskid":"` + taskid + `","path":"demo.","method":"add","params":{"a":1,"b":2},` +
				`"tags":{"@admin":true},"prio":1,"detach":false,"user":"root","ttl":3,"creationTime":` + now + `,"deadLine":"2000-01-01T00:00:30.000Z"}}`}},
		"task.pull": {ready: pushed,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"taskid":"` + taskid + `","path":"demo.","method":"add","params":{"a":1},` +
				`"tags":{"@admin":true},"prio":0,"detach":false,"user":"root","ttl":5,"creationTime":` + now + `,"deadLine":"2000-01-01T00:00:20.000Z"}}`}},
		"task.result": {ready: pushed, answers: []string{ok}, others: []string{`{"jsonrpc":"2.0","id":"p","result":{"sum":3}}`}},
		"task.error": {ready: pushed, answers: []string{ok},
			others: []string{`{"jsonrpc":"2.0","id":"p","error":{"code":42,"message":"cannot add","data":{"why":"overflow"}}}`}},
		"task.cancel": {ready: pushed, answers: []string{ok}, others: []string{`{"jsonrpc":"2.0","id":"p","error":{"code":-32001,"message":"Cancel"}}`}},
		"task.reject": {ready: pulled, answers: []string{ok}, after: func(t *testing.T, b *bus) {
			got := b.get(store.Tasks, store.Item{"part": store.S("demo."), "id": store.S(taskID)})
			if got.Str("state") != "waiting" || got.Int("ttl") != 4 {
				t.Errorf("the task is %s, ttl %d", got.Str("state"), got.Int("ttl"))
			}
		}},
		"task.list": {ready: pushed,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"id":"` + taskid + `","state":"waiting","path":"demo.","method":"add","params":{"a":1},` +
				`"prio":0,"priority":0,"ttl":5,"detached":false,"detach":false,"user":"root","targetSession":"","result":null,"errCode":null,"errString":"",` +
				`"errObject":null,"tags":{"@admin":true},"creationTime":` + now + `,"workingTime":null,` +
				`"deadline":"2000-01-01T00:00:20.000Z","deadLine":"2000-01-01T00:00:20.000Z"}]}`}},
		"user.create":  {answers: []string{ok}, after: logsIn("alice", "wonderland", true)},
		"user.delete":  {ready: alice, answers: []string{ok}, after: logsIn("alice", "wonderland", false)},
		"user.setPass": {ready: alice, answers: []string{ok}, after: logsIn("alice", "looking-glass", true)},
		"user.setTags": {ready: alice, answers: []string{ok}, after: tagsOf("alice", `{"demo":{"@task.push":true,"size":3,"team":"blue"}}`)},
		"user.delTags": {ready: alice, answers: []string{ok}, after: tagsOf("alice", `{"demo":{"size":3}}`)},
		// Repair, of a task on which nothing has moved for 31 s: it puts the row by which the pusher's end finds it.
		"stream": {
			ready: func(b *bus) *inbox {
				pusher := b.root()
				b.made(taskID, func() {
					pusher.send(`{"id":"p","method":"task.push","params":{"method":"demo.add","params":1,"timeout":600}}`)
				})
				pass(31 * time.Second)
				return pusher
			},
			after: func(t *testing.T, b *bus) {
				item := b.get(store.Tasks, store.Item{"part": store.S("demo."), "id": store.S(taskID)})
				if !item.Bool("armed") {
					t.Error("its deadline is not armed")
				}
				row := b.get(store.Calls, store.Item{"id": item["pc"], "row": store.S("o#demo.|" + taskID)})
				if row.Str("item") != taskID {
					t.Errorf("row %v", row)
				}
			}},
		// The deadline of a task that nobody pulled.
		"timer": {
			ready:  func(b *bus) *inbox { defer pass(21 * time.Second); return pushed(b) },
			others: []string{`{"jsonrpc":"2.0","id":"p","error":{"code":-32000,"message":"Timeout"}}`}},
		// The watchdog of a connection that was silent for longer than its 90 s.
		"schedule": {
			ready: func(b *bus) *inbox { silent := b.root(); pass(91 * time.Second); return silent },
			after: func(t *testing.T, b *bus) {
				if b.Gateway.Connections() != 0 {
					t.Errorf("%d connections are open", b.Gateway.Connections())
				}
			}},
	}
}

// pass lets the bubble's time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// sources tells which function an event that is not of the WebSocket goes to, and the type that aws-lambda-go gives it.
var sources = map[string]struct {
	function string
	shape    func() any
}{
	"stream":   {nexus.FunctionStream, func() any { return new(events.DynamoDBEvent) }},
	"timer":    {nexus.FunctionTimer, func() any { return new(events.SQSEvent) }},
	"schedule": {nexus.FunctionTimer, func() any { return new(events.EventBridgeEvent) }},
}

// nameOf is the sample of a route.
func nameOf(route string) string { return strings.TrimPrefix(route, "$") }

func TestEachRouteAndSourceHasASampleAndNothingElse(t *testing.T) {
	want := []string{"stream", "timer", "schedule"}
	for _, r := range nexus.Routes() {
		want = append(want, nameOf(r.Key))
	}
	files, err := filepath.Glob("../../events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var have, tried []string
	for _, f := range files {
		have = append(have, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	for name := range samples() {
		tried = append(tried, name)
	}
	for _, list := range [][]string{want, have, tried} {
		slices.Sort(list)
	}
	if !slices.Equal(have, want) {
		t.Errorf("events/ has\n%v, the routes and sources are\n%v", have, want)
	}
	if !slices.Equal(tried, want) {
		t.Errorf("tried are\n%v, the routes and sources are\n%v", tried, want)
	}
	if len(nexus.Streams()) != 1 {
		t.Errorf("%d streams have one sample", len(nexus.Streams()))
	}
}

func load(t *testing.T, name string) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("../../events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestSamples(t *testing.T) {
	functions := map[string]string{}
	for _, r := range nexus.Routes() {
		functions[nameOf(r.Key)] = r.Function
	}
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) {
			payload := load(t, name)
			if source, ok := sources[name]; ok {
				strictly(t, payload, source.shape())
				synctest.Test(t, func(t *testing.T) { play(t, s, source.function, payload, nil) })
				return
			}
			var e events.APIGatewayWebsocketProxyRequest
			strictly(t, payload, &e)
			checkRoute(t, name, &e)
			synctest.Test(t, func(t *testing.T) { play(t, s, functions[name], payload, &e) })
		})
	}
}

// strictly decodes an event into the type that aws-lambda-go gives it, which must know all that is in it.
func strictly(t *testing.T, payload []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Error(err)
	}
}

// checkRoute checks that an event is what API Gateway makes of the route that its file is named for.
func checkRoute(t *testing.T, name string, e *events.APIGatewayWebsocketProxyRequest) {
	t.Helper()
	rc := e.RequestContext
	types := map[string]string{"connect": "CONNECT", "disconnect": "DISCONNECT"}
	want := types[name]
	if want == "" {
		want = "MESSAGE"
	}
	if rc.EventType != want || rc.MessageDirection != "IN" || rc.ConnectionID != connID || nameOf(rc.RouteKey) != name {
		t.Errorf("%s %s %s of %s", rc.EventType, rc.MessageDirection, rc.RouteKey, rc.ConnectionID)
	}
	if want != "MESSAGE" || name == "default" {
		return
	}
	var body struct{ Method string }
	if err := json.Unmarshal([]byte(e.Body), &body); err != nil || body.Method != name {
		t.Errorf("the body's method is %q, %v", body.Method, err)
	}
}

// play gives a sample to its function and checks what comes of it. e is nil for what comes from no connection.
func play(t *testing.T, s sample, function string, payload []byte, e *events.APIGatewayWebsocketProxyRequest) {
	b := start(t, nil)
	own := &inbox{}
	if e != nil && e.RequestContext.EventType != "CONNECT" {
		own = b.open(e.RequestContext.Stage, connID)
		if e.RequestContext.RouteKey != "sys.login" {
			b.login(own)
		}
	}
	other := &inbox{}
	if s.ready != nil {
		other = s.ready(b)
		other.take()
	}
	result, err := b.invoke(function, payload)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"batchItemFailures":[]}`
	if e != nil {
		want = `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":""}`
	}
	if strings.ReplaceAll(result, `"batchItemFailures":null`, `"batchItemFailures":[]`) != want {
		t.Errorf("the function returned %s, want %s", result, want)
	}
	for n := range s.answers {
		s.answers[n] = strings.ReplaceAll(s.answers[n], "$connid", b.connid())
	}
	compare(t, "answers", own.take(), s.answers)
	compare(t, "others", other.take(), s.others)
	if s.after != nil {
		s.after(t, b)
	}
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// get reads an item of the bus's tables.
func (b *bus) get(table string, key store.Item) store.Item {
	b.t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: stack.Region, BaseEndpoint: aws.String("http://local.invalid"), HTTPClient: roundTripper{b},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	item, err := store.New(client, stack.TablePrefix, nil).Get(context.Background(), table, key)
	if err != nil {
		b.t.Fatal(err)
	}
	return item
}
