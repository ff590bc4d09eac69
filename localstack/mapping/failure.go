package mapping

import (
	"encoding/json"
	"time"
)

// failureMessage is the message to an on-failure queue, in the shape of the Developer Guide's example for DynamoDB streams. It holds no records: they
// are read from the stream by their sequence numbers for as long as it has them.
type failureMessage struct {
	RequestContext  requestContext   `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	BatchInfo       batchInfo        `json:"DDBStreamBatchInfo"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

// responseContext is of the last invocation; absent where there was none.
type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

type batchInfo struct {
	ShardID                         string `json:"shardId"`
	StartSequenceNumber             string `json:"startSequenceNumber"`
	EndSequenceNumber               string `json:"endSequenceNumber"`
	ApproximateArrivalOfFirstRecord string `json:"approximateArrivalOfFirstRecord"`
	ApproximateArrivalOfLastRecord  string `json:"approximateArrivalOfLastRecord"`
	BatchSize                       int    `json:"batchSize"`
	StreamARN                       string `json:"streamArn"`
}

// failureBody is the message for a discarded batch.
func failureBody(b *Batch, requestID, functionARN, streamARN, shardID string, now time.Time) ([]byte, error) {
	first, last := b.Records[0], b.Records[len(b.Records)-1]
	m := failureMessage{
		RequestContext: requestContext{requestID, functionARN, b.discarded, b.invokes},
		Version:        "1.0",
		Timestamp:      now.UTC().Format("2006-01-02T15:04:05.000Z"),
		BatchInfo: batchInfo{shardID, first.SequenceNumber, last.SequenceNumber,
			first.Created.UTC().Format(time.RFC3339), last.Created.UTC().Format(time.RFC3339), len(b.Records), streamARN},
	}
	if b.invokes > 0 {
		m.ResponseContext = &responseContext{200, "$LATEST", "Unhandled"}
	}
	return json.Marshal(m)
}
