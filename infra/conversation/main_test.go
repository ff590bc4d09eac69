package main

import (
	"strings"
	"testing"
)

func TestTell(t *testing.T) {
	const secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:RootPassword-x-y"
	var out strings.Builder
	err := tell(&out, []byte(`{"nexus":{"UrlV0":"wss://a.example/v0","UrlV1":"wss://a.example/v1","RootSecret":"`+secret+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"nexus listens on wss://a.example/v0 (the specification) and wss://a.example/v1 (Nexus 1.9).",
		"    aws secretsmanager get-secret-value --secret-id " + secret + " --region eu-west-1 --query SecretString --output text",
		"    go run ./localstack/wscat wss://a.example/v0"} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, &out)
		}
	}
	if strings.Contains(out.String(), "CNAME") || strings.Contains(out.String(), "%!") {
		t.Error(out.String())
	}
	out.Reset()
	if err := tell(&out, []byte(`{"b":{"UrlV0":"0","UrlV1":"1","RootSecret":"2","DomainTarget":"d.example"}}`)); err != nil ||
		!strings.Contains(out.String(), "CNAME of d.example") {
		t.Errorf("with a domain: %v\n%s", err, &out)
	}
	for _, wrong := range []string{"", "{}", `{"nexus":{}}`, `{"a":{},"b":{}}`, `{"nexus":{"UrlV0":"x","UrlV1":"y"}}`} {
		if err := tell(&out, []byte(wrong)); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}
