package jsonrpc

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Code is an error code of the protocol. Codes from 0 up belong to workers.
type Code int

// The codes of spec/protocol.md.
const (
	ParseError       Code = -32700
	InvalidRequest   Code = -32600
	MethodNotFound   Code = -32601
	InvalidParams    Code = -32602
	Internal         Code = -32603
	Timeout          Code = -32000
	Cancel           Code = -32001
	InvalidTask      Code = -32002
	InvalidPipe      Code = -32003
	InvalidUser      Code = -32004
	UserExists       Code = -32005
	LockNotOwned     Code = -32006
	PermissionDenied Code = -32010
	TTLExpired       Code = -32011
	LimitExceeded    Code = -32012
)

var meanings = map[Code]string{
	ParseError:       "Parse error",
	InvalidRequest:   "Invalid request",
	MethodNotFound:   "Method not found",
	InvalidParams:    "Invalid params",
	Internal:         "Internal error",
	Timeout:          "Timeout",
	Cancel:           "Cancel",
	InvalidTask:      "Invalid task",
	InvalidPipe:      "Invalid pipe",
	InvalidUser:      "Invalid user",
	UserExists:       "User already exists",
	LockNotOwned:     "Lock not owned",
	PermissionDenied: "Permission denied",
	TTLExpired:       "TTL expired",
	LimitExceeded:    "Limit exceeded",
}

// Error is the error member of an answer, and the only error whose text reaches a client.
type Error struct {
	Code    Code
	Message string
	Data    json.RawMessage // absent when empty
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%d %s", e.Code, e.Message) }

// Err returns the error of a protocol code: its meaning, with the detail behind it as `Invalid params:[method]`. An empty detail is left out.
func Err(code Code, detail string) *Error {
	if detail == "" {
		return &Error{Code: code, Message: meanings[code]}
	}
	return &Error{Code: code, Message: meanings[code] + ":[" + detail + "]"}
}

// Errf is Err with a formatted detail.
func Errf(code Code, format string, args ...any) *Error {
	return Err(code, fmt.Sprintf(format, args...))
}

// From makes any error one that may be sent: an *Error in its chain as it is, everything else Internal without a word of its text.
// known is false in the second case; the caller logs the error then.
func From(err error) (e *Error, known bool) {
	if errors.As(err, &e) {
		return e, true
	}
	return Err(Internal, ""), false
}
