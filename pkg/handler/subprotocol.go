package handler

import (
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// protocolHeader is in which a client offers WebSocket subprotocols, and in which $connect's answer chooses one.
const protocolHeader = "Sec-WebSocket-Protocol"

// subprotocol is the one that is answered where several are offered: a client that offers several, and not this one, is answered none.
const subprotocol = "nexus"

// basicPrefix begins a subprotocol that carries a password, and is never answered.
const basicPrefix = "basic."

// header returns the values of a header of a CONNECT event, whatever the case of its name.
func header(e events.APIGatewayWebsocketProxyRequest, name string) []string {
	for each, values := range e.MultiValueHeaders {
		if strings.EqualFold(each, name) {
			return values
		}
	}
	for each, value := range e.Headers {
		if strings.EqualFold(each, name) {
			return []string{value}
		}
	}
	return nil
}

// offered returns the subprotocols that a client offers.
func offered(e events.APIGatewayWebsocketProxyRequest) []string {
	var all []string
	for _, line := range header(e, protocolHeader) {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				all = append(all, name)
			}
		}
	}
	return all
}

// chosen is the subprotocol that is answered: the one that is offered alone, or this bus' among several; empty for none. A browser closes a connection whose
// offer is not answered.
func chosen(offers []string) string {
	for _, name := range offers {
		if name == subprotocol {
			return name
		}
	}
	if len(offers) == 1 && !strings.HasPrefix(offers[0], basicPrefix) {
		return offers[0]
	}
	return ""
}

// accepted answers a $connect that is let in.
func accepted(offers []string) events.APIGatewayProxyResponse {
	r := status(http.StatusOK)
	if name := chosen(offers); name != "" {
		r.Headers = map[string]string{protocolHeader: name}
	}
	return r
}
