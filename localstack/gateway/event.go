package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Event types: what a handler must trust, rather than the route key.
const (
	eventConnect    = "CONNECT"
	eventMessage    = "MESSAGE"
	eventDisconnect = "DISCONNECT"
)

// requestTimeFormat is the Common Log Format's.
const requestTimeFormat = "02/Jan/2006:15:04:05 -0700"

// event is the payload of an invocation, with the members that AWS's events have today. (The type in aws-lambda-go, which functions decode it with,
// has many more, of REST APIs.)
type event struct {
	Headers                         map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body,omitempty"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type requestContext struct {
	RouteKey             string   `json:"routeKey"`
	DisconnectStatusCode int      `json:"disconnectStatusCode,omitempty"`
	MessageID            string   `json:"messageId,omitempty"`
	EventType            string   `json:"eventType"`
	ExtendedRequestID    string   `json:"extendedRequestId"`
	RequestTime          string   `json:"requestTime"`
	MessageDirection     string   `json:"messageDirection"`
	DisconnectReason     *string  `json:"disconnectReason,omitempty"`
	Stage                string   `json:"stage"`
	ConnectedAt          int64    `json:"connectedAt"`      // milliseconds since 1970
	RequestTimeEpoch     int64    `json:"requestTimeEpoch"` // likewise
	Identity             identity `json:"identity"`
	RequestID            string   `json:"requestId"`
	DomainName           string   `json:"domainName"`
	ConnectionID         string   `json:"connectionId"`
	APIID                string   `json:"apiId"`
}

type identity struct {
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`
}

// requestContext is what the contexts of all events of c have.
func (c *Conn) requestContext(eventType, routeKey, requestID string) requestContext {
	now := c.g.config.Clock.Now()
	return requestContext{
		RouteKey:          routeKey,
		EventType:         eventType,
		ExtendedRequestID: requestID,
		RequestTime:       now.UTC().Format(requestTimeFormat),
		MessageDirection:  "IN",
		Stage:             c.stage,
		ConnectedAt:       c.connectedAt.UnixMilli(),
		RequestTimeEpoch:  now.UnixMilli(),
		Identity:          c.identity,
		RequestID:         requestID,
		DomainName:        c.g.config.DomainName,
		ConnectionID:      c.id,
		APIID:             c.g.config.APIID,
	}
}

func (c *Conn) connectEvent(requestID string, r ConnectRequest) []byte {
	headers := r.Header.Clone()
	if headers == nil {
		headers = http.Header{}
	}
	headers.Del("Connection")
	headers.Del("Upgrade")
	headers.Set("Host", c.g.config.DomainName)
	headers.Set("X-Forwarded-For", r.SourceIP)
	headers.Set("X-Forwarded-Port", cmp.Or(r.Port, "443"))
	headers.Set("X-Forwarded-Proto", cmp.Or(r.Proto, "https"))
	return encode(&event{
		Headers:                         lastValues(headers),
		MultiValueHeaders:               headers,
		QueryStringParameters:           lastValues(r.Query),
		MultiValueQueryStringParameters: r.Query,
		RequestContext:                  c.requestContext(eventConnect, routeConnect, requestID),
	})
}

func (c *Conn) messageEvent(requestID, routeKey string, message []byte) []byte {
	body := string(message)
	e := event{RequestContext: c.requestContext(eventMessage, routeKey, requestID), Body: &body}
	e.RequestContext.MessageID = c.g.config.NewID()
	return encode(&e)
}

func (c *Conn) disconnectEvent(requestID string, code int, reason string) []byte {
	headers := map[string][]string{"Host": {c.g.config.DomainName}, "x-api-key": {""}, "X-Forwarded-For": {""}, "x-restapi": {""}}
	e := event{Headers: lastValues(headers), MultiValueHeaders: headers, RequestContext: c.requestContext(eventDisconnect, routeDisconnect, requestID)}
	e.RequestContext.DisconnectStatusCode = code
	e.RequestContext.DisconnectReason = &reason
	return encode(&e)
}

// lastValues gives each name its last value, as the members that have one value do.
func lastValues(multi map[string][]string) map[string]string {
	last := make(map[string]string, len(multi))
	for name, values := range multi {
		if len(values) > 0 {
			last[name] = values[len(values)-1]
		}
	}
	return last
}

// eventSize is about what a MESSAGE event takes besides its body.
const eventSize = 768

// encode is json.Marshal, but leaves <, > and & as they are: a body is JSON that is escaped once more, and grows enough.
func encode(e *event) []byte {
	var b bytes.Buffer
	if e.Body != nil {
		b.Grow(eventSize + len(*e.Body)*5/4)
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil { // strings and numbers always encode
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// messageInternal is what clients are told of everything that goes wrong with a function.
const messageInternal = "Internal server error"

// errorMessage is what the gateway itself sends to a client, with the spaces that AWS puts.
func errorMessage(message, connectionID, requestID string) []byte {
	var b strings.Builder
	b.WriteString(`{"message": `)
	b.Write(quote(message))
	b.WriteString(`, "connectionId":`)
	b.Write(quote(connectionID))
	b.WriteString(`, "requestId":`)
	b.Write(quote(requestID))
	b.WriteString(`}`)
	return []byte(b.String())
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return []byte(`""`)
	}
	return b
}

// isoTime is how @connections writes a time.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
