package client

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The bus's own error codes. Those from 0 up are workers'.
const (
	CodeParseError       = -32700
	CodeInvalidRequest   = -32600
	CodeMethodNotFound   = -32601
	CodeInvalidParams    = -32602
	CodeInternal         = -32603
	CodeTimeout          = -32000
	CodeCancel           = -32001
	CodeInvalidTask      = -32002
	CodeInvalidPipe      = -32003
	CodeInvalidUser      = -32004
	CodeUserExists       = -32005
	CodeLockNotOwned     = -32006
	CodePermissionDenied = -32010
	CodeTTLExpired       = -32011
	CodeLimitExceeded    = -32012
)

// Error is an answer that is an error, of the bus or of a worker.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"` // nil if there is none
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// IsCode tells whether err is or wraps an *Error with this code.
func IsCode(err error, code int) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// ClosedError says that the connection has ended, and why. Whether a call under way was carried out is then unknown.
type ClosedError struct{ Cause error }

// Error implements error.
func (e *ClosedError) Error() string { return "connection ended: " + e.Cause.Error() }

// Unwrap returns the cause: ErrClosed, or what the network or the other side had to say.
func (e *ClosedError) Unwrap() error { return e.Cause }

var (
	// ErrClosed is the cause after Close.
	ErrClosed = errors.New("closed by this side")
	// ErrTooLong says that a message is over 128 KB, which the bus takes from nobody. It was not sent.
	ErrTooLong = errors.New("message over 128 KB")
	// ErrSilent is the cause when the other side answered no ping.
	ErrSilent = errors.New("no answer to a ping")
)
