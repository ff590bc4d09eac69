package harness

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
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

// begin forgets what starting needed.
func (w *wire) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began, w.seen = true, nil
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
	if f.stray != nil {
		w.hold(f.stray, h, r, body)
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

// hold keeps a request that is carried out later.
func (w *wire) hold(f *fault, h *http.Request, r request, body []byte) {
	h = h.Clone(context.WithoutCancel(h.Context()))
	h.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	f.sent = append(f.sent, func() error {
		response, err := w.next.RoundTrip(h)
		if err != nil {
			return err
		}
		w.keep(r.operation, body)
		return response.Body.Close()
	})
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
