package stack_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// roundtrip is what each request of a function takes.
const roundtrip = 5 * time.Millisecond

func taking(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if err := transcript.Sleep(r.Context(), roundtrip); err != nil {
			return nil, err
		}
		return next.RoundTrip(r)
	})
}

// person is a client who notes when each of its requests was answered, and reads or does not.
type person struct {
	t    *testing.T
	conn *gateway.Conn

	mu      sync.Mutex
	deaf    bool
	closed  time.Time
	refused int
	got     map[string]time.Time // by JSON-RPC id
	text    map[string]string
	n       int
}

// said is the answer to a request, empty if there is none yet.
func (p *person) said(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text[id]
}

func connect(t *testing.T, s *stack.Stack) *person {
	t.Helper()
	p := &person{t: t, got: map[string]time.Time{}, text: map[string]string{}}
	conn, err := s.Gateway.Connect(t.Context(), nexus.V1, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, p)
	if err != nil {
		t.Fatal(err)
	}
	p.conn = conn
	p.ask(`"sys.login","params":{"user":"root","pass":"root"}`)
	return p
}

// Send implements gateway.Transport.
func (p *person) Send(text []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		p.refused++
		return gateway.ErrBufferFull
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(string(text), `{"jsonrpc":"2.0","id":`), ",")
	p.got[id], p.text[id] = time.Now(), string(text)
	return nil
}

// Close implements gateway.Transport.
func (p *person) Close(int, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = time.Now()
}

// send sends a request, and returns its id.
func (p *person) send(method string) string {
	p.n++
	id := fmt.Sprint(p.n)
	p.conn.Receive([]byte(`{"id":` + id + `,"method":` + method + `}`))
	return id
}

// ask sends a request and waits for the answer.
func (p *person) ask(method string) string {
	p.t.Helper()
	id := p.send(method)
	for range 1000 {
		<-time.After(10 * time.Millisecond)
		p.mu.Lock()
		text := p.text[id]
		p.mu.Unlock()
		if text != "" {
			return text
		}
	}
	p.t.Fatalf("%s was not answered", method)
	return ""
}

func (p *person) stopReading() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = true
}

// push pushes a task that nobody serves, with a time-out in seconds.
func (p *person) push(method string, seconds int) string {
	return p.send(fmt.Sprintf(`"task.push","params":{"method":%q,"params":null,"timeout":%d}`, method, seconds))
}

// pipe creates a pipe and returns its id.
func (p *person) pipe() string {
	p.t.Helper()
	_, id, _ := strings.Cut(p.ask(`"pipe.create"`), `"pipeid":"`)
	return strings.TrimSuffix(id, `"}}`)
}

// answered returns when a request was answered; the zero time where it was not.
func (p *person) answered(id string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[id]
}

// open reports whether the connection is.
func (p *person) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed.IsZero()
}

// dead counts the dead letters.
func dead(t *testing.T, s *stack.Stack) string {
	t.Helper()
	const messages = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := s.Sources.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(s.Env[handler.EnvDeadLetters]),
		AttributeNames: []types.QueueAttributeName{messages}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes[string(messages)]
}

// hangs has the posts to connections in a set get no answer, as long as their client waits.
type hangs struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (h *hangs) add(p *person) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids[p.conn.ID()] = true
}

func (h *hangs) wire(next http.RoundTripper) http.RoundTripper {
	next = taking(next)
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		_, id, manage := strings.Cut(r.URL.Path, "/@connections/")
		h.mu.Lock()
		hung := manage && h.ids[id]
		h.mu.Unlock()
		if !hung {
			return next.RoundTrip(r)
		}
		if err := transcript.Sleep(r.Context(), handler.AttemptTimeout); err != nil {
			return nil, err
		}
		return nil, context.DeadlineExceeded // as the functions' client gives up an attempt
	})
}

