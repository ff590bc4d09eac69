package handler

import (
	"encoding/base64"
	"strings"

	"nexus/pkg/nexus"

	"github.com/aws/aws-lambda-go/events"
)

// brought returns what a CONNECT event brings to log in with: a header Authorization of the kind Basic (RFC 7617), or, from browsers, which cannot set
// headers, a subprotocol basic.<base64url of user:password>, offered beside the one that is answered. nil where there is neither; nexus.ErrUnauthorized where they
// are not of that form, or more than one. No error holds what it read.
func brought(e events.APIGatewayWebsocketProxyRequest, offers []string) (*nexus.Credentials, error) {
	var found []string // user:password
	for _, value := range header(e, "Authorization") {
		kind, text, _ := strings.Cut(strings.TrimSpace(value), " ")
		if !strings.EqualFold(kind, "Basic") {
			continue // of somebody else, such as a proxy
		}
		pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			return nil, nexus.ErrUnauthorized
		}
		found = append(found, string(pair))
	}
	for _, offer := range offers {
		text, ok := strings.CutPrefix(offer, basicPrefix)
		if !ok {
			continue
		}
		pair, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			return nil, nexus.ErrUnauthorized
		}
		found = append(found, string(pair))
	}
	if len(found) == 0 {
		return nil, nil
	}
	user, pass, ok := strings.Cut(found[0], ":")
	if len(found) > 1 || !ok {
		return nil, nexus.ErrUnauthorized
	}
	return &nexus.Credentials{User: user, Pass: pass}, nil
}
