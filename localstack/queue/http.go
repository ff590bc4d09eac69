package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	contentType  = "application/x-amz-json-1.0"
	targetPrefix = "AmazonSQS."
	maxRequest   = 8 << 20 // bytes; a batch of 1 MiB grows at most sixfold when its JSON is escaped
)

// RoundTrip implements http.RoundTripper: the service as a client's transport, whatever the URL. It returns an error only where a request's context
// ended or its body cannot be read.
func (s *Service) RoundTrip(r *http.Request) (*http.Response, error) {
	base := r.URL.Scheme + "://" + r.URL.Host
	header, status, body, err := s.serve(r, base)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header, status, body, err := s.serve(r, "http://"+r.Host)
	if err != nil {
		return // the client is gone
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) // nobody is left to tell of an error
}

// serve answers a request. Its error is of the transport, not of the API.
func (s *Service) serve(r *http.Request, base string) (header http.Header, status int, body []byte, err error) {
	var request []byte
	if r.Body != nil {
		request, err = io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
		r.Body.Close()
		if err != nil {
			return nil, 0, nil, err
		}
	}
	header = http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {s.newID()}}
	out, err := s.dispatch(r, base, request)
	var e *apiError
	switch {
	case errors.As(err, &e):
		header.Set("X-Amzn-Query-Error", e.kind.queryCode+";Sender")
		status, out = e.kind.status, errorBody{e.kind.shape, e.message}
	case err != nil:
		return nil, 0, nil, err
	default:
		status = http.StatusOK
	}
	if out != nil {
		if body, err = json.Marshal(out); err != nil {
			return nil, 0, nil, err
		}
	}
	return header, status, body, nil
}

type errorBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (s *Service) dispatch(r *http.Request, base string, request []byte) (any, error) {
	if len(request) > maxRequest {
		return nil, errSerialization.with("The request is longer than %d bytes.", maxRequest)
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	op := operations[name]
	if !ok || op == nil {
		return nil, errUnknownOperation.with("The operation %q is not implemented by the local stack's SQS, which speaks the JSON protocol only.",
			r.Header.Get("X-Amz-Target"))
	}
	if err := context.Cause(r.Context()); err != nil {
		return nil, err
	}
	return op(&call{s, r.Context(), base}, request)
}

// decoded makes an operation of a typed method. A parameter that the type lacks is refused by name.
func decoded[In any](method func(*call, *In) (any, error)) operation {
	return func(c *call, body []byte) (any, error) {
		in := new(In)
		if len(body) > 0 {
			d := json.NewDecoder(bytes.NewReader(body))
			d.DisallowUnknownFields()
			if err := d.Decode(in); err != nil {
				if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
					return nil, notImplemented("The parameter " + name)
				}
				return nil, errSerialization.with("%s", strings.TrimPrefix(err.Error(), "json: "))
			}
		}
		return method(c, in)
	}
}
