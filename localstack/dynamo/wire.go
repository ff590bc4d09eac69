package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxRequest bounds a request's body: 16 MB of a batch, and its JSON.
const maxRequest = 64 << 20

// operation carries out one API call, from JSON to JSON. Its error is an *apiError, or an internal one.
type operation func(e *Engine, body []byte) ([]byte, error)

// operations by target: the wire protocol's API version and name.
var operations = map[string]operation{
	"DynamoDB_20120810.CreateTable":             control(createTable),
	"DynamoDB_20120810.DescribeTable":           control(describeTable),
	"DynamoDB_20120810.ListTables":              control(listTables),
	"DynamoDB_20120810.DeleteTable":             control(deleteTable),
	"DynamoDB_20120810.UpdateTimeToLive":        control(updateTimeToLive),
	"DynamoDB_20120810.DescribeTimeToLive":      control(describeTimeToLive),
	"DynamoDB_20120810.GetItem":                 getItem,
	"DynamoDB_20120810.PutItem":                 one("PutItem"),
	"DynamoDB_20120810.UpdateItem":              one("UpdateItem"),
	"DynamoDB_20120810.DeleteItem":              one("DeleteItem"),
	"DynamoDB_20120810.Query":                   runQuery,
	"DynamoDB_20120810.Scan":                    runScan,
	"DynamoDB_20120810.BatchGetItem":            batchGetItem,
	"DynamoDB_20120810.BatchWriteItem":          batchWriteItem,
	"DynamoDB_20120810.TransactWriteItems":      transactWriteItems,
	"DynamoDB_20120810.TransactGetItems":        transactGetItems,
	"DynamoDBStreams_20120810.ListStreams":      control(listStreams),
	"DynamoDBStreams_20120810.DescribeStream":   control(describeStream),
	"DynamoDBStreams_20120810.GetShardIterator": control(getShardIterator),
	"DynamoDBStreams_20120810.GetRecords":       getRecords,
}

// requestCounter numbers requests, for their ids.
type requestCounter struct{ n atomic.Uint64 }

// answer carries out a request and returns status, headers and body.
func (e *Engine) answer(target string, body []byte) (int, http.Header, []byte) {
	status := http.StatusOK
	out, err := e.run(target, body)
	if err != nil {
		var x *apiError
		if !errors.As(err, &x) {
			x = &apiError{namespace: serviceNamespace, code: "InternalServerError", message: err.Error(), status: 500}
		}
		status, out = x.status, x.encode()
	}
	const idDigits = 26 // AWS's ids have 52 characters; the length means nothing
	id := strings.ToUpper(strconv.FormatUint(e.requestIDs.n.Add(1), 36))
	return status, http.Header{
		"Content-Type":     {"application/x-amz-json-1.0"},
		"Content-Length":   {strconv.Itoa(len(out))},
		"X-Amz-Crc32":      {strconv.FormatUint(uint64(crc32.ChecksumIEEE(out)), 10)},
		"X-Amzn-Requestid": {strings.Repeat("0", max(0, idDigits-len(id))) + id},
	}, out
}

func (e *Engine) run(target string, body []byte) ([]byte, error) {
	op := operations[target]
	if op == nil {
		return nil, &apiError{namespace: coralNamespace, code: "UnknownOperationException", status: 400,
			message: "The operation is not supported by this engine: " + target}
	}
	return op(e, body)
}

// RoundTrip answers a request of an AWS SDK in process: it makes the engine the transport of the SDK's HTTP client. The host, path and
// signature of the request are ignored.
func (e *Engine) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		body, err = readBody(req)
		closing := req.Body.Close()
		if err == nil {
			err = closing
		}
		if err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Method != http.MethodPost {
		return nil, fmt.Errorf("dynamo: method %s is not part of the protocol", req.Method)
	}
	status, header, out := e.answer(req.Header.Get("X-Amz-Target"), body)
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: int64(len(out)), Body: io.NopCloser(bytes.NewReader(out)), Request: req,
	}, nil
}

// readBody reads the whole body in one piece where its length is known.
func readBody(req *http.Request) ([]byte, error) {
	if n := req.ContentLength; n > 0 && n <= maxRequest {
		buf := make([]byte, n)
		_, err := io.ReadFull(req.Body, buf)
		return buf, err
	}
	buf, err := io.ReadAll(io.LimitReader(req.Body, maxRequest+1))
	if err == nil && len(buf) > maxRequest {
		err = fmt.Errorf("dynamo: request over %d bytes", maxRequest)
	}
	return buf, err
}

// ServeHTTP answers requests on a port, of the AWS CLI for instance. Signatures are not checked.
func (e *Engine) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		http.Error(w, "DynamoDB speaks POST with an X-Amz-Target header", http.StatusMethodNotAllowed)
		return
	}
	body, err := readBody(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, header, out := e.answer(req.Header.Get("X-Amz-Target"), body)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(out) // a client that is gone needs no answer
}
