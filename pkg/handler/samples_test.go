package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/call"
	"nexus/pkg/lock"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/topic"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the samples name.
const (
	taskID  = "01KATY7X8ZQ4M2N6P9R3S5T1V0" // on path demo.
	taskid  = taskID + "-demo."
	connID  = "L0SM9cOFvHcCIhw="         // of API Gateway
	pushing = "58e758eeM1TN0dPGwIdDJix=" // connid of who pushes the samples' task
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
	pusher := b.open("v0", pushing[8:])
	b.login(pusher)
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

// created is the answer to the pipe.create of ownPipe.
const created = `{"jsonrpc":"2.0","id":7,"result":{"pipeid":"` + taskID + `"}}`

// ownPipe is a ready by which the sample's connection creates a pipe, of the samples' id.
func ownPipe(b *bus) *inbox {
	b.made(taskID, func() {
		if _, err := b.invoke(nexus.FunctionPipe, load(b.t, "pipe.create")); err != nil {
			b.t.Fatal(err)
		}
	})
	return b.root()
}

// pipes checks how many pipes there are of the samples' id.
func pipes(want bool) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		item := b.get(store.Pipes, store.Item{"pipeid": store.S(taskID), "row": store.S("meta")})
		if (item != nil) != want {
			t.Errorf("the pipe is %v", item)
		}
	}
}

// weather is a ready by which the pipe of ownPipe is subscribed.
func weather(b *bus) *inbox {
	other := ownPipe(b)
	other.send(`{"id":1,"method":"topic.sub","params":{"pipeid":"` + taskID + `","topic":"demo.weather.*"}}`)
	if got := other.take(); len(got) != 1 || strings.Contains(got[0], "error") {
		b.t.Fatalf("topic.sub: %v", got)
	}
	return other
}

// subscription checks since when the samples' pipe is subscribed, or until when it was, as it is found from the topic and from the pipe.
func subscription(want bool) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		by := b.get(store.Topics, store.Item{"part": store.S("s#demo.weather.*"), "row": store.S(taskID)})
		of := b.get(store.Topics, store.Item{"part": store.S("q#" + taskID), "row": store.S("demo.weather.*")})
		const at = 1795425342456 // as the samples have it, whatever the clock of who handles them
		if of == nil || want && (by.Int("from") != at || by.Has("until")) || !want && by.Int("until") != at {
			t.Errorf("the subscription is %v and %v", by, of)
		}
	}
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

// locked is a ready by which the samples' connection holds a lock.
func locked(b *bus) *inbox {
	c := &call.Call{Connid: b.connid(), Request: "before"}
	if _, err := b.Bus.Locks.Lock(b.t.Context(), c, lock.Named{Lock: "demo.door"}); err != nil {
		b.t.Fatal(err)
	}
	return &inbox{}
}

