package harness

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is the way of all requests of the bus.
type wire struct {
	next http.RoundTripper
	now  func() time.Time

	mu       sync.Mutex
	began    bool // the stack has started
	seen     []request
	faults   []*fault
	messages []Message
}

// request is a request as On sees it.
type request struct{ operation, text string }

// sort is what a fault does.
type sort int

const (
	run sort = iota
	fail
	then
	lose
)

// fault is what becomes of the next times requests of a kind.
type fault struct {
	kind  Kind
	times int
	sort  sort
	do    func() // of run and then
}

// fate is what becomes of one request.
type fate struct {
	run, then  func()
	fail, lose bool
}

// Kind is a kind of requests: what On names.
type Kind struct {
	h         *Harness
	operation string
	with      []string
}

// On names the requests of the bus of an operation, as UpdateItem, SendMessage or PostToConnection, that hold all of some texts. What is searched
// is the request's body; for @connections, which have the message as their body, the connection's id in API Gateway before it. The body of a
// request to a table names it as "nexus-tasks".
func (h *Harness) On(operation string, with ...string) Kind { return Kind{h, operation, with} }

// With names those of the requests that also hold some more texts.
func (k Kind) With(texts ...string) Kind {
	k.with = slices.Concat(k.with, texts)
	return k
}

func (k Kind) matches(r request) bool {
	if r.operation != k.operation {
		return false
	}
	for _, w := range k.with {
		if !strings.Contains(r.text, w) {
			return false
		}
	}
	return true
}

// Count is how many such requests there were, from the test's beginning on, attempts that failed included.
func (k Kind) Count() int {
	k.h.wire.mu.Lock()
	defer k.h.wire.mu.Unlock()
	n := 0
	for _, r := range k.h.wire.seen {
		if k.matches(r) {
			n++
		}
	}
	return n
}

// Lose has the next n such requests carried out and their responses lost. The SDK repeats a request up to handler.Attempts times. A request meets
// the oldest fault of each sort that is for it, in the order Run, Fail, Then, Lose. A test fails that ends before its faults came about.
func (k Kind) Lose(n int) { k.add(&fault{times: n, sort: lose}) }

// Fail loses the next n such requests on their way there.
func (k Kind) Fail(n int) { k.add(&fault{times: n, sort: fail}) }

// Run runs f ahead of the next such request, in the goroutine that sent it. If f ends the request's context the request is not carried out.
func (k Kind) Run(f func()) { k.add(&fault{times: 1, sort: run, do: f}) }

// Then runs f when the next such request was carried out, before its response is seen. If f ends the request's context it never is.
func (k Kind) Then(f func()) { k.add(&fault{times: 1, sort: then, do: f}) }

func (k Kind) add(f *fault) {
	k.h.wire.mu.Lock()
	defer k.h.wire.mu.Unlock()
	f.kind = k
	k.h.wire.faults = append(k.h.wire.faults, f)
}

// begin forgets what starting needed.
func (w *wire) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began, w.seen = true, nil
}

// check reports faults that did not come about.
func (w *wire) check(t *testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if !t.Failed() {
			t.Errorf("%d requests %s %q were still to be disturbed", f.times, f.kind.operation, f.kind.with)
		}
	}
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(h *http.Request) (*http.Response, error) {
	var body []byte
	if h.Body != nil {
		var err error
		if body, err = io.ReadAll(h.Body); err != nil {
			return nil, err
		}
		h.Body = io.NopCloser(bytes.NewReader(body))
	}
	r := name(h, body)
	f := w.meet(r)
	if f.run != nil {
		f.run()
	}
	if err := h.Context().Err(); err != nil {
		return nil, err
	}
	if f.fail {
		return nil, io.ErrUnexpectedEOF
	}
	response, err := w.next.RoundTrip(h)
	if err != nil {
		return nil, err
	}
	w.keep(r.operation, body)
	if f.then != nil {
		f.then()
	}
	if f.lose {
		return nil, io.ErrUnexpectedEOF
	}
	return response, h.Context().Err()
}

// meet notes a request and returns what becomes of it.
func (w *wire) meet(r request) fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.began {
		return fate{}
	}
	w.seen = append(w.seen, r)
	var all fate
	met := map[sort]bool{}
	w.faults = slices.DeleteFunc(w.faults, func(f *fault) bool {
		if met[f.sort] || !f.kind.matches(r) {
			return false
		}
		met[f.sort] = true
		switch f.sort {
		case run:
			all.run = f.do
		case fail:
			all.fail = true
		case then:
			all.then = f.do
		case lose:
			all.lose = true
		}
		f.times--
		return f.times < 1
	})
	return all
}

// management names the operations of the @connections API, which are told apart by the HTTP method.
var management = map[string]string{http.MethodPost: "PostToConnection", http.MethodGet: "GetConnection", http.MethodDelete: "DeleteConnection"}

func name(h *http.Request, body []byte) request {
	if _, operation, ok := strings.Cut(h.Header.Get("X-Amz-Target"), "."); ok {
		return request{operation, string(body)}
	}
	path := h.URL.EscapedPath()
	id, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		id = path
	}
	return request{management[h.Method], id + " " + string(body)}
}
