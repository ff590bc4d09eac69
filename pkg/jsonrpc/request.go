package jsonrpc

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// MaxID is the greatest length of a request's id, in bytes of JSON.
const MaxID = 256

// Request is one call.
type Request struct {
	ID     json.RawMessage // as it came; nil for a notification
	Method string
	Params json.RawMessage // as they came; nil if absent
}

// Notification tells whether nobody waits for an answer.
func (r *Request) Notification() bool { return r.ID == nil }

// Parse reads a message. On error the request carries the id to answer with, which is nil (answered as null) where none could be read. Field
// names are compared exactly, as API Gateway's route selection does, and the last of two equal names counts.
func Parse(message []byte) (*Request, *Error) {
	req := &Request{}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		if !json.Valid(message) {
			return req, Err(ParseError, "")
		}
		if trimmed := bytes.TrimLeft(message, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
			return req, Err(InvalidRequest, "batches are not taken")
		}
		return req, Err(InvalidRequest, "not an object")
	}
	if fields == nil { // the message null
		return req, Err(InvalidRequest, "not an object")
	}
	if id := fields["id"]; id != nil && !isNull(id) {
		if len(id) > MaxID {
			return req, Errf(InvalidRequest, "id over %d bytes", MaxID)
		}
		req.ID = id
	}
	if v, ok := fields["jsonrpc"]; ok {
		if s, ok := asString(v); !ok || s != "2.0" {
			return req, Err(InvalidRequest, "jsonrpc")
		}
	}
	method, ok := asString(fields["method"])
	if !ok {
		return req, Err(InvalidRequest, "method")
	}
	req.Method = method
	req.Params = fields["params"]
	return req, nil
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// asString decodes a JSON string; false if raw is none.
func asString(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain), true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}