// holder checks whether the samples' connection holds the lock that they name, or nobody.
func holder(own bool) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		want := ""
		if own {
			want = b.connid()
		}
		item := b.get(store.Locks, store.Item{"lock": store.S("demo.door")})
		if got := item.Str("owner"); item == nil || got != want {
			t.Errorf("the lock's owner is %q, want %q", got, want)
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

// withLists is a ready that creates alice with templates, lists and a tag that her templates bring.
func withLists(b *bus) *inbox {
	root := alice(b)
	for _, call := range []string{
		`"user.create","params":{"user":"writers","pass":"nobody-has-it"}`,
		`"user.setTags","params":{"user":"writers","prefix":".","tags":{"@pipe.write":true}}`,
		`"user.addTemplate","params":{"user":"alice","template":"writers"}`,
		`"user.addWhitelist","params":{"user":"alice","ip":"^10[.]0[.]0[.]1$"}`,
		`"user.addBlacklist","params":{"user":"alice","ip":"^10[.]"}`,
	} {
		root.send(`{"id":1,"method":` + call + `}`)
		if got := root.take(); len(got) != 1 || strings.Contains(got[0], "error") {
			b.t.Fatalf("%s: %v", call, got)
		}
	}
	return root
}

// userHas checks attributes of a user.
func userHas(name string, want store.Item) func(*testing.T, *bus) {
	return func(t *testing.T, b *bus) {
		item := b.get(store.Users, store.Item{"user": store.S(name)})
		for attribute, value := range want {
			if !reflect.DeepEqual(item[attribute], value) {
				t.Errorf("%s of %s: %v, want %v", attribute, name, item[attribute], value)
			}
		}
	}
}

func lists(entries ...string) types.AttributeValue { return store.Strings(entries) }

// samples has an entry per file in events/.
func samples() map[string]sample {
	return map[string]sample{
		"connect":     {after: session(store.Item{"state": store.S("live"), "user": store.S("nobody"), "ip": store.S("192.0.2.7"), "proto": store.S("wss")})},
		"disconnect":  {after: session(store.Item{"state": store.S("ended")})},
		"default":     {answers: []string{`{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}`}},
		"sync.lock":   {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"ok":true,"fence":946684800001}}`}, after: holder(true)},
		"sync.unlock": {ready: locked, answers: []string{ok}, after: holder(false)},
		"sync.list":   {ready: locked, answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"id":"demo.door","owner":"$connid"}]}`}},
		"sync.count":  {ready: locked, answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"prefix":"demo.door","count":1}]}`}},
		"sys.ping":    {answers: []string{`{"jsonrpc":"2.0","id":7,"result":"pong"}`}},
		"sys.login": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"ok":true,"connid":"$connid","user":"root","tags":{".":{"@admin":true}},"metadata":null}}`},
			after: session(store.Item{"state": store.S("live"), "user": store.S("root")})},
		"sys.node.list": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":[` +
			`{"id":"58e758ee","clients":1,"load1":0.50,"load5":0.25,"load15":0.10,"load":{"load1":0.50,"load5":0.25,"load15":0.10,` +
			`"Load1":0.50,"Load5":0.25,"Load15":0.10},"version":"1.9.0","listening":true},` +
			`{"id":"60d34b15","clients":0,"load1":0.50,"load5":0.25,"load15":0.10,"load":{"load1":0.50,"load5":0.25,"load15":0.10,` +
			`"Load1":0.50,"Load5":0.25,"Load15":0.10},"version":"1.9.0","listening":true}]}`}},
		"sys.reload":        {answers: []string{ok}},
		"sys.session.count": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"prefix":"root","count":1}]}`}},
		"sys.session.kick": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"kicked":1}}`},
			after: session(store.Item{"state": store.S("ended")})},
		"sys.session.list": {answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"user":"root","n":1,"sessions":[{"id":"$connid","connid":"$connid",` +
			`"nodeid":"58e758ee","nodeId":"58e758ee","remoteAddress":"wss://192.0.2.7","protocol":"wss","creationTime":` + now + `}]}]}`}},
		"sys.session.reload": {ready: alice, answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"reloaded":2}}`}},
		"sys.version":        {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"version":"1.9.0"}}`}},
		"sys.watchdog":       {answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"ok":true,"watchdog":120}}`}},
		"task.push": {
			ready: func(b *bus) *inbox {
				worker := b.root()
				b.made(taskID, func() { worker.send(`{"id":"w","method":"task.pull","params":{"prefix":"demo"}}`) })
				return worker
			},
			others: []string{`{"jsonrpc":"2.0","id":"w","result":{"taskid":"58e758eeL0SM9cOF` + taskid + `","path":"demo.","method":"add","params":{"a":1,"b":2},` +
				`"tags":{"@admin":true},"prio":1,"detach":false,"user":"root","ttl":3,"creationTime":` + now + `,"deadLine":"2000-01-01T00:00:30.000Z"}}`}},
		"task.pull": {ready: pushed,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"taskid":"58e758eeM1TN0dPG` + taskid + `","path":"demo.","method":"add","params":{"a":1},` +
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
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"id":"58e758eeM1TN0dPG` + taskid + `","state":"waiting","path":"demo.","method":"add","params":{"a":1},` +
				`"prio":0,"priority":0,"ttl":5,"detached":false,"detach":false,"user":"root","session":"` + pushing + `","targetSession":"","result":null,"errCode":null,"errString":"",` +
				`"errObject":null,"tags":{"@admin":true},"creationTime":` + now + `,"workingTime":null,` +
				`"deadline":"2000-01-01T00:00:20.000Z","deadLine":"2000-01-01T00:00:20.000Z"}]}`}},
		"task.count": {ready: pulled,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"prefix":"demo","count":1,"pullCount":0,"pushCount":1}]}`}},
		"user.addBlacklist": {ready: withLists, answers: []string{ok}, after: userHas("alice", store.Item{"blacklist": lists("^10[.]", "^192[.]168[.]")})},
		"user.addTemplate":  {ready: withLists, answers: []string{ok}, after: userHas("alice", store.Item{"templates": lists("writers", "readers")})},
		"user.addWhitelist": {ready: withLists, answers: []string{ok},
			after: userHas("alice", store.Item{"whitelist": lists("^10[.]0[.]0[.]1$", "^192[.]168[.]0[.]7$")})},
		"user.count":            {ready: alice, answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"prefix":"alice","count":1},{"prefix":"root","count":1}]}`}},
		"user.delBlacklist":     {ready: withLists, answers: []string{ok}, after: userHas("alice", store.Item{"blacklist": lists()})},
		"user.delTemplate":      {ready: withLists, answers: []string{ok}, after: userHas("alice", store.Item{"templates": lists()})},
		"user.delWhitelist":     {ready: withLists, answers: []string{ok}, after: userHas("alice", store.Item{"whitelist": lists()})},
		"user.getEffectiveTags": {ready: withLists, answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"tags":{"@pipe.write":true,"size":3,"team":"red"}}}`}},
		"user.getTags": {ready: withLists,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":{"tags":{".":{"@pipe.write":true},"demo":{"size":3,"team":"red"}}}}`}},
		"user.list": {ready: withLists,
			answers: []string{`{"jsonrpc":"2.0","id":7,"result":[{"user":"alice","tags":{"demo":{"size":3,"team":"red"}},"templates":["writers"],` +
				`"whitelist":["^10[.]0[.]0[.]1$"],"blacklist":["^10[.]"],"maxsessions":50,"disabled":false,"createdAt":` + now + `}]}`}},
		"pipe.create": {ready: func(b *bus) *inbox { b.set(&b.task, taskID); return &inbox{} }, answers: []string{created}, after: pipes(true)},
		"pipe.close":  {ready: ownPipe, answers: []string{created, ok}, after: pipes(false)},
		"pipe.read": {
			ready: func(b *bus) *inbox {
				writer := ownPipe(b)
				writer.send(`{"id":1,"method":"pipe.write","params":{"pipeid":"` + taskID + `","msg":["a","b","c"],"multi":true}}`)
				return writer
			},
			answers: []string{created, `{"jsonrpc":"2.0","id":7,"result":{"waiting":1,"drops":0,"msgs":[{"msg":"a","count":1},{"msg":"b","count":2}]}}`}},
		"pipe.write": {
			ready: func(b *bus) *inbox {
				reader := b.root()
				b.made(taskID, func() { reader.send(`{"id":1,"method":"pipe.create"}`) })
				reader.send(`{"id":"r","method":"pipe.read","params":{"pipeid":"` + taskID + `"}}`)
				return reader
			},
			answers: []string{ok},
			others:  []string{`{"jsonrpc":"2.0","id":"r","result":{"waiting":0,"drops":0,"msgs":[{"msg":{"temperature":21.5},"count":1}]}}`}},
		"user.listTemplate":   {ready: withLists, answers: []string{`{"jsonrpc":"2.0","id":7,"result":["writers"]}`}},
		"user.rename":         {ready: alice, answers: []string{ok}, after: logsIn("alicia", "wonderland", true)},
		"user.setDisabled":    {ready: alice, answers: []string{ok}, after: logsIn("alice", "wonderland", false)},
		"user.setMaxSessions": {ready: alice, answers: []string{ok}, after: userHas("alice", store.Item{"maxsessions": store.N(3)})},
		"user.create":         {answers: []string{ok}, after: logsIn("alice", "wonderland", true)},
		"user.delete":         {ready: alice, answers: []string{ok}, after: logsIn("alice", "wonderland", false)},
		"user.setPass":        {ready: alice, answers: []string{ok}, after: logsIn("alice", "looking-glass", true)},
		"user.setTags":        {ready: alice, answers: []string{ok}, after: tagsOf("alice", `{"demo":{"@task.push":true,"size":3,"team":"blue"}}`)},
		"user.delTags":        {ready: alice, answers: []string{ok}, after: tagsOf("alice", `{"demo":{"size":3}}`)},
		// Repair, of a task on which nothing has moved for 31 s: it puts the row by which the pusher's end finds it.
		"stream.tasks": {
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
				row := b.get(store.Calls, store.Item{"id": item["pc"], "row": store.S(call.Open([2]string{"demo.", taskID}, json.RawMessage(`"p"`)))})
				if row.Str("item") != taskID {
					t.Errorf("row %v", row)
				}
			}},
		// Repair, of a pipe: a read of more than a minute gets its timer.
		"stream.pipes": {
			ready: func(b *bus) *inbox {
				reader := b.root()
				b.made(taskID, func() { reader.send(`{"id":1,"method":"pipe.create"}`) })
				reader.send(`{"id":"r","method":"pipe.read","params":{"pipeid":"` + taskID + `","timeout":600}}`)
				return reader
			},
			after: func(t *testing.T, b *bus) {
				item := b.get(store.Pipes, store.Item{"pipeid": store.S(taskID), "row": store.S("meta")})
				waits, ok := item["waits"].(*types.AttributeValueMemberL)
				if !ok || len(waits.Value) != 1 || !(store.Item{"": waits.Value[0]}).Map("").Bool("armed") {
					t.Errorf("the read is not armed: %v", item["waits"])
				}
			}},
		"topic.sub": {ready: ownPipe, answers: []string{created, ok}, after: subscription(true)},
		"topic.unsub": {ready: weather, answers: []string{created, ok}, after: func(t *testing.T, b *bus) {
			subscription(false)(t, b)
			pipes(true)(t, b)
		}},
		"topic.pub": {ready: weather, answers: []string{created, ok}, after: func(t *testing.T, b *bus) {
			found := 0
			for row := range topic.Rows {
				i := b.get(store.Topics, store.Item{"part": store.S(fmt.Sprintf("p#%d", row)), "row": store.S("-")})
				if i == nil {
					continue
				}
				if found++; i.Int("n") != 1 || i.Str("topic") != "demo.weather.paris" || i.Str("msg") != `{"temperature":21.5}` {
					t.Errorf("published: %v", i)
				}
			}
			if found != 1 {
				t.Errorf("%d rows have publications", found)
			}
		}},
		"topic.list":  {ready: weather, answers: []string{created, `{"jsonrpc":"2.0","id":7,"result":[{"topic":"demo.weather.*","subscribers":1}]}`}},
		"topic.count": {ready: weather, answers: []string{created, `{"jsonrpc":"2.0","id":7,"result":[{"prefix":"demo.weather","count":1}]}`}},
		// A publication, for a read that waits.
		"stream.topics": {
			ready: func(b *bus) *inbox {
				reader := b.root()
				b.made(taskID, func() { reader.send(`{"id":1,"method":"pipe.create"}`) })
				reader.send(`{"id":2,"method":"topic.sub","params":{"pipeid":"` + taskID + `","topic":"demo.weather.*"}}`)
				reader.send(`{"id":"r","method":"pipe.read","params":{"pipeid":"` + taskID + `"}}`)
				return reader
			},
			others: []string{`{"jsonrpc":"2.0","id":"r","result":{"waiting":0,"drops":0,"msgs":[` +
				`{"msg":{"topic":"demo.weather.paris","msg":{"temperature":21.5}},"count":1}]}}`}},
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
	"stream.pipes":  {nexus.FunctionStream, func() any { return new(events.DynamoDBEvent) }},
	"stream.topics": {nexus.FunctionStream, func() any { return new(events.DynamoDBEvent) }},
	"stream.tasks":  {nexus.FunctionStream, func() any { return new(events.DynamoDBEvent) }},
	"timer":         {nexus.FunctionTimer, func() any { return new(events.SQSEvent) }},
	"schedule":      {nexus.FunctionTimer, func() any { return new(events.EventBridgeEvent) }},
}

// nameOf is the sample of a route.
func nameOf(route string) string { return strings.TrimPrefix(route, "$") }

func TestEachRouteAndSourceHasASampleAndNothingElse(t *testing.T) {
	want := []string{"timer", "schedule"}
	for _, s := range nexus.Streams() {
		want = append(want, "stream."+s.Table)
	}
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
