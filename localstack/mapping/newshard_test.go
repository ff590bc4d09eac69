package mapping

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/dynamo"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

// lateShard is a stream that shows its shard late: before, it has one in which nothing happens.
type lateShard struct {
	*dynamo.Engine
	there atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (l *lateShard) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var answer string
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); {
	case operation == "DescribeStream" && !l.there.Load():
		answer = `{"StreamDescription":{"Shards":[{"ShardId":"quiet","SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}}`
	case operation == "GetShardIterator" && bytes.Contains(body, []byte(`"quiet"`)):
		answer = `{"ShardIterator":"quiet"}`
	case operation == "GetRecords" && bytes.Contains(body, []byte(`"quiet"`)):
		answer = `{"Records":[],"NextShardIterator":"quiet"}`
	default:
		return l.Engine.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// A shard that an engine adds while it has others is found, although nobody tells of it.
func TestNewShardsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		stream := &lateShard{Engine: f.engine}
		options := f.config.Streams.Options()
		f.config.Streams = dynamodbstreams.New(dynamodbstreams.Options{Region: options.Region, BaseEndpoint: options.BaseEndpoint,
			Credentials: options.Credentials, HTTPClient: &http.Client{Transport: stream}, Retryer: aws.NopRetryer{}})
		f.config.Wake = nil
		f.config.Mappings = []Stream{{Table: "things", Function: "stream"}}
		f.run(func() {
			f.put("a")
			pass(10 * time.Second)
			f.want()
			stream.there.Store(true)
			pass(newShardInterval)
			f.want("30s [a]")
		})
	})
}
