package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"nexus/localstack/clock"
)

// Starting positions of a Stream.
const (
	TrimHorizon = "TRIM_HORIZON" // the oldest record that the stream still has
	Latest      = "LATEST"       // what is written once the mapping reads
)

// Stream maps the stream of a table to a function. The names are those of CreateEventSourceMapping.
type Stream struct {
	Table    string
	Function string

	StartingPosition        string        // TrimHorizon where empty
	BatchSize               int           // records, 1 to 10,000; 100 where 0
	Window                  time.Duration // MaximumBatchingWindowInSeconds: whole seconds up to 300; it begins with the first record of a batch
	Filters                 []Filter      // a record passes if one of them matches, or if there is none; at most 10 (AWS: 5 unless raised)
	ParallelizationFactor   int           // concurrent batches of a shard, 1 to 10; 1 where 0
	MaximumRetryAttempts    int           // after the first attempt, up to 10,000; -1: until the record is too old. Mind that 0 is none; AWS's default is -1
	MaximumRecordAge        time.Duration // whole seconds from 60 s to 7 d; none where 0. A stream keeps its records for 24 h
	BisectOnError           bool          // BisectBatchOnFunctionError
	ReportBatchItemFailures bool          // read the function's response for the sequence number that failed first
	OnFailure               string        // URL of the queue that is told of discarded records; they are only reported to OnError where empty
}

// Queue maps a queue to a function.
type Queue struct {
	QueueURL string
	Function string

	BatchSize               int           // messages, 1 to 10,000; above 10 only with a window; 10 where 0
	Window                  time.Duration // whole seconds up to 300
	ReportBatchItemFailures bool
	MaximumConcurrency      int // concurrent batches, 2 to 1,000; the 5 that Lambda begins with where 0
}

// Schedule invokes a function at a fixed rate, as an EventBridge rule with rate(…) does: asynchronously, so that Lambda itself retries a failed
// event twice, after one and after two more minutes.
type Schedule struct {
	Name     string        // of the rule; the function's name where empty
	Every    time.Duration // whole minutes, at least one
	Function string
}

// Config is what a Runner needs. The clients' endpoints decide which engine is read.
type Config struct {
	Invoke    func(ctx context.Context, function string, payload []byte) ([]byte, error)
	Clock     clock.Clock             // clock.Real where nil
	DynamoDB  *dynamodb.Client        // finds the streams of tables; needed for Streams
	Streams   *dynamodbstreams.Client // needed for Streams
	SQS       *sqs.Client             // needed for Queues and OnFailure
	NewID     func() string           // ids of events; a counter in the form of a UUID where nil. Must be safe for concurrent use
	Region    string                  // of schedules and function ARNs; us-east-1 where empty
	Account   string                  // likewise; 000000000000 where empty
	Mappings  []Stream
	Queues    []Queue
	Schedules []Schedule

	// Wake, where set, calls wake after every write to a stream, until stop is called: dynamo.Engine.Notify is one. It may call from any
	// goroutine; wake does not block. Shards are then read when woken; otherwise, as by Lambda, four times a second.
	Wake func(streamARN string, wake func()) (stop func())

	// OnError, where set, is told of what no caller sees: failed invocations, failed reads, discarded records. It must be safe for concurrent use.
	OnError func(error)
}

