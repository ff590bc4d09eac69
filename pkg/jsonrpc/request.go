package jsonrpc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
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
	if !utf8.Valid(message) {
		return req, Err(ParseError, "not UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		if !json.Valid(message) {
			if id, deep := idOfDeep(message); deep {
				req.ID = answerable(id)
				return req, Errf(ParseError, "nested over %d deep", maxNesting)
			}
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
	if req.ID = answerable(fields["id"]); len(fields["id"]) > MaxID {
		return req, Errf(InvalidRequest, "id over %d bytes", MaxID)
	}
	if v, ok := fields["jsonrpc"]; ok {
		if s, ok := Text(v); !ok || s != "2.0" {
			return req, Err(InvalidRequest, "jsonrpc")
		}
	}
	method := fields["method"]
	if len(method) == 0 || method[0] != '"' {
		return req, Err(InvalidRequest, "method")
	}
	req.Method = decoded(method) // a lone surrogate in it becomes U+FFFD, which no method's name holds: -32601
	req.Params = fields["params"]
	return req, nil
}

// answerable returns an id that an answer may carry: none for null, nor for one with which an error would not fit a message.
func answerable(id json.RawMessage) json.RawMessage {
	const most = 127 << 10
	if len(id) > most || isNull(id) {
		return nil
	}
	return id
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// Text decodes a JSON string. ok is false if raw is none, or no text: a lone surrogate in it would be taken for U+FFFD, and so for another's name.
func Text(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' || loneSurrogate(raw) {
		return "", false
	}
	return decoded(raw), true
}

// decoded is what a JSON string says.
func decoded(raw json.RawMessage) string {
	if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // a string that was found in valid JSON
	return s
}

// loneSurrogate reports whether a JSON string holds an escape \ud800 to \udfff that is not half of a pair.
func loneSurrogate(raw json.RawMessage) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		r, ok := escapedUnit(raw[i:])
		if i++; !ok || !utf16.IsSurrogate(r) {
			continue // the byte behind the backslash is passed over, be it one itself
		}
		i += len(`ud800`)
		low, ok := escapedUnit(raw[i:])
		if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
			return true
		}
		i += len(`\udc00`) - 1
	}
	return false
}

// escapedUnit reads the escape \uXXXX that a text begins with; ok is false if it begins with none.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < len(`\u0000`) || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
