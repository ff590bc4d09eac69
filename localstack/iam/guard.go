package iam

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"nexus/localstack/lambda"
)

// Guard lets pass what functions have the rights for.
type Guard struct {
	// Allows tells whether a function's role has a right. It must be safe for concurrent use.
	Allows func(function string, n Need) bool
	// Withheld names the attribute of a table that a function must not read, by a need to read items; empty if there is none. It must be safe for
	// concurrent use, and may be nil.
	Withheld func(function string, n Need) string
	// Key finds what a function in a process of its own signs with, by the id of the access key, which is the function's name. Without it nobody is known.
	Key Key
	// Log takes each refusal as an error: a role is wrong, or a function is.
	Log *slog.Logger
}

// RoundTripper guards the requests of functions in this process: the context of each descends from an invocation's. Others pass.
func (g *Guard) RoundTripper(next http.RoundTripper) http.RoundTripper { return &transport{g, next} }

type transport struct {
	guard *Guard
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	function := lambda.FunctionName(r.Context())
	if function == "" {
		return t.next.RoundTrip(r)
	}
	var body []byte
	if r.Body != nil && r.Header.Get("X-Amz-Target") != "" {
		var err error
		if body, err = whole(r.Body); err != nil {
			return nil, err
		}
		r = r.WithContext(r.Context()) // a copy: a transport leaves its request as it is
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	refused, err := t.guard.judge(function, r, body)
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return refused.response(r), nil
	}
	return t.next.RoundTrip(r)
}

// Handler guards the requests of functions in processes of their own: each signs with an access key whose id is the function's name. What is not signed, or not
// by the key named, is refused as each service of AWS refuses it.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := whole(r.Body)
		if err != nil {
			g.Log.Error("refused", "error", err)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		function, no := g.authenticate(r, body)
		if no != nil {
			g.Log.Error("refused", "error", no.Exception, "path", r.URL.Path)
			deny(r, *no).write(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		refused, err := g.judge(function, r, body)
		switch {
		case err != nil:
			g.Log.Error("refused", "error", err)
			http.Error(w, err.Error(), http.StatusBadRequest)
		case refused != nil:
			refused.write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// maxBody bounds a request's body as the embedded DynamoDB does, which takes longer ones than the others: 16 MB of a batch, and its JSON.
const maxBody = 64 << 20

// whole reads a request's body.
func whole(from io.ReadCloser) ([]byte, error) {
	if from == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(from, maxBody+1))
	_ = from.Close() // it was read
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("iam: a request of more than %d bytes", maxBody)
	}
	return body, err
}

// judge tells how a request with a body is refused; nil if it is not. The error is of a request that cannot be judged, and must not go on.
func (g *Guard) judge(function string, r *http.Request, body []byte) (*refusal, error) {
	needs, err := Needs(r, body)
	if err != nil {
		return nil, err
	}
	for _, n := range needs {
		allowed := g.Allows(function, n)
		if allowed && g.Withheld != nil {
			if attribute := g.Withheld(function, n); attribute != "" {
				reads, err := n.reads(body, attribute)
				if err != nil {
					return nil, err
				}
				allowed = !reads
			}
		}
		if !allowed {
			g.Log.Error("access denied", "function", function, "needs", n.String())
			no := refuse(function, n)
			return &no, nil
		}
	}
	return nil, nil
}
