package lambda

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// The Runtime API, by which a program takes its invocations. Its errors are those of AWS's Runtime Interface Emulator.
const (
	pathNext      = "GET /2018-06-01/runtime/invocation/next"
	pathResponse  = "POST /2018-06-01/runtime/invocation/{id}/response"
	pathError     = "POST /2018-06-01/runtime/invocation/{id}/error"
	pathInitError = "POST /2018-06-01/runtime/init/error"

	headerErrorType = "Lambda-Runtime-Function-Error-Type" // of error and init/error; of response a trailer
	headerErrorBody = "Lambda-Runtime-Function-Error-Body" // a trailer, in base64
)

func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(pathNext, e.next)
	mux.HandleFunc(pathResponse, e.response)
	mux.HandleFunc(pathError, e.failure)
	mux.HandleFunc(pathInitError, e.initFailure)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &refused{http.StatusNotFound, "NotFound",
			r.Method + " " + r.URL.Path + " is not part of this Runtime API: it has no extensions, logs or telemetry"})
	})
	return mux
}

// next answers with the next invocation, once there is one. A program that asks has done with the one before.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	if !e.arrive() {
		refuse(w, &refused{http.StatusForbidden, "InvalidStateTransition", "The invocation before is not answered."})
		return
	}
	select {
	case inv := <-e.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
		h.Set("Lambda-Runtime-Trace-Id", traceID(inv.id, e.function.config.Clock.Now()))
		_, _ = w.Write(inv.payload) // a process that does not read it does not answer either
	case <-r.Context().Done(): // the process has ended, or is closed
	}
}

// response takes an invocation's result.
func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		return // the process ended in the middle
	}
	o := outcome{result: body}
	if kind := r.Trailer.Get(headerErrorType); kind != "" { // the result broke off on its way
		text, _ := base64.StdEncoding.DecodeString(r.Trailer.Get(headerErrorBody)) // a bad one leaves the type alone
		o = outcome{err: reported(kind, text)}
	}
	no := e.answer(r.PathValue("id"), o)
	if no == nil && len(body) > MaxPayload { // the Runner says so to the caller
		no = &refused{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("The response is over %d bytes.", MaxPayload)}
	}
	conclude(w, no)
}

// failure takes an invocation's error.
func (e *environment) failure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil {
		return
	}
	conclude(w, e.answer(r.PathValue("id"), outcome{err: reported(r.Header.Get(headerErrorType), body)}))
}

// initFailure takes the reason why a program cannot start, and ends it.
func (e *environment) initFailure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil {
		return
	}
	conclude(w, nil)
	_ = http.NewResponseController(w).Flush() // the process is about to be killed: whether it heard does not matter
	e.fail(reported(r.Header.Get(headerErrorType), body))
}

// answer gives an outcome to whoever waits for the invocation, if that is the current one.
func (e *environment) answer(id string, o outcome) *refused {
	e.function.mu.Lock()
	defer e.function.mu.Unlock()
	switch {
	case e.current == nil || e.current.id != id:
		return &refused{http.StatusBadRequest, "InvalidRequestID", "Invalid request ID"}
	case e.current.answered:
		return &refused{http.StatusForbidden, "InvalidStateTransition", "The invocation is answered."}
	}
	e.current.answered = true
	e.current.answer <- o
	return nil
}

// reported makes an Error of what a program says of its own: a body in the form of AWS's runtimes, or else only a type.
func reported(kind string, body []byte) *Error {
	var told messages.InvokeResponse_Error
	if json.Unmarshal(body, &told) != nil || told.Type == "" {
		if kind == "" {
			kind = TypeUnknown
		}
		return &Error{Type: kind, Message: string(body)}
	}
	var stack strings.Builder
	for _, frame := range told.StackTrace {
		fmt.Fprintf(&stack, "%s\n\t%s:%d\n", frame.Label, frame.Path, frame.Line)
	}
	return &Error{Type: told.Type, Message: told.Message, Stack: stack.String()}
}

// refused is an error answer of the Runtime API.
type refused struct {
	status        int
	kind, message string
}

func refuse(w http.ResponseWriter, no *refused) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	_, _ = w.Write((&Error{Type: no.kind, Message: no.message}).Payload()) // the status is all that runtimes read
}

// conclude answers what a program posted.
func conclude(w http.ResponseWriter, no *refused) {
	if no != nil {
		refuse(w, no)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`) // as above
}

// traceID makes an X-Ray trace header: a time and chance, which the invocation's id stands for. Nothing is sampled.
func traceID(id string, now time.Time) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", now.Unix(), sum[:12], sum[12:20])
}
