package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// answer is a response of the @connections API.
type answer struct {
	status    int
	errorType string // x-amzn-ErrorType, empty on success
	body      []byte
}

// refusal is an answer in the shape of AWS's JSON protocols, which an SDK turns into the exception named.
func refusal(status int, exception, message string) answer {
	body := fmt.Appendf(nil, `{"__type":%s,"message":%s}`, quote(exception), quote(message))
	return answer{status, exception, body}
}

func forbidden() answer { return refusal(http.StatusForbidden, "ForbiddenException", "Forbidden") }
func gone() answer      { return refusal(http.StatusGone, "GoneException", "Gone") }

// managementPath takes /<stage>/@connections/<id> apart. The id, and by the SDK the @ too, come escaped.
func managementPath(u *url.URL) (stage, id string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	if len(parts) != 3 {
		return "", "", false
	}
	for i, part := range parts {
		p, err := url.PathUnescape(part)
		if err != nil {
			return "", "", false
		}
		parts[i] = p
	}
	return parts[0], parts[2], parts[1] == "@connections" && parts[2] != ""
}

// manage serves one request to the @connections API.
func (g *Gateway) manage(r *http.Request) (answer, error) {
	stage, id, ok := managementPath(r.URL)
	if !ok || !slices.Contains(g.config.Stages, stage) {
		return forbidden(), nil
	}
	switch r.Method {
	case http.MethodPost:
		return g.post(stage, id, r.Body)
	case http.MethodGet:
		return g.get(stage, id), nil
	case http.MethodDelete:
		c := g.lookup(stage, id)
		if c == nil {
			return gone(), nil
		}
		c.end(closeNormal, "", true)
		return answer{status: http.StatusNoContent}, nil
	}
	return forbidden(), nil
}

// post is PostToConnection.
func (g *Gateway) post(stage, id string, body io.Reader) (answer, error) {
	var data []byte
	if body != nil {
		var err error
		if data, err = io.ReadAll(io.LimitReader(body, int64(g.config.MessageLimit)+1)); err != nil {
			return answer{}, fmt.Errorf("gateway: posted data: %w", err)
		}
	}
	switch {
	case len(data) > g.config.MessageLimit:
		return refusal(http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "Message too long"), nil
	case !utf8.Valid(data):
		return refusal(http.StatusBadRequest, "BadRequestException", "The data is not UTF-8"), nil
	}
	c := g.lookup(stage, id)
	if c == nil {
		return gone(), nil
	}
	switch err := c.send(data); {
	case errors.Is(err, ErrBufferFull):
		return refusal(http.StatusTooManyRequests, "LimitExceededException", "The client's buffer is full"), nil
	case err != nil:
		return gone(), nil
	}
	return answer{status: http.StatusOK}, nil
}

// get is GetConnection.
func (g *Gateway) get(stage, id string) answer {
	c := g.lookup(stage, id)
	if c == nil {
		return gone()
	}
	body, err := json.Marshal(struct {
		ConnectedAt  string   `json:"connectedAt"`
		Identity     identity `json:"identity"`
		LastActiveAt string   `json:"lastActiveAt"`
	}{isoTime(c.connectedAt), c.identity, isoTime(c.lastActiveAt())})
	if err != nil { // strings always marshal
		return refusal(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	return answer{status: http.StatusOK, body: body}
}

func (a answer) header(requestID string) http.Header {
	h := http.Header{"X-Amzn-Requestid": {requestID}}
	if len(a.body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	if a.errorType != "" {
		h.Set("X-Amzn-Errortype", a.errorType)
	}
	return h
}

// RoundTrip serves a request to the @connections API in process: it is the transport of an SDK client whose endpoint is any host with the path
// /<stage>. Its only errors are those of the request's own context and body.
func (g *Gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a, err := g.manage(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header(g.config.NewID()),
		Body:          io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}, nil
}

// Management is RoundTrip over HTTP. It checks no signature, which is for who serves it to do: nobody but functions may reach it.
func (g *Gateway) Management() http.Handler { return http.HandlerFunc(g.serveManagement) }

func (g *Gateway) serveManagement(w http.ResponseWriter, r *http.Request) {
	a, err := g.manage(r)
	if err != nil {
		a = refusal(http.StatusBadRequest, "BadRequestException", "The request was cut off")
	}
	for name, values := range a.header(g.config.NewID()) {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller is gone if this fails
}
