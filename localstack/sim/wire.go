package sim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"nexus/localstack/stack"
)

// request is a request of a handler, parked until the seed says what becomes of it.
type request struct {
	inv    *invocation
	op     string // as PutItem, SendMessage; of @connections the HTTP method
	target string // the table, or the connection's id at API Gateway
	body   []byte
	http   *http.Request
	parked time.Time
	answer chan response

	canonical string // see text
}

type response struct {
	http *http.Response
	err  error
}

// text is the body with its members in order: SDKs write maps in any.
func (r *request) text() string {
	if r.canonical == "" {
		var v any
		r.canonical = string(r.body)
		if json.Unmarshal(r.body, &v) == nil {
			if b, err := json.Marshal(v); err == nil {
				r.canonical = string(b)
			}
		}
	}
	return r.canonical
}

// before orders parked requests by what they are: the goroutines of a handler park in any order.
func (r *request) before(o *request) int {
	if c := cmp.Or(cmp.Compare(r.inv.n, o.inv.n), cmp.Compare(r.op, o.op), cmp.Compare(r.target, o.target)); c != 0 {
		return c
	}
	return cmp.Compare(r.text(), o.text())
}

// wire is where the functions' requests park.
type wire struct {
	next http.RoundTripper
	over chan struct{}
	hold func(r *request, park func()) // parks a request, now or later

	mu     sync.Mutex
	parked []*request
	fresh  bool // parked is not in order
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(h *http.Request) (*http.Response, error) {
	inv := invocationOf(h.Context())
	if inv == nil { // the stack is starting
		return w.next.RoundTrip(h)
	}
	var body []byte
	if h.Body != nil {
		var err error
		if body, err = io.ReadAll(h.Body); err != nil {
			return nil, err
		}
	}
	r := &request{inv: inv, body: body, http: h, answer: make(chan response, 1)}
	r.name()
	w.hold(r, func() { w.park(r) })
	select {
	case a := <-r.answer:
		return a.http, a.err
	case <-w.over:
		return nil, errOver
	}
}

// park has a request wait for the seed.
func (w *wire) park(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.parked = time.Now()
	w.parked, w.fresh = append(w.parked, r), true
}

// name finds out what a request is.
func (r *request) name() {
	if _, op, ok := strings.Cut(r.http.Header.Get("X-Amz-Target"), "."); ok {
		r.op = op
		if _, after, ok := bytes.Cut(r.body, []byte(`"`+stack.TablePrefix)); ok && strings.HasPrefix(r.http.Header.Get("X-Amz-Target"), "DynamoDB") {
			table, _, _ := bytes.Cut(after, []byte(`"`))
			r.target = string(table)
		}
		return
	}
	r.op = r.http.Method
	path := r.http.URL.EscapedPath()
	r.target, _ = url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
}

// waiting returns the parked requests in their order.
func (w *wire) waiting() []*request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fresh {
		slices.SortFunc(w.parked, (*request).before)
		w.fresh = false
	}
	return w.parked
}

// remove takes a request out, to be answered or not.
func (w *wire) remove(r *request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = slices.DeleteFunc(w.parked, func(o *request) bool { return o == r })
}

// take removes all requests of an invocation, in their order.
func (w *wire) take(inv *invocation) []*request {
	var taken []*request
	for _, r := range slices.Clone(w.waiting()) {
		if r.inv == inv {
			taken = append(taken, r)
			w.remove(r)
		}
	}
	return taken
}

// send gives a request to the service.
func (w *wire) send(r *request) response {
	request := r.http.WithContext(context.Background()) // it may arrive when its handler is over
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	h, err := w.next.RoundTrip(request)
	return response{h, err}
}

func (a response) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("%d %s", a.http.StatusCode, a.http.Header.Get("X-Amzn-Errortype"))
}

// edited changes what a response says.
func (a response) edited(edit func([]byte) []byte) response {
	if a.err != nil {
		return a
	}
	body, err := io.ReadAll(a.http.Body)
	if err != nil {
		return response{err: err}
	}
	body = edit(body)
	a.http.Body, a.http.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	for _, name := range []string{"Content-Length", "X-Amz-Crc32"} {
		a.http.Header.Del(name)
	}
	return a
}
