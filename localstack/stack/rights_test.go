package stack_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"nexus/localstack/iam"
	"nexus/localstack/lambda"
	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// use notes which rights the functions of some stacks make use of: "task dynamodb:PutItem on tasks".
type use struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (u *use) wire(next http.RoundTripper) http.RoundTripper { return &usedWire{u, next} }

type usedWire struct {
	use  *use
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (w *usedWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if function := lambda.FunctionName(r.Context()); function != "" {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r = r.WithContext(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		needs, err := iam.Needs(r, body)
		if err != nil {
			return nil, err
		}
		w.use.mu.Lock()
		for _, n := range needs {
			n.Resource = strings.TrimPrefix(n.Resource, stack.TablePrefix)
			w.use.seen[function+" "+n.String()] = true
		}
		w.use.mu.Unlock()
	}
	return w.next.RoundTrip(r)
}

// rights lists those of a function as use has them.
func rights(r nexus.Rights) []string {
	var all []string
	add := func(n iam.Need) { all = append(all, n.String()) }
	for _, t := range r.Tables {
		for _, action := range t.Actions {
			add(iam.Need{Service: iam.DynamoDB, Action: action, Resource: t.Table})
		}
		for _, index := range t.Indexes {
			add(iam.Need{Service: iam.DynamoDB, Action: "Query", Resource: t.Table, Index: index})
		}
	}
	if r.Timer {
		add(iam.Need{Service: iam.SQS, Action: "SendMessage", Resource: "timer"})
	}
	if r.DeadLetters {
		add(iam.Need{Service: iam.SQS, Action: "SendMessage", Resource: "dead-letters"})
	}
	for _, method := range r.Connections {
		add(iam.Need{Service: iam.ExecuteAPI, Action: "ManageConnections", Resource: method})
	}
	return all
}

// unplayed are rights that transcripts need not make use of, with what does: it takes a fault, or a moment that comes by chance.
var unplayed = map[string]string{
	"any dynamodb:GetItem on topics":          "a publisher whose response was lost reads its row back",
	"connection dynamodb:UpdateItem on calls": "who connects with a wrong password is counted: TestAClosedDoor",
	"stream dynamodb:BatchGetItem on bodies":  "repair hands over long messages",
	"stream dynamodb:Query on pipes":          "repair reads the rows of messages that it hands over",
	"stream sqs:SendMessage on dead-letters":  "a fan-out gives up a pipe, or meets what is no publication; and the event source mapping, by the function's role",
	"timer dynamodb:BatchGetItem on bodies":   "repair hands over long messages",
	"timer dynamodb:PutItem on pipes":         "repair puts a plug for a number whose writer died",
	"timer dynamodb:Query on pipes":           "repair reads the rows of messages that it hands over",
}

// check reports rights that no transcript made use of. What all functions have in common is what a session's end takes, whoever finds it: there one
// function will do.
func (u *use) check(t *testing.T) {
	t.Helper()
	having := map[string]int{}
	for _, function := range nexus.Functions() {
		for _, right := range rights(nexus.RightsOf(function)) {
			having[right]++
			if u.seen[function+" "+right] {
				u.seen["any "+right] = true
			}
		}
	}
	granted := map[string]bool{}
	for _, function := range nexus.Functions() {
		for _, right := range rights(nexus.RightsOf(function)) {
			name := function + " " + right
			if having[right] == len(nexus.Functions()) {
				name = "any " + right
			}
			if !u.seen[name] && unplayed[name] == "" && !granted[name] {
				t.Errorf("no transcript uses the right: %s", name)
			}
			granted[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unplayed)) {
		if !granted[name] {
			t.Errorf("%s is listed as a right that no transcript uses, and is no right", name)
		}
	}
}

// without returns the functions' rights, but for some of one function's.
func without(function string, missing ...iam.Need) func(string) nexus.Rights {
	return func(f string) nexus.Rights {
		r := nexus.RightsOf(f)
		if f != function {
			return r
		}
		for _, n := range missing {
			switch n.Service {
			case iam.SQS:
				r.Timer = false
			case iam.ExecuteAPI:
				r.Connections = slices.DeleteFunc(slices.Clone(r.Connections), func(method string) bool { return method == n.Resource })
			case iam.DynamoDB:
				r.Tables = slices.Clone(r.Tables)
				for i := range r.Tables {
					t := &r.Tables[i]
					switch {
					case t.Table != n.Resource:
					case n.Index != "":
						t.Indexes = slices.DeleteFunc(slices.Clone(t.Indexes), func(index string) bool { return index == n.Index })
					default:
						t.Actions = slices.DeleteFunc(slices.Clone(t.Actions), func(action string) bool { return action == n.Action })
					}
				}
			}
		}
		return r
	}
}

// A function that lacks a right is refused as by AWS: its caller gets -32603, and the log says what is missing.
func TestAMissingRightIsRefused(t *testing.T) {
	on := func(action, table, index string) iam.Need {
		return iam.Need{Service: iam.DynamoDB, Action: action, Resource: table, Index: index}
	}
	for _, c := range []struct {
		function string
		missing  iam.Need
		request  string
	}{
		{nexus.FunctionTask, on("PutItem", store.Tasks, ""), `{"id":1,"method":"task.push","params":{"method":"a.b","params":null,"detach":true}}`},
		{nexus.FunctionTask, on("Query", store.Tasks, store.IndexQueue), `{"id":1,"method":"task.pull","params":{"prefix":"a"}}`},
		{nexus.FunctionTask, on("Query", store.Tasks, ""), `{"id":1,"method":"task.list"}`},
		{nexus.FunctionTask, on("Query", store.Calls, ""), `{"id":1,"method":"task.cancel","params":{"id":7}}`},
		{nexus.FunctionUser, on("PutItem", store.Users, ""), `{"id":1,"method":"user.create","params":{"user":"someone","pass":"secret"}}`},
		{nexus.FunctionUser, on("Query", store.Users, store.IndexDirectory), `{"id":1,"method":"user.list"}`},
		{nexus.FunctionUser, on("DeleteItem", store.Users, ""), `{"id":1,"method":"user.rename","params":{"user":"root","new":"toor"}}`}, // a part of its transaction
		{nexus.FunctionSync, on("Scan", store.Locks, ""), `{"id":1,"method":"sync.list"}`},
		{nexus.FunctionSync, on("GetItem", store.Sessions, ""), `{"id":1,"method":"sync.list"}`},
		{nexus.FunctionPipe, on("PutItem", store.Pipes, ""), `{"id":1,"method":"pipe.create","params":{}}`},
		{nexus.FunctionPipe, on("PutItem", store.Calls, ""), `{"id":1,"method":"pipe.create","params":{}}`},
	} {
		t.Run(c.function+" "+c.missing.String(), func(t *testing.T) {
			answer, log := refused(t, without(c.function, c.missing), c.request)
			if answer != `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}` {
				t.Error(answer)
			}
			missing := c.missing
			missing.Resource = stack.TablePrefix + missing.Resource
			if want := fmt.Sprintf("access denied\" function=%s needs=%q", c.function, missing); !strings.Contains(log, want) {
				t.Errorf("the log has no %s:\n%s", want, log)
			}
			if want := "StatusCode: 400, "; !strings.Contains(log, want) || !strings.Contains(log, "AccessDeniedException") {
				t.Errorf("no AccessDeniedException with %s:\n%s", want, log)
			}
		})
	}
	t.Run("queue", func(t *testing.T) { // the task is stored: whoever finds its deadline passed will tell
		_, log := refused(t, without(nexus.FunctionTask, iam.Need{Service: iam.SQS}),
			`{"id":1,"method":"task.push","params":{"method":"a.b","params":null,"timeout":1,"detach":true}}`)
		for _, want := range []string{"needs=\"sqs:SendMessage on nexus-timer\"", "StatusCode: 403, ", "AccessDenied"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log has no %s:\n%s", want, log)
			}
		}
	})
	t.Run("hashes", func(t *testing.T) { // renaming reads the whole item
		answer, log := refused(t, func(function string) nexus.Rights {
			rights := nexus.RightsOf(function)
			rights.Hashes = rights.Hashes && function != nexus.FunctionUser
			return rights
		}, `{"id":1,"method":"user.rename","params":{"user":"root","new":"toor"}}`)
		if answer != `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}` {
			t.Error(answer)
		}
		if want := "access denied\" function=user needs=\"dynamodb:GetItem on nexus-users\""; !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	})
	t.Run("connections", func(t *testing.T) { // nothing is left to answer with
		answer, log := refused(t, without(nexus.FunctionSync, iam.Need{Service: iam.ExecuteAPI, Resource: http.MethodPost}), `{"id":1,"method":"sync.list"}`)
		if answer != "" {
			t.Error(answer)
		}
		for _, want := range []string{"needs=\"execute-api:ManageConnections on POST\"", "StatusCode: 403, ", "AccessDeniedException"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log has no %s:\n%s", want, log)
			}
		}
	})
}

// refused sends a request of root's to a stack whose functions lack a right. It returns what came within a minute, and the log.
func refused(t *testing.T, rights func(string) nexus.Rights, request string) (answer, log string) {
	t.Helper()
	var lines bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		s, err := stack.Start(t.Context(), stack.Config{Chances: ordered(), Rights: rights, Log: slog.New(slog.NewTextHandler(&lines, nil)), Adjust: cheap})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		conn, err := (&inProcess{s.Gateway}).Dial(t.Context(), "/v1")
		if err != nil {
			t.Fatal(err)
		}
		receive := func() string {
			text, _ := conn.Receive(t.Context())
			return string(text)
		}
		if err := conn.Send([]byte(`{"id":0,"method":"sys.login","params":{"user":"root","pass":"root"}}`)); err != nil {
			t.Fatal(err)
		}
		receive()
		if err := conn.Send([]byte(request)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		// Another function answers whatever happens.
		if err := conn.Send([]byte(`{"id":"ping","method":"sys.ping"}`)); err != nil {
			t.Fatal(err)
		}
		if answer = receive(); strings.Contains(answer, `"ping"`) {
			answer = ""
		}
	})
	return answer, lines.String()
}