// withDefaults checks c and fills in what it leaves open. Every mistake is reported.
func (c Config) withDefaults() (Config, error) {
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.NewID == nil {
		c.NewID = counter()
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Account == "" {
		c.Account = "000000000000"
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	var mistakes []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("mapping: "+format, args...))
		}
	}
	check(c.Invoke != nil, "Invoke is missing")
	check(len(c.Mappings) == 0 || c.DynamoDB != nil && c.Streams != nil, "streams need the clients DynamoDB and Streams")
	check(len(c.Queues) == 0 || c.SQS != nil, "queues need the client SQS")
	mappings := make([]Stream, len(c.Mappings))
	for i, s := range c.Mappings {
		s, err := s.withDefaults()
		mappings[i], mistakes = s, append(mistakes, err)
		check(s.OnFailure == "" || c.SQS != nil, "stream of %s: OnFailure needs the client SQS", s.Table)
	}
	queues := make([]Queue, len(c.Queues))
	for i, q := range c.Queues {
		q, err := q.withDefaults()
		queues[i], mistakes = q, append(mistakes, err)
	}
	schedules := make([]Schedule, len(c.Schedules))
	for i, s := range c.Schedules {
		check(s.Function != "", "a schedule names no function")
		check(s.Every >= time.Minute && s.Every%time.Minute == 0, "schedule of %s: Every is %v, not whole minutes", s.Function, s.Every)
		if s.Name == "" {
			s.Name = s.Function
		}
		schedules[i] = s
	}
	c.Mappings, c.Queues, c.Schedules = mappings, queues, schedules
	return c, errors.Join(mistakes...)
}

func (s Stream) withDefaults() (Stream, error) {
	if s.StartingPosition == "" {
		s.StartingPosition = TrimHorizon
	}
	if s.BatchSize == 0 {
		s.BatchSize = 100
	}
	if s.ParallelizationFactor == 0 {
		s.ParallelizationFactor = 1
	}
	var mistakes []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("mapping: stream of %q: "+format, append([]any{s.Table}, args...)...))
		}
	}
	check(s.Table != "" && s.Function != "", "Table and Function are both needed")
	check(s.StartingPosition == TrimHorizon || s.StartingPosition == Latest, "StartingPosition %q is not implemented", s.StartingPosition)
	check(s.BatchSize >= 1 && s.BatchSize <= 10_000, "BatchSize %d is not from 1 to 10,000", s.BatchSize)
	check(wholeSeconds(s.Window, 0, 300*time.Second), "Window %v is not whole seconds up to 300 s", s.Window)
	check(len(s.Filters) <= 10, "%d filters, more than 10", len(s.Filters))
	check(s.ParallelizationFactor >= 1 && s.ParallelizationFactor <= 10, "ParallelizationFactor %d is not from 1 to 10", s.ParallelizationFactor)
	check(s.MaximumRetryAttempts >= -1 && s.MaximumRetryAttempts <= 10_000, "MaximumRetryAttempts %d is not from -1 to 10,000", s.MaximumRetryAttempts)
	check(s.MaximumRecordAge == 0 || wholeSeconds(s.MaximumRecordAge, time.Minute, 7*24*time.Hour),
		"MaximumRecordAge %v is not whole seconds from 60 s to 7 d", s.MaximumRecordAge)
	return s, errors.Join(mistakes...)
}

func (q Queue) withDefaults() (Queue, error) {
	if q.BatchSize == 0 {
		q.BatchSize = 10
	}
	if q.MaximumConcurrency == 0 {
		q.MaximumConcurrency = 5
	}
	var mistakes []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("mapping: queue %q: "+format, append([]any{q.QueueURL}, args...)...))
		}
	}
	check(q.QueueURL != "" && q.Function != "", "QueueURL and Function are both needed")
	check(q.BatchSize >= 1 && q.BatchSize <= 10_000, "BatchSize %d is not from 1 to 10,000", q.BatchSize)
	check(q.BatchSize <= 10 || q.Window > 0, "BatchSize %d needs a Window", q.BatchSize)
	check(wholeSeconds(q.Window, 0, 300*time.Second), "Window %v is not whole seconds up to 300 s", q.Window)
	check(q.MaximumConcurrency >= 2 && q.MaximumConcurrency <= 1000, "MaximumConcurrency %d is not from 2 to 1,000", q.MaximumConcurrency)
	return q, errors.Join(mistakes...)
}

func wholeSeconds(d, least, most time.Duration) bool {
	return d >= least && d <= most && d%time.Second == 0
}