// TestOneWhoTakesNothingStopsNobodysDeadlines: strangers who do not read, or whose connections hang, push, pull and read at thirty calls a second together,
// and are owed answers of all kinds; whatever time-out another session has, its answer comes within 5 s of it. The streams are read as a deployment does, one
// batch at a time.
func TestOneWhoTakesNothingStopsNobodysDeadlines(t *testing.T) {
	for _, how := range []string{"does not read", "hangs"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hung := &hangs{ids: map[string]bool{}}
				s := start(t, stack.Config{Chances: ordered(), Wire: hung.wire, Adjust: func(set *nexus.Settings) { set.PostLimit = handler.PostLimit }})
				flood := func(until time.Time) {
					for n := 0; time.Now().Before(until); n++ { // one who is closed comes again
						p := connect(t, s)
						pipe := p.pipe()
						if p.stopReading(); how == "hangs" {
							hung.add(p)
						}
						for ; time.Now().Before(until) && p.open(); n++ {
							switch n % 4 {
							case 0:
								p.push("nobody.serves", 10)
							case 1:
								p.push("nobody.serves", 70)
							case 2:
								p.send(`"task.pull","params":{"prefix":"nobody.pushes","timeout":15}`)
							case 3:
								p.send(`"pipe.read","params":{"pipeid":"` + pipe + `","timeout":20}`)
							}
							<-time.After(time.Second / 15)
						}
					}
				}
				end := time.Now().Add(92 * time.Second)
				var floods sync.WaitGroup
				for range 2 {
					floods.Go(func() { flood(end) })
				}
				<-time.After(20 * time.Second)
				other := connect(t, s)
				pipe := other.pipe()
				began := time.Now()
				due := map[string]int{}
				for _, seconds := range []int{1, 20, 50, 65} {
					due[other.push("other.serves", seconds)] = seconds
					due[other.send(fmt.Sprintf(`"task.pull","params":{"prefix":"other.pushes","timeout":%d}`, seconds))] = seconds
					due[other.send(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"timeout":%d}`, pipe, seconds))] = seconds
				}
				floods.Wait()
				for id, seconds := range due {
					at, want := other.answered(id), time.Duration(seconds)*time.Second
					if late := at.Sub(began) - want; at.IsZero() || late < 0 || late > 5*time.Second {
						t.Errorf("the time-out of %s was answered after %s", want, at.Sub(began))
					}
				}
				if n := dead(t, s); n != "0" {
					t.Errorf("%s dead letters", n)
				}
			})
		})
	}
}

// TestOneWhoTakesNothingSlowsNoTopic: subscribers who do not read, or whose connections hang, with many pipes and many waiting reads, delay no message to
// another subscriber by more than a second; those who do not read, by half a second. Without Hasty in the fan-out the slowest message took 1.3 s where they do
// not read and 4.7 s where they hang; where besides nothing was remembered of who takes nothing, so that each post had its five attempts with pauses, or three
// that hang for a second, 2.9 s and 4.8 s. Now it takes 0.2 s and 0.8 s.
func TestOneWhoTakesNothingSlowsNoTopic(t *testing.T) {
	for how, test := range map[string]struct {
		pipes int // of each of three
		delay time.Duration
	}{
		"does not read": {100, time.Second / 2},
		"hangs":         {20, time.Second},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hung := &hangs{ids: map[string]bool{}}
				s := start(t, stack.Config{Chances: ordered(), Wire: hung.wire, Adjust: func(set *nexus.Settings) { set.PostLimit = handler.PostLimit }})
				for range 3 {
					p := connect(t, s)
					for range test.pipes {
						pipe := p.pipe()
						p.ask(fmt.Sprintf(`"topic.sub","params":{"pipeid":%q,"topic":"news"}`, pipe))
						for range 8 {
							p.send(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"max":1}`, pipe))
						}
					}
					<-time.After(time.Second)
					if p.stopReading(); how == "hangs" {
						hung.add(p)
					}
				}
				reader, publisher := connect(t, s), connect(t, s)
				pipe := reader.pipe()
				reader.ask(fmt.Sprintf(`"topic.sub","params":{"pipeid":%q,"topic":"news"}`, pipe))
				var slowest time.Duration
				for n := range 12 {
					id := reader.send(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q}`, pipe))
					<-time.After(250 * time.Millisecond)
					began := time.Now()
					publisher.ask(fmt.Sprintf(`"topic.pub","params":{"topic":"news","msg":%d}`, n))
					for reader.answered(id).IsZero() && time.Since(began) < 20*time.Second {
						<-time.After(2 * time.Second)
					}
					at := reader.answered(id)
					if at.IsZero() {
						t.Fatalf("message %d did not come", n)
					}
					slowest = max(slowest, at.Sub(began))
				}
				if t.Logf("the slowest message took %v", slowest); slowest > test.delay+hop {
					t.Errorf("a message came after %v", slowest)
				}
			})
		})
	}
}

// hop is how long a publication without slow subscribers takes to a reader: the stream is asked four times a second, and some requests follow.
const hop = 400 * time.Millisecond
