package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What the services say when they do not carry a request out, or not all of it. Each answer is one that AWS documents.

// refusal is an error answer of a service.
func refusal(r *request, status int, exception, more string) response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + exception + `","message":"simulated"` + more + `}`
	a := said(r, status, body)
	a.http.Header.Set("X-Amzn-Errortype", exception)
	return a
}

// said is an answer of a service.
func said(r *request, status int, body string) response {
	return response{http: &http.Response{Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r.http}}
}

// foreign is the answer of something before the service: a proxy that does not speak the service's protocol.
func foreign(r *request, status int) response {
	a := said(r, status, "<html><body><h1>"+http.StatusText(status)+"</h1></body></html>")
	a.http.Header.Set("Content-Type", "text/html")
	return a
}

// refused draws how a service refuses a request that it does not carry out.
func (w *world) refused(r *request) response {
	either := func(answers ...func() response) response { return answers[w.rng.IntN(len(answers))]() }
	broken := func() response { return response{err: reset()} }
	failed := func() response { return refusal(r, 500, "InternalServerError", "") }
	away := func() response { return foreign(r, []int{502, 503, 504}[w.rng.IntN(3)]) }
	switch {
	case r.dynamo():
		return either(broken, failed, away, func() response { return w.throttling(r) })
	case r.queue():
		return either(broken, failed, away, func() response { return refusal(r, 403, "RequestThrottled", "") })
	case r.op == "POST":
		return either(broken, failed, away, func() response { return refusal(r, 403, "ForbiddenException", "") },
			func() response { return refusal(r, 413, "PayloadTooLargeException", "") })
	}
	return either(broken, failed, away, func() response { return refusal(r, 403, "ForbiddenException", "") })
}

// dynamo tells whether a request is of DynamoDB.
func (r *request) dynamo() bool {
	return strings.HasPrefix(r.http.Header.Get("X-Amz-Target"), "DynamoDB_")
}

// queue tells whether a request is of SQS.
func (r *request) queue() bool {
	return strings.HasPrefix(r.http.Header.Get("X-Amz-Target"), "AmazonSQS")
}

// throttling draws one of the ways in which DynamoDB says that there are too many requests. A transaction can be told of by a reason of its own.
func (w *world) throttling(r *request) response {
	codes := []string{"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
	if n := w.rng.IntN(len(codes) + 1); n < len(codes) {
		return refusal(r, 400, codes[n], "")
	}
	if r.op == "TransactWriteItems" {
		return w.cancelled(r, "ThrottlingError", "ProvisionedThroughputExceeded")
	}
	return refusal(r, 400, codes[0], "")
}

// conflicted draws how DynamoDB refuses a write that meets another one.
func (w *world) conflicted(r *request) response {
	if r.op != "TransactWriteItems" {
		return refusal(r, 400, "TransactionConflictException", "")
	}
	switch w.rng.IntN(8) {
	case 0:
		return refusal(r, 400, "TransactionInProgressException", "")
	case 1:
		return refusal(r, 400, "IdempotentParameterMismatchException", "")
	case 2: // no try will mend these
		return w.cancelled(r, "ItemCollectionSizeLimitExceeded", "ValidationError", "DuplicateItem")
	}
	return w.cancelled(r, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
}

// cancelled is a transaction cancelled for one of some reasons, or for two, at one of its items or at more.
func (w *world) cancelled(r *request, codes ...string) response {
	var in struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(r.body, &in); err != nil {
		w.failf("%s: %v", r, err)
	}
	reasons := make([]map[string]string, len(in.TransactItems))
	for n := range reasons {
		reasons[n] = map[string]string{"Code": "None"}
	}
	for range 1 + w.rng.IntN(2) {
		reasons[w.rng.IntN(len(reasons))] = map[string]string{"Code": codes[w.rng.IntN(len(codes))], "Message": "simulated"}
	}
	text, err := json.Marshal(reasons)
	if err != nil {
		w.failf("%s: %v", r, err)
	}
	return refusal(r, 400, "TransactionCanceledException", `,"CancellationReasons":`+string(text))
}

// mixed gives a transaction to its service and, where a condition of it failed, has another item meet contention: DynamoDB tells of all that it met.
func (w *world) mixed(r *request) response {
	code := []string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}[w.rng.IntN(3)]
	return w.apply(r).edited(func(answer []byte) []byte {
		return bytes.Replace(answer, []byte(`{"Code":"None"}`), []byte(`{"Code":"`+code+`"}`), 1)
	})
}

// batch tells whether a request is of more than one item, of which a service may leave some out.
func (r *request) batch() bool { return r.op == "BatchGetItem" || r.op == "SendMessageBatch" }

// partly gives a part of a batch to its service, perhaps nothing of it, and says of the rest that it was left out.
func (w *world) partly(r *request) response {
	if r.op == "BatchGetItem" {
		return w.unprocessed(r)
	}
	return w.unsent(r)
}

// unprocessed leaves keys of a BatchGetItem unprocessed.
func (w *world) unprocessed(r *request) response {
	var in map[string]json.RawMessage
	var tables, left map[string]map[string]any
	err := json.Unmarshal([]byte(r.text()), &in)
	for _, to := range []*map[string]map[string]any{&tables, &left} {
		if err == nil {
			err = json.Unmarshal(in["RequestItems"], to)
		}
	}
	if err != nil {
		w.failf("%s: %v", r, err)
		return w.apply(r)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		keys, _ := tables[name]["Keys"].([]any)
		var taken, rest []any
		for _, k := range keys {
			if w.rng.IntN(2) == 0 {
				taken = append(taken, k)
			} else {
				rest = append(rest, k)
			}
		}
		tables[name]["Keys"], left[name]["Keys"] = taken, rest
		if len(taken) == 0 {
			delete(tables, name)
		}
		if len(rest) == 0 {
			delete(left, name)
		}
	}
	if len(tables) == 0 {
		return said(r, 200, `{"Responses":{},"UnprocessedKeys":`+string(in["RequestItems"])+`}`)
	}
	r.body = edited(r.body, func(in map[string]any) { in["RequestItems"] = tables })
	return w.apply(r).edited(func(answer []byte) []byte {
		return edited(answer, func(out map[string]any) { out["UnprocessedKeys"] = left })
	})
}

// unsent fails entries of a SendMessageBatch.
func (w *world) unsent(r *request) response {
	var in struct{ Entries []map[string]any }
	if err := json.Unmarshal([]byte(r.text()), &in); err != nil {
		w.failf("%s: %v", r, err)
		return w.apply(r)
	}
	var sent, failed []map[string]any
	for _, e := range in.Entries {
		if w.rng.IntN(2) == 0 {
			sent = append(sent, e)
		} else {
			failed = append(failed, map[string]any{"Id": e["Id"], "SenderFault": false, "Code": "InternalError", "Message": "simulated"})
		}
	}
	tell := func(answer []byte) []byte {
		return edited(answer, func(out map[string]any) { out["Failed"] = failed })
	}
	if len(sent) == 0 {
		return said(r, 200, string(tell([]byte(`{"Successful":[]}`))))
	}
	r.body = edited(r.body, func(in map[string]any) { in["Entries"] = sent })
	return w.apply(r).edited(tell)
}

// edited changes the members of an object.
func edited(object []byte, change func(map[string]any)) []byte {
	var members map[string]any
	if err := json.Unmarshal(object, &members); err != nil {
		panic(err)
	}
	change(members)
	object, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return object
}
