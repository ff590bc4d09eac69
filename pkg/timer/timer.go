// Package timer wakes a key at a time: a message in the delay queue that functions/timer receives. Timers are never taken back; one that comes
// late, twice or in vain finds the state changed and does nothing.
package timer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// MaxDelay is the longest a message can wait. A later time is reached by hops.
const MaxDelay = 900 * time.Second

// Wake says what to look at. Kind picks who looks; the rest is theirs.
type Wake struct {
	Kind string   `json:"kind"`
	Key  []string `json:"key,omitempty"`
	// Cursor is where a long piece of work goes on.
	Cursor map[string]string `json:"cursor,omitempty"`
}

// Queue is the delay queue.
type Queue struct {
	client *sqs.Client
	url    string
}

// New returns the queue at a URL.
func New(client *sqs.Client, url string) *Queue { return &Queue{client: client, url: url} }

// seconds rounds up, so that no timer fires early, and cuts at MaxDelay.
func seconds(d time.Duration) int32 {
	return int32(max(0, min(MaxDelay, d)+time.Second-1) / time.Second)
}

// body is the message that says w. SQS refuses messages that hold U+FFFE or U+FFFF, which names may: in JSON they can be written otherwise.
func (w Wake) body() (string, error) {
	b, err := json.Marshal(w)
	return strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`).Replace(string(b)), err
}

// After sends w, to come after d, rounded up to whole seconds and cut at MaxDelay.
func (q *Queue) After(ctx context.Context, d time.Duration, w Wake) error {
	body, err := w.body()
	if err != nil {
		return err
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body, DelaySeconds: seconds(d)})
	if err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	return nil
}

// Later is a Wake and its delay.
type Later struct {
	After time.Duration
	Wake
}

// tries is how often messages are sent that SQS took a request for and left out.
const tries = 3

// All sends any number of messages, ten a request. SQS may take some of a request and fail others by its own fault: those are sent again, beside the next
// ones. An error says that some may not have been sent; who asks again sends some twice, which does no harm.
func (q *Queue) All(ctx context.Context, list ...Later) error {
	var entries []types.SendMessageBatchRequestEntry
	for i, l := range list {
		body, err := l.Wake.body()
		if err != nil {
			return err
		}
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body, DelaySeconds: seconds(l.After)})
	}
	failures := map[string]int{}
	for len(entries) > 0 {
		n := min(len(entries), 10)
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries[:n]})
		if err != nil {
			return fmt.Errorf("timers: %w", err)
		}
		var again []types.SendMessageBatchRequestEntry
		for _, f := range out.Failed {
			id := aws.ToString(f.Id)
			at := slices.IndexFunc(entries[:n], func(e types.SendMessageBatchRequestEntry) bool { return aws.ToString(e.Id) == id })
			if failures[id]++; at < 0 || f.SenderFault || failures[id] == tries {
				return fmt.Errorf("timers: %d of %d refused: %s", len(out.Failed), n, aws.ToString(f.Code))
			}
			again = append(again, entries[at])
		}
		entries = append(again, entries[n:]...)
	}
	return nil
}

// Parse reads a message's body.
func Parse(body string) (Wake, error) {
	var w Wake
	if err := json.Unmarshal([]byte(body), &w); err != nil {
		return Wake{}, fmt.Errorf("timer message: %w", err)
	}
	return w, nil
}
