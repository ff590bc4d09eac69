package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// A template is a synthesized stack. What CloudFormation puts in is written as <Ref> and <Resource.Attribute>, so that an ARN is one string.
type template struct {
	text      []byte // as it was synthesized
	Resources map[string]resource
	Outputs   map[string]struct{ Value string }
}

// every are options other than the standard ones, for what only they bring.
func every() map[string]string {
	return map[string]string{"name": "bus", "rate": "50", "burst": "20", "domain": "bus.example.com",
		"certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef", "alarmEmail": "someone@example.com",
		"removal": "destroy", "logLevel": "DEBUG", "reservedConcurrency": "task=100,timer=10", "taskShards": "a.b.=4", "fanoutRate": "50", "loginTasks": "70", "loginWithin": "60", "access": "closed",
		"pipesPerSession": "20", "pipeUnreadBytes": "1000000", "pipeReads": "4", "accountLogRole": "keep"}
}

// standard is the stack without options. It is synthesized once.
var standard = sync.OnceValues(func() (template, error) { return synthesize(nil) })

// full is the stack with every option.
var full = sync.OnceValues(func() (template, error) { return synthesize(every()) })

// loaded returns a template that must be there.
func loaded(t *testing.T, of func() (template, error)) template {
	t.Helper()
	out, err := of()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// synthesize makes the stack's template, of functions that are files of a few bytes.
func synthesize(context map[string]string) (template, error) {
	folder, err := os.MkdirTemp("", "infra")
	if err != nil {
		return template{}, err
	}
	defer os.RemoveAll(folder)
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		if err := os.WriteFile(filepath.Join(folder, name+".zip"), []byte(name), 0o600); err != nil {
			return template{}, err
		}
	}
	given := map[string]string{"build": folder}
	maps.Copy(given, context)
	o, err := ParseOptions(given)
	if err != nil {
		return template{}, err
	}
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(filepath.Join(folder, "cdk.out"))})
	if err := newStack(app, o); err != nil {
		return template{}, err
	}
	raw, err := templateOf(app.Synth(nil), o.Name)
	if err != nil {
		return template{}, err
	}
	var out template
	if out.text, err = json.MarshalIndent(raw, "", " "); err != nil {
		return template{}, err
	}
	plain, err := json.Marshal(flat(raw))
	if err != nil {
		return template{}, err
	}
	return out, json.Unmarshal(plain, &out)
}

// flat writes CloudFormation's functions as text.
func flat(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for n, each := range v {
			out[n] = flat(each)
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for name, of := range v {
				switch name {
				case "Ref":
					return fmt.Sprintf("<%v>", of)
				case "Fn::Sub":
					return of
				case "Fn::GetAtt":
					path := of.([]any)
					return fmt.Sprintf("<%v.%v>", path[0], path[1])
				case "Fn::Join":
					var joined strings.Builder
					for _, part := range of.([]any)[1].([]any) {
						fmt.Fprint(&joined, flat(part))
					}
					return joined.String()
				}
			}
		}
		out := map[string]any{}
		for name, each := range v {
			out[name] = flat(each)
		}
		return out
	}
	return v
}

// of returns the resources of a type, by their id.
func (t template) of(kind string) map[string]resource {
	out := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			out[id] = r
		}
	}
	return out
}

// functionID is the id of a function's resource.
func functionID(name string) string { return "Function" + title(name) }

// at returns what is under a path of a resource's properties: "Code.S3Key". It is nil where nothing is.
func (r resource) at(path string) any {
	var v any = r.Properties
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// as reads what is under a path into a value.
func as[V any](t *testing.T, r resource, path string) V {
	t.Helper()
	text, err := json.Marshal(r.at(path))
	if err != nil {
		t.Fatal(err)
	}
	var v V
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s of %s: %v", path, r.Type, err)
	}
	return v
}

// want compares what is under paths of a resource with what should be. Numbers are float64.
func want(t *testing.T, id string, r resource, values map[string]any) {
	t.Helper()
	for _, path := range sorted(values) {
		got, err := json.Marshal(r.at(path))
		if err != nil {
			t.Fatal(err)
		}
		expected, err := json.Marshal(values[path])
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(expected) {
			t.Errorf("%s: %s is %s, want %s", id, path, got, expected)
		}
	}
}
