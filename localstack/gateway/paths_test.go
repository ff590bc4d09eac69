package gateway_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/coder/websocket"

	"nexus/localstack/gateway"
)

// The path / is that of the default stage, if there is one.
func TestDefaultStage(t *testing.T) {
	s := serve(t, handlers{}, func(c *gateway.Config) { c.DefaultStage = "v1" })
	for _, path := range []string{"", "/", "/?token=x"} {
		s.dial(t, path, nil)
		_, r := s.event(t, "CONNECT")
		wantEqual(t, "stage of "+path, r.RequestContext.Stage, "v1")
	}
	for _, path := range []string{"/v2", "/x/", "//"} {
		if _, resp, err := websocket.Dial(t.Context(), "ws://"+s.host+path, nil); err == nil || resp.StatusCode != http.StatusForbidden {
			t.Error(path, resp, err)
		}
	}
	_, config := newAPI(handlers{})
	config.DefaultStage = "v2"
	if _, err := gateway.New(config).Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{}); err == nil {
		t.Error("a default stage that is not there was taken")
	}
}

// Clients reach no @connections: neither posts nor anything else, signed or not.
func TestClientsReachNoManagement(t *testing.T) {
	s := serve(t, handlers{}, func(c *gateway.Config) { c.DefaultStage = "v1" })
	ws := s.dial(t, "/v0", nil)
	id := s.id(t)
	signed := sdk("http://"+s.host+"/v0", http.DefaultClient)
	if post(t, signed, id, "forged") == nil {
		t.Error("posted")
	}
	if _, err := signed.DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: &id}); err == nil {
		t.Error("deleted")
	}
	for _, path := range []string{"/v0/@connections/" + url.PathEscape(id), "/v0/%40connections/" + url.PathEscape(id), "/@connections/" + url.PathEscape(id), "/v0/@connections"} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.host+path, strings.NewReader("forged"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			wantEqual(t, method+" "+path, resp.Status+" "+string(body), `403 Forbidden {"message":"Forbidden"}`)
		}
	}
	if err := post(t, s.management("v0"), id, "true"); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the first message", read(t, ws), "true")
}
