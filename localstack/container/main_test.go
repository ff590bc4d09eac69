package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"nexus/localstack/emulator"
	"nexus/pkg/handler"
)

// fake answers as LocalStack does to what is asked here: it has functions, two to a page.
type fake struct {
	t         *testing.T
	functions []configuration
}

// ServeHTTP implements http.Handler.
func (l *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	name, isFunction := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/configuration")
	switch {
	case r.Method == http.MethodPut && isFunction && strings.Contains(r.Header.Get("Authorization"), "/lambda/"):
		var in configuration
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			l.t.Error(err)
		}
		for i := range l.functions {
			if l.functions[i].FunctionName == name {
				l.functions[i].Environment = in.Environment
			}
		}
		answer = in
	case r.Method == http.MethodGet && r.URL.Path == "/2015-03-31/functions/":
		if r.URL.Query().Get("Marker") == "" {
			answer = map[string]any{"Functions": l.functions[:2], "NextMarker": "more"}
		} else {
			answer = map[string]any{"Functions": l.functions[2:]}
		}
	default:
		http.Error(w, r.Method+r.URL.Path, http.StatusNotImplemented)
		return
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		l.t.Error(err)
	}
}

func function(name string, variables ...string) configuration {
	c := configuration{FunctionName: name}
	c.Environment.Variables = map[string]string{"KEPT": name}
	for i := 0; i < len(variables); i += 2 {
		c.Environment.Variables[variables[i]] = variables[i+1]
	}
	return c
}

func TestFunctionsAreToldOfConnections(t *testing.T) {
	const was = "https://abc123.execute-api.us-east-1.amazonaws.com/"
	ls := &fake{t: t, functions: []configuration{
		function("nexus-task", handler.EnvCallbackV0, was+"v0", handler.EnvCallbackV1, was+"v1"),
		function("nexus-setup"),
		function("nexus-pipe", handler.EnvCallbackV0, was+"v0", handler.EnvCallbackV1, was+"v1"),
		function("other-task", handler.EnvCallbackV0, "https://other.execute-api.us-east-1.amazonaws.com/v0"),
	}}
	server := httptest.NewServer(ls)
	defer server.Close()
	e := localStack{emulator.Emulator{URL: server.URL}}
	const is = "http://there:4566/_aws/execute-api/abc123/"
	want := []configuration{
		function("nexus-task", handler.EnvCallbackV0, is+"v0", handler.EnvCallbackV1, is+"v1"),
		function("nexus-setup"),
		function("nexus-pipe", handler.EnvCallbackV0, is+"v0", handler.EnvCallbackV1, is+"v1"),
		ls.functions[3],
	}
	for range 2 { // a second deployment finds them told
		if err := e.redirect(t.Context(), "http://there:4566", "abc123"); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(ls.functions, want) {
			t.Errorf("%v\nwant %v", ls.functions, want)
		}
	}
	if err := e.redirect(t.Context(), "http://there:4566", "nosuch"); err == nil {
		t.Error("an API that no function posts to")
	}
	e.URL += "/nosuch"
	if err := e.redirect(t.Context(), "", "abc123"); err == nil || !strings.Contains(err.Error(), "501") {
		t.Errorf("an error is not told: %v", err)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	none := func(string) string { return "" }
	err := prerequisites(t.Context(), true, none)
	for _, want := range []string{"npx", "docker", "LOCALSTACK_AUTH_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named: %v", want, err)
		}
	}
	if err := prerequisites(t.Context(), false, none); err == nil || strings.Contains(err.Error(), "docker") {
		t.Errorf("without a container: %v", err)
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]error{"": flag.ErrHelp, "nosuch": flag.ErrHelp, "-nosuch deploy": flag.ErrHelp, "test -endpoint x": flag.ErrHelp} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); !errors.Is(err, want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	for args, want := range map[string]string{"-patience 1m deploy": "-patience is for test", "-callback x down": "-callback is for deploy",
		"-together 0 test": "at least 1"} {
		if err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-endpoint", "http://127.0.0.1:9", "down"}, &out, io.Discard); err == nil {
		t.Error("another's emulator was ended")
	}
	t.Chdir(t.TempDir())
	if err := run(t.Context(), []string{"test"}, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "make localstack-deploy") {
		t.Error(err)
	}
}
