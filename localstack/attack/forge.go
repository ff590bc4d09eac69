package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// forge is finding 6: whoever reaches the clients' port answers anybody in the bus's name, by API Gateway's own @connections. It counts the ways.
func forge(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	m, err := t.make(ctx, root, nil)
	if err != nil {
		return got{}, err
	}
	web := "http" + strings.TrimPrefix(t.url, "ws")
	var worked []string
	for _, way := range []struct{ name, method, path, host string }{
		{"POST", http.MethodPost, "/v0/@connections/", ""},
		{"POST escaped", http.MethodPost, "/v0/%40connections/", ""},
		{"POST with two slashes", http.MethodPost, "//v0/@connections/", ""},
		{"POST by another name", http.MethodPost, "/v0/@connections/", "local.execute-api.us-east-1.amazonaws.com"},
		{"POST without a stage", http.MethodPost, "/@connections/", ""},
		{"GET", http.MethodGet, "/v0/@connections/", ""},
		{"DELETE", http.MethodDelete, "/v0/@connections/", ""},
	} {
		victim, err := t.open(ctx)
		if err != nil {
			return got{}, err
		}
		a, err := victim.call(ctx, "login", "sys.login", object{"user": m.user, "pass": m.pass})
		if err != nil {
			return got{}, err
		}
		id := field(a.Result, "connid")[8:] // after the node's digits
		ok, err := reached(ctx, way.method, web+way.path+url.PathEscape(id), way.host)
		if err != nil {
			return got{}, err
		}
		if ok && (way.method != http.MethodPost || forged(ctx, victim)) {
			worked = append(worked, way.name)
		}
		_ = victim.CloseNow()
	}
	return got{value: float64(len(worked)), note: words(worked)}, nil
}

// lie is the forged answer.
const lie = `{"jsonrpc":"2.0","id":"ping","result":"a lie"}`

// reached sends a request to @connections, unsigned, and reports whether it was carried out.
func reached(ctx context.Context, method, to, host string) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewBufferString(lie))
	if err != nil {
		return false, err
	}
	if host != "" {
		r.Host = host
	}
	res, err := from(stranger, false).Do(r)
	if err != nil {
		return false, nil // it does not even answer
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode < 300, nil
}

// forged reports whether the victim takes the lie for the answer to its next call.
func forged(ctx context.Context, victim *socket) bool {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	a, err := victim.call(ctx, "ping", "sys.ping", nil)
	return err == nil && string(a.Result) == `"a lie"`
}

// origins is finding 6's other half: any page of the web opens the socket and logs in with the password that everybody knows. It counts the pages.
func origins(ctx context.Context, t *target) (got, error) {
	port := t.url[strings.LastIndexByte(t.url, ':'):]
	var worked []string
	for _, page := range []struct{ name, origin, host string }{
		{"another site", "https://evil.example", ""},
		{"a site on the same port", "http://evil.example" + port, ""},
		{"a sandboxed frame", "null", ""},
		{"a site whose name begins so", "http://127.0.0.1.evil.example" + port, ""},
		{"a name that was made to point here", "http://evil.example" + port, "evil.example" + port},
	} {
		conn, _, err := websocket.Dial(ctx, t.url+"/v0", &websocket.DialOptions{HTTPClient: from("", false), Host: page.host,
			HTTPHeader: http.Header{"Origin": {page.origin}}})
		if err != nil {
			continue
		}
		a, err := (&socket{conn}).call(ctx, "login", "sys.login", object{"user": t.user, "pass": t.pass})
		if err == nil && a.Error == nil {
			worked = append(worked, page.name)
		}
		_ = conn.CloseNow()
	}
	return got{value: float64(len(worked)), note: words(worked)}, nil
}
