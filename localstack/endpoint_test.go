package main

import (
	"strings"
	"testing"

	"nexus/localstack/stack"
)

func TestRemote(t *testing.T) {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_DEFAULT_REGION": "eu-west-1"}
	for name, c := range map[string]struct {
		endpoint, prefix string
		embeddedQueue    bool
		env              map[string]string

		want     stack.Remote
		key      string // of the credentials; none where empty
		mistaken string // in the error
	}{
		"embedded":             {env: keys},
		"an emulator":          {endpoint: "http://127.0.0.1:4566", want: stack.Remote{Endpoint: "http://127.0.0.1:4566", Prefix: "nexus-local-"}},
		"DynamoDB Local":       {endpoint: "http://h", embeddedQueue: true, want: stack.Remote{Endpoint: "http://h", EmbeddedQueue: true, Prefix: "nexus-local-"}},
		"an emulator's region": {endpoint: "http://h", env: keys, prefix: "x-", want: stack.Remote{Endpoint: "http://h", Prefix: "x-", Region: "eu-west-1"}, key: "id"},
		"AWS":                  {endpoint: "aws", env: keys, want: stack.Remote{Endpoint: "aws", Prefix: "nexus-local-", Region: "eu-west-1"}, key: "id"},
		"half a key":           {endpoint: "http://h", env: map[string]string{"AWS_ACCESS_KEY_ID": "id"}, want: stack.Remote{Endpoint: "http://h", Prefix: "nexus-local-"}},

		"no engine for a queue":  {embeddedQueue: true, mistaken: "-endpoint"},
		"no engine for a prefix": {prefix: "x-", mistaken: "-endpoint"},
		"AWS without a key":      {endpoint: "aws", env: map[string]string{"AWS_REGION": "eu-west-1"}, mistaken: "AWS_ACCESS_KEY_ID"},
		"https without a key":    {endpoint: "https://h", mistaken: "AWS_ACCESS_KEY_ID"},
		"AWS without a region":   {endpoint: "aws", env: map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "x"}, mistaken: "AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := remote(c.endpoint, c.embeddedQueue, c.prefix, func(name string) string { return c.env[name] })
			if c.mistaken != "" {
				if err == nil || !strings.Contains(err.Error(), c.mistaken) {
					t.Errorf("%+v, %v; want an error that names %s", r, err, c.mistaken)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			key := ""
			if r.Credentials != nil {
				by, err := r.Credentials.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				key = by.AccessKeyID
				if by.SessionToken != "token" || by.SecretAccessKey != "secret" {
					t.Errorf("%+v", by)
				}
			}
			r.Credentials = nil
			if r != c.want || key != c.key {
				t.Errorf("%+v by %q; want %+v by %q", r, key, c.want, c.key)
			}
		})
	}
}

// Who started the bus is told which password counts, and what stays when it ends.
func TestWhere(t *testing.T) {
	elsewhere := stack.Remote{Endpoint: "http://h", Prefix: "x-"}
	alone := elsewhere
	alone.EmbeddedQueue = true
	for _, c := range []struct {
		remote     stack.Remote
		firstStart bool
		want       []string
	}{
		{stack.Remote{}, true, []string{"the password given", "in memory"}},
		{elsewhere, true, []string{"the password given", "tables and its queues are at http://h", "begin with x-"}},
		{elsewhere, false, []string{"the password of the first start", "tables and its queues"}},
		{alone, true, []string{"Its tables are at http://h"}},
	} {
		said := where(c.remote, c.firstStart)
		for _, part := range c.want {
			if !strings.Contains(said, part) {
				t.Errorf("%+v, first start %t: %q does not say %q", c.remote, c.firstStart, said, part)
			}
		}
	}
}
