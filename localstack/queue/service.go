package queue

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nexus/localstack/clock"
)

// Config of a Service. The zero value is of use.
type Config struct {
	Clock   clock.Clock   // clock.Real where nil
	Region  string        // us-east-1 where empty
	Account string        // 000000000000 where empty
	NewID   func() string // message and request ids; a counter in the form of a UUID where nil. Must be safe for concurrent use
}

// Service holds queues. It is safe for concurrent use.
type Service struct {
	clock   clock.Clock
	region  string
	account string
	newID   func() string

	mu      sync.Mutex // held briefly, never while waiting
	queues  map[string]*queue
	deleted map[string]time.Time // name to time of deletion, for the 60 s in which the name is taken
}

// New returns a Service without queues.
func New(c Config) *Service {
	s := &Service{clock: c.Clock, region: c.Region, account: c.Account, newID: c.NewID, queues: map[string]*queue{}, deleted: map[string]time.Time{}}
	if s.clock == nil {
		s.clock = clock.Real{}
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.account == "" {
		s.account = "000000000000"
	}
	if s.newID == nil {
		var n atomic.Uint64
		s.newID = func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n.Add(1)) }
	}
	return s
}

// call is one request: what an operation needs to know beside its parameters.
type call struct {
	*Service
	ctx  context.Context
	base string // scheme and host that the request was sent to, for queue URLs
}

// operation decodes parameters, runs and returns what is to be encoded (nil: an empty body).
type operation func(c *call, body []byte) (any, error)

// operations is the whole API. An operation that is not here is refused by name.
var operations = map[string]operation{
	"ChangeMessageVisibility":      decoded((*call).changeMessageVisibility),
	"ChangeMessageVisibilityBatch": decoded((*call).changeMessageVisibilityBatch),
	"CreateQueue":                  decoded((*call).createQueue),
	"DeleteMessage":                decoded((*call).deleteMessage),
	"DeleteMessageBatch":           decoded((*call).deleteMessageBatch),
	"DeleteQueue":                  decoded((*call).deleteQueue),
	"GetQueueAttributes":           decoded((*call).getQueueAttributes),
	"GetQueueUrl":                  decoded((*call).getQueueURL),
	"ListQueues":                   decoded((*call).listQueues),
	"PurgeQueue":                   decoded((*call).purgeQueue),
	"ReceiveMessage":               decoded((*call).receiveMessage),
	"SendMessage":                  decoded((*call).sendMessage),
	"SendMessageBatch":             decoded((*call).sendMessageBatch),
	"SetQueueAttributes":           decoded((*call).setQueueAttributes),
}
