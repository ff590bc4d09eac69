package iam

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"nexus/localstack/lambda"
)

// Guard lets pass what functions have the rights for.
type Guard struct {
	// Allows tells whether a function's role has a right. It must be safe for concurrent use.
	Allows func(function string, n Need) bool
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
	r, refused, err := t.guard.judge(function, r)
	if err != nil {
		return nil, err
	}
	if refused != nil {
		return refused.response(r), nil
	}
	return t.next.RoundTrip(r)
}

// Handler guards the requests of functions in processes of their own: each signs with an access key whose id is the function's name. What nobody has
// signed is a function's without a name, which has no rights.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, refused, err := g.judge(signer(r.Header.Get("Authorization")), r)
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

// signer is the access key id of a signature, from its credential scope: AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/….
func signer(authorization string) string {
	_, scope, _ := strings.Cut(authorization, "Credential=")
	id, _, _ := strings.Cut(scope, "/")
	return id
}

// maxBody bounds a request's body as the embedded DynamoDB does, which takes longer ones than the others: 16 MB of a batch, and its JSON.
const maxBody = 64 << 20

// judge returns a request as it is to go on, or how it is refused. The error is of a request that cannot be judged, and must not go on.
func (g *Guard) judge(function string, r *http.Request) (*http.Request, *refusal, error) {
	var body []byte
	if r.Body != nil && r.Header.Get("X-Amz-Target") != "" {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		_ = r.Body.Close() // it was read
		if err == nil && len(body) > maxBody {
			err = fmt.Errorf("iam: a request of more than %d bytes", maxBody)
		}
		if err != nil {
			return r, nil, err
		}
		r = r.WithContext(r.Context()) // a copy: a transport leaves its request as it is
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	needs, err := Needs(r, body)
	if err != nil {
		return r, nil, err
	}
	for _, n := range needs {
		if !g.Allows(function, n) {
			g.Log.Error("access denied", "function", function, "needs", n.String())
			no := refuse(function, n)
			return r, &no, nil
		}
	}
	return r, nil, nil
}
