package handler_test

import (
	"encoding/json"
	"testing"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-lambda-go/events"
)

// A $disconnect says how the connection was closed; no other event does.
func TestTheOriginOfADisconnectHasItsCloseCode(t *testing.T) {
	for _, test := range []struct {
		event, members string
		code           int
		reason         string
	}{
		{"disconnect", ``, 1001, "Going away"},
		{"disconnect", `{"requestContext":{"disconnectStatusCode":1009,"disconnectReason":"Frame too big"}}`, nexus.CloseTooBig, "Frame too big"},
		{"disconnect", `{"requestContext":{"disconnectStatusCode":0,"disconnectReason":null}}`, 0, ""},
		{"connect", ``, 0, ""},
		{"sys.ping", ``, 0, ""},
	} {
		var e events.APIGatewayWebsocketProxyRequest
		for _, text := range []string{string(load(t, test.event)), test.members} {
			if text != "" {
				if err := json.Unmarshal([]byte(text), &e); err != nil {
					t.Fatal(err)
				}
			}
		}
		o := handler.Origin(e)
		if o.CloseCode != test.code || o.CloseReason != test.reason {
			t.Errorf("%s %s: %d %q, want %d %q", test.event, test.members, o.CloseCode, o.CloseReason, test.code, test.reason)
		}
	}
}
