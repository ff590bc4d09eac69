package stack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// reader is a connection and when it was sent which messages.
type reader struct {
	mu  sync.Mutex
	got []string
	at  []time.Time
}

// Send implements gateway.Transport.
func (r *reader) Send(text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got, r.at = append(r.got, string(text)), append(r.at, time.Now())
	return nil
}

// Close implements gateway.Transport.
func (*reader) Close(int, string) {}

// TestTenThousandSubscribers: a publication that more pipes wait for than one invocation reaches goes on with the next, though the end of one is
// lost, each pipe gets it once, and the posts keep the rate that is set.
func TestTenThousandSubscribers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const subscribers, rate = 10_000, 500
		var invocations atomic.Int64
		s := start(t, stack.Config{Chances: ordered(), Env: map[string]string{handler.EnvFanoutRate: fmt.Sprint(rate)},
			Invoke: func(next stack.Invoke) stack.Invoke {
				return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
					out, err := next(ctx, function, payload)
					if function == nexus.FunctionStream && strings.Contains(string(payload), "NEW_IMAGE") && invocations.Add(1) == 1 {
						return nil, errors.New("lost")
					}
					return out, err
				}
			}})
		r := &reader{}
		conn, err := s.Gateway.Connect(t.Context(), nexus.V0, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, r)
		if err != nil {
			t.Fatal(err)
		}
		send := func(text string) {
			conn.Receive([]byte(text))
			synctest.Wait()
		}
		send(`{"id":"login","method":"sys.login","params":{"user":"root","pass":"root"}}`)
		send(`{"id":"pipe","method":"pipe.create"}`)
		pipeid := strings.TrimSuffix(r.got[1][strings.Index(r.got[1], `"pipeid":"`)+len(`"pipeid":"`):], `"}}`)
		send(`{"id":"read","method":"pipe.read","params":{"pipeid":"` + pipeid + `"}}`)
		subscribe(t, s, pipeid, subscribers)
		r.got, r.at = nil, nil
		began := time.Now()
		send(`{"id":"pub","method":"topic.pub","params":{"topic":"news","msg":"extra"}}`)
		<-time.After(time.Minute)
		synctest.Wait()

		ids := map[string]int{}
		for n, text := range r.got {
			id, rest, _ := strings.Cut(strings.TrimPrefix(text, `{"jsonrpc":"2.0","id":`), ",")
			ids[id]++
			if id != `"pub"` && rest != `"result":{"waiting":0,"drops":0,"msgs":[{"msg":{"topic":"news","msg":"extra"},"count":1}]}}` {
				t.Fatalf("message %d: %s", n, text)
			}
			if n >= rate+1 && r.at[n].Sub(r.at[n-rate-1]) < time.Second { // the publisher's answer is not a fan-out's
				t.Fatalf("more than %d posts within %s", rate, r.at[n].Sub(r.at[n-rate-1]))
			}
		}
		if len(ids) != subscribers+1 || len(r.got) != subscribers+1 {
			t.Errorf("%d answers to %d requests, want %d", len(r.got), len(ids), subscribers+1)
		}
		if n, took := invocations.Load(), r.at[len(r.at)-1].Sub(began); n < 4 || took < 19*time.Second || took > 30*time.Second {
			t.Errorf("%d invocations took %s", n, took)
		}
	})
}

// subscribe makes copies of a pipe that is read, each for a request of its own, and subscribes them.
func subscribe(t *testing.T, s *stack.Stack, pipeid string, n int) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{Region: stack.Region, HTTPClient: &http.Client{Transport: s.Engine},
		BaseEndpoint: aws.String("http://local.invalid"), Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	meta, err := store.New(client, stack.TablePrefix, nil).Get(t.Context(), store.Pipes, store.Item{"pipeid": store.S(pipeid), "row": store.S("meta")})
	if err != nil {
		t.Fatal(err)
	}
	var pipes, topics []types.WriteRequest
	wait := meta["waits"].(*types.AttributeValueMemberL).Value[0].(*types.AttributeValueMemberM).Value
	for n := range n {
		id := store.S(fmt.Sprintf("%026d", n))
		copied, again := maps.Clone(meta), maps.Clone(wait)
		again["i"] = store.S(fmt.Sprint(n))
		copied["pipeid"], copied["waits"] = id, &types.AttributeValueMemberL{Value: []types.AttributeValue{store.M(again)}}
		pipes = append(pipes, types.WriteRequest{PutRequest: &types.PutRequest{Item: copied}})
		topics = append(topics, types.WriteRequest{PutRequest: &types.PutRequest{Item: store.Item{"part": store.S("s#news"), "row": id, "exp": meta["exp"]}}})
	}
	const most = 12 // of each, as 25 are of a request
	for n := 0; n < len(pipes); n += most {
		end := min(n+most, len(pipes))
		if _, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
			stack.TablePrefix + store.Pipes: pipes[n:end], stack.TablePrefix + store.Topics: topics[n:end]}}); err != nil {
			t.Fatal(err)
		}
	}
}
