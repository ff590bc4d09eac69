package timer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/timer"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// queue is an SQS that takes each message only when it was sent to it often enough.
type queue struct {
	refusals map[string]int // by body, how often it is failed
	sender   bool           // by the sender's fault
	taken    []string
}

// Do implements the SDK's HTTPClient.
func (q *queue) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		Entries []struct{ ID, MessageBody string }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	out := map[string][]any{"Successful": {}, "Failed": {}}
	for _, e := range in.Entries {
		if q.refusals[e.MessageBody] > 0 {
			q.refusals[e.MessageBody]--
			out["Failed"] = append(out["Failed"], map[string]any{"Id": e.ID, "SenderFault": q.sender, "Code": "InternalError"})
			continue
		}
		q.taken = append(q.taken, e.MessageBody)
		out["Successful"] = append(out["Successful"], map[string]any{"Id": e.ID, "MessageId": "m", "MD5OfMessageBody": ""})
	}
	body, err := json.Marshal(out)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

// TestMessagesThatSQSFailedAreSentAgain: of a batch of which SQS fails some by its own fault, each message is sent once, and what it goes on failing
// is an error.
func TestMessagesThatSQSFailedAreSentAgain(t *testing.T) {
	body := func(n int) string { return fmt.Sprintf(`{"kind":"%d"}`, n) }
	var list []timer.Later
	var want []string
	for n := range 12 {
		list = append(list, timer.Later{Wake: timer.Wake{Kind: fmt.Sprint(n)}})
		want = append(want, body(n))
	}
	slices.Sort(want)
	for _, c := range []struct {
		name     string
		refusals map[string]int
		sender   bool
		ok       bool
	}{
		{"once", map[string]int{body(0): 1, body(7): 1}, false, true},
		{"twice", map[string]int{body(3): 2}, false, true},
		{"the last ones", map[string]int{body(10): 1, body(11): 2}, false, true},
		{"always", map[string]int{body(3): 1000}, false, false},
		{"by the sender's fault", map[string]int{body(3): 1}, true, false},
	} {
		fake := &queue{refusals: c.refusals, sender: c.sender}
		client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: fake, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
			BaseEndpoint: aws.String("http://local.invalid"), DisableMessageChecksumValidation: true})
		err := timer.New(client, "http://local.invalid/q").All(t.Context(), list...)
		slices.Sort(fake.taken)
		if (err == nil) != c.ok || c.ok && !slices.Equal(fake.taken, want) {
			t.Errorf("%s: %v, taken %v", c.name, err, fake.taken)
		}
	}
}
