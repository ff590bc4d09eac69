package lambda

import (
	"encoding/json"
	"reflect"
)

// Error types that Lambda itself, not the function, gives to an Error.
const (
	TypeTimedOut   = "Sandbox.Timedout"               // the function ran past its timeout
	TypeExit       = "Runtime.ExitError"              // the function ended without returning
	TypeTooLarge   = "Function.ResponseSizeTooLarge"  // the function returned more than 6 MB
	TypeEntrypoint = "Runtime.InvalidEntrypoint"      // a function's program could not be started
	TypeUnknown    = "Runtime.Unknown"                // a function's program reported an error and did not say which
	CodeNotFound   = "ResourceNotFoundException"      // no function of that name
	CodeThrottled  = "TooManyRequestsException"       // the function's reserved concurrency is used up
	CodeTooLarge   = "RequestEntityTooLargeException" // the payload is over 6 MB
)

// Error is a function error: the function was invoked and did not succeed. A caller on AWS sees it as X-Amz-Function-Error: Unhandled with Payload
// as the body.
type Error struct {
	Type    string // the Go type's name of what the handler returned or panicked with, or one of the types above
	Message string
	Stack   string // of a panic, for logs only; never part of Error or Payload
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Payload is the body that Lambda answers with.
func (e *Error) Payload() []byte {
	b, err := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{e.Message, e.Type})
	if err != nil { // two strings always marshal
		return []byte(`{}`)
	}
	return b
}

// Refusal is an error of the Lambda service: the function was not invoked. Callers that retry do not count it as an attempt.
type Refusal struct {
	Code    string // CodeNotFound, CodeThrottled or CodeTooLarge
	Message string
}

func (e *Refusal) Error() string { return e.Code + ": " + e.Message }

// typeName names v's type as aws-lambda-go does: without package, and a pointer as what it points to.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t == nil {
		return "nil"
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
