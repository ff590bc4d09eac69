package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// refusal is how a service says that a right is missing.
type refusal struct {
	status int
	header http.Header
	body   []byte
}

// refuse answers for the service of a right that a function lacks.
func refuse(function string, n Need) refusal {
	message := fmt.Sprintf("User: %s is not authorized to perform: %s because no identity-based policy allows the %s:%s action",
		function, strings.Replace(n.String(), " on ", " on resource: ", 1), n.Service, n.Action)
	return answer(n.Service, "AccessDeniedException", message)
}

// deny answers for the service that a request is for. Without a target it is one to @connections.
func deny(r *http.Request, no Denial) refusal {
	service := ExecuteAPI
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "DynamoDB"):
		service = DynamoDB
	case target != "":
		service = SQS
	}
	return answer(service, no.Exception, no.Message)
}

func answer(service Service, exception, message string) refusal {
	out := struct {
		Type    string `json:"__type,omitempty"`
		Message string `json:"Message"`
	}{"com.amazon.coral.service#" + exception, message}
	r := refusal{status: http.StatusForbidden, header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}}
	switch service {
	case DynamoDB:
		r.status = http.StatusBadRequest
	case SQS:
		r.header.Set("X-Amzn-Query-Error", strings.TrimSuffix(exception, "Exception")+";Sender")
	case ExecuteAPI:
		out.Type = ""
		r.header = http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {exception}}
	}
	r.body, _ = json.Marshal(out) // strings always marshal
	r.header.Set("Content-Length", strconv.Itoa(len(r.body)))
	return r
}

func (r refusal) response(to *http.Request) *http.Response {
	return &http.Response{Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status), StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1, Header: r.header, ContentLength: int64(len(r.body)), Body: io.NopCloser(bytes.NewReader(r.body)), Request: to}
}

func (r refusal) write(w http.ResponseWriter) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a client that is gone needs no answer
}
