package jsonrpc

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Outcome is the result or error member of an answer, as JSON text: `"result":…` or `"error":{…}`. It is what is stored until it is
// delivered, so that a repeated delivery has the same bytes.
type Outcome string

// OK is the outcome {"ok":true}.
const OK Outcome = `"result":{"ok":true}`

// Success is the outcome of a call that worked. The result's bytes are kept; nil is null.
func Success(result json.RawMessage) Outcome {
	if len(result) == 0 {
		return `"result":null`
	}
	return Outcome(`"result":` + string(result))
}

// Failure is the outcome of a call that failed.
func Failure(e *Error) Outcome {
	b := append([]byte(`"error":{"code":`), strconv.Itoa(int(e.Code))...)
	b = append(b, `,"message":`...)
	b = AppendString(b, e.Message)
	if len(e.Data) > 0 {
		b = append(append(b, `,"data":`...), e.Data...)
	}
	return Outcome(append(b, '}'))
}

// Read takes an outcome apart again: a result, or the error that it is.
func (o Outcome) Read() (result json.RawMessage, failure *Error, err error) {
	var members struct {
		Result json.RawMessage
		Error  *struct {
			Code    Code
			Message string
			Data    json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte("{"+o+"}"), &members); err != nil {
		return nil, nil, err
	}
	if e := members.Error; e != nil {
		return nil, &Error{Code: e.Code, Message: e.Message, Data: e.Data}, nil
	}
	return members.Result, nil, nil
}

// Answer returns the message that answers id (empty: null) with an outcome.
func Answer(id json.RawMessage, o Outcome) []byte {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	b := make([]byte, 0, len(id)+len(o)+24)
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, ',')
	b = append(b, o...)
	return append(b, '}')
}

// Object writes a JSON object member by member, without touching the bytes of JSON that is put into it.
type Object struct{ buf []byte }

func (o *Object) name(name string) {
	if len(o.buf) == 0 {
		o.buf = append(o.buf, '{')
	} else {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(AppendString(o.buf, name), ':')
}

// Raw adds JSON as it is; nil is null.
func (o *Object) Raw(name string, raw json.RawMessage) *Object {
	o.name(name)
	if len(raw) == 0 {
		raw = json.RawMessage("null")
	}
	o.buf = append(o.buf, raw...)
	return o
}

// String adds a string.
func (o *Object) String(name, s string) *Object {
	o.name(name)
	o.buf = AppendString(o.buf, s)
	return o
}

// Strings adds an array of strings; nil is [].
func (o *Object) Strings(name string, list []string) *Object { return o.Raw(name, Strings(list)) }

// Int adds a whole number.
func (o *Object) Int(name string, n int64) *Object {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, n, 10)
	return o
}

// Bool adds a truth value.
func (o *Object) Bool(name string, b bool) *Object {
	o.name(name)
	o.buf = strconv.AppendBool(o.buf, b)
	return o
}

// Time adds a time in RFC 3339, UTC, with milliseconds; the zero time is null.
func (o *Object) Time(name string, t time.Time) *Object {
	o.name(name)
	if t.IsZero() {
		o.buf = append(o.buf, "null"...)
		return o
	}
	o.buf = append(t.UTC().AppendFormat(append(o.buf, '"'), "2006-01-02T15:04:05.000Z07:00"), '"')
	return o
}

// JSON returns the object. Nothing may be added afterwards.
func (o *Object) JSON() json.RawMessage {
	if len(o.buf) == 0 {
		return json.RawMessage("{}")
	}
	return append(o.buf, '}')
}

// Array joins JSON values to an array.
func Array(values []json.RawMessage) json.RawMessage {
	b := []byte{'['}
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

// Strings returns an array of strings; nil is [].
func Strings(list []string) json.RawMessage {
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}

// AppendString appends s as a JSON string; unlike json.Marshal it leaves <, > and & alone.
func AppendString(b []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(b, '"'), s...), '"')
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}
