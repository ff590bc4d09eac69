package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"nexus/localstack/lambda"
)

func mustFilter(t *testing.T, pattern string) Filter {
	t.Helper()
	f, err := ParseFilter(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStreamRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		stream   Stream
		answer   func(n int, names string) (string, error)
		after    time.Duration
		want     []string
		failures int
	}{
		{"a poison record blocks its shard for as long as retries are infinite", Stream{MaximumRetryAttempts: -1, BatchSize: 2}, poison("b"), 20 * time.Second,
			[]string{"0s [a b]", "1s [a b]", "3s [a b]", "7s [a b]", "15s [a b]"}, 0},
		{"retries end, and what follows goes on", Stream{MaximumRetryAttempts: 2, BatchSize: 2}, poison("b"), 20 * time.Second,
			[]string{"0s [a b]", "1s [a b]", "3s [a b]", "3s [c d]"}, 1},
		{"bisecting isolates a poison record", Stream{MaximumRetryAttempts: 1, BatchSize: 4, BisectOnError: true}, poison("b"), 20 * time.Second,
			[]string{"0s [a b c d]", "0s [a b]", "0s [a]", "0s [b]", "1s [b]", "1s [c d]"}, 1},
		{"a partial failure goes on from the lowest sequence number", Stream{MaximumRetryAttempts: 1, BatchSize: 4, ReportBatchItemFailures: true},
			func(n int, names string) (string, error) {
				if n == 1 {
					return `{"batchItemFailures":[{"itemIdentifier":"<d>"},{"itemIdentifier":"<c>"}]}`, nil
				}
				return "", nil
			}, 20 * time.Second, []string{"0s [a b c d]", "1s [c d]"}, 0},
		{"a throttled function costs no attempts", Stream{BatchSize: 4}, func(n int, _ string) (string, error) {
			if n <= 3 {
				return "", &lambda.Refusal{Code: lambda.CodeThrottled}
			}
			return "", nil
		}, 20 * time.Second, []string{"0s [a b c d]", "1s [a b c d]", "3s [a b c d]", "7s [a b c d]"}, 0},
		{"records grow too old", Stream{MaximumRetryAttempts: -1, BatchSize: 2, MaximumRecordAge: time.Minute}, poison("b"), 2 * time.Minute,
			[]string{"0s [a b]", "1s [a b]", "3s [a b]", "7s [a b]", "15s [a b]", "31s [a b]"}, 2},
		{"a stream keeps them for a day", Stream{MaximumRetryAttempts: -1, BatchSize: 4}, poison("b"), 25 * time.Hour, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				c.stream.Table, c.stream.Function, c.stream.OnFailure = "things", "stream", queueURL+"failed"
				f.config.Mappings = []Stream{c.stream}
				f.answer = c.answer
				f.put("a b c d")
				f.run(func() {
					pass(c.after)
					if c.want != nil {
						f.want(c.want...)
					}
				})
				if got := f.failures(); len(got) != c.failures {
					t.Errorf("OnFailure got %q", got)
				}
			})
		})
	}
}

func TestOnFailureMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", OnFailure: queueURL + "failed", MaximumRetryAttempts: 1}}
		f.answer = poison("b")
		f.put("a b")
		pass(500 * time.Millisecond)
		began := time.Now().UTC()
		f.run(func() { pass(10 * time.Second) })
		got := f.failures()
		if len(got) != 1 {
			t.Fatalf("messages: %q", got)
		}
		var m map[string]map[string]any
		json.Unmarshal([]byte(got[0]), &m) // "version" and "timestamp" are no objects: they are compared in the text
		info := m["DDBStreamBatchInfo"]
		want := fmt.Sprintf(`{"requestContext":{"requestId":"00000000-0000-4000-8000-000000000001","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:stream",`+
			`"condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},`+
			`"version":"1.0","timestamp":"%s","DDBStreamBatchInfo":{"shardId":"%s","startSequenceNumber":"%s","endSequenceNumber":"%s",`+
			`"approximateArrivalOfFirstRecord":"%s","approximateArrivalOfLastRecord":"%[5]s","batchSize":2,"streamArn":"%s"}}`,
			began.Add(time.Second).Format("2006-01-02T15:04:05.000Z"), info["shardId"], info["startSequenceNumber"], info["endSequenceNumber"],
			f.start.UTC().Format(time.RFC3339), info["streamArn"])
		if got[0] != want {
			t.Errorf("got  %s\nwant %s", got[0], want)
		}
		for _, field := range []string{"shardId", "startSequenceNumber", "streamArn"} {
			if s, _ := info[field].(string); s == "" || field == "streamArn" && !strings.HasPrefix(s, "arn:aws:dynamodb:us-east-1:000000000000:table/things/stream/") {
				t.Errorf("%s is %q", field, s)
			}
		}
		if info["startSequenceNumber"] == info["endSequenceNumber"] {
			t.Error("the batch of two begins where it ends")
		}
	})
}

// A shard waits while the message about discarded records cannot be sent.
func TestOnFailureOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", OnFailure: queueURL + "later", BatchSize: 1}}
		f.answer = poison("a")
		f.put("a b")
		f.run(func() {
			pass(20 * time.Second)
			f.want("0s [a]")
			f.queue("later", nil)
			pass(20 * time.Second)
			f.want("0s [a]", "31s [b]")
		})
	})
}

func TestStreamsWakeAtOnceAndWindowsGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", Window: 30 * time.Second, BatchSize: 3}}
		f.run(func() {
			pass(time.Hour)
			f.put("a")
			pass(10 * time.Second)
			f.put("b")
			pass(20*time.Second - 1)
			f.want()
			pass(1)
			f.want("1h0m30s [a b]")
			f.put("c d e") // full
			pass(0)
			f.want("1h0m30s [a b]", "1h0m30s [c d e]")
		})
	})
}

func TestStreamsWithoutWakeAreReadFourTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Wake = nil
		f.config.Mappings = []Stream{{Table: "things", Function: "stream"}}
		f.run(func() {
			pass(100 * time.Millisecond)
			f.put("a b")
			pass(time.Second)
			f.want("250ms [a b]")
		})
	})
}

func TestFilteredRecordsAreDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", Filters: []Filter{
			mustFilter(t, `{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"x"}]}}}}`), mustFilter(t, `{"eventName":["REMOVE"]}`)}}}
		f.put("a x1 b")
		f.run(func() {
			pass(time.Second)
			if _, err := f.config.DynamoDB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"),
				Key: map[string]ddb.AttributeValue{"id": &ddb.AttributeValueMemberS{Value: "a"}}}); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			f.want("0s [x1]", "1s [a]")
		})
	})
}

func TestLatestStartsWithWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", StartingPosition: Latest}}
		f.put("old")
		pass(time.Second)
		f.run(func() {
			pass(20 * time.Minute) // an iterator lives for 15
			f.put("new")
			pass(time.Second)
			f.want("20m1s [new]")
		})
	})
}

// With lanes a poison item holds up its own lane alone, and each item's changes stay in order.
func TestParallelizationFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.config.Mappings = []Stream{{Table: "things", Function: "stream", MaximumRetryAttempts: -1, BatchSize: 1, ParallelizationFactor: 10}}
		f.answer = poison("p")
		f.put("p a c d p a c d")
		f.run(func() {
			pass(0)
			count := map[string]int{}
			for _, line := range f.log {
				count[strings.Trim(strings.Fields(line)[1], "[]")]++
			}
			if count["p"] != 1 || count["a"] != 2 || count["c"] != 2 || count["d"] != 2 {
				t.Errorf("invoked %v", f.log)
			}
		})
	})
}

func TestEventShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		_, err := f.config.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: map[string]ddb.AttributeValue{
			"id": &ddb.AttributeValueMemberS{Value: "a"}, "b": &ddb.AttributeValueMemberB{Value: []byte{0, 1}}, "bs": &ddb.AttributeValueMemberBS{Value: [][]byte{{2}}},
			"t": &ddb.AttributeValueMemberBOOL{Value: false}, "n": &ddb.AttributeValueMemberN{Value: "1.5"}, "z": &ddb.AttributeValueMemberNULL{Value: true},
			"ns": &ddb.AttributeValueMemberNS{Value: []string{"7"}}, "ss": &ddb.AttributeValueMemberSS{Value: []string{"s"}},
			"l": &ddb.AttributeValueMemberL{Value: []ddb.AttributeValue{&ddb.AttributeValueMemberM{Value: map[string]ddb.AttributeValue{}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := OpenStream(t.Context(), f.config, Stream{Table: "things", Function: "stream"})
		if err != nil {
			t.Fatal(err)
		}
		shards, err := reader.Shards(t.Context())
		if err != nil || len(shards) != 1 {
			t.Fatal(shards, err)
		}
		b, err := shards[0].Step(t.Context())
		if err != nil || b == nil {
			t.Fatal(b, err)
		}
		got, err := b.Event()
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			Records []struct {
				EventID  string `json:"eventID"`
				Dynamodb struct {
					SequenceNumber string
					SizeBytes      int
				} `json:"dynamodb"`
				EventSourceARN string `json:"eventSourceARN"`
			}
		}
		if err := json.Unmarshal(got, &event); err != nil || len(event.Records) != 1 {
			t.Fatalf("%s: %v", got, err)
		}
		r := event.Records[0]
		want := fmt.Sprintf(`{"Records":[{"eventID":%q,"eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",`+
			`"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"id":{"S":"a"}},"NewImage":{"b":{"B":"AAE="},"bs":{"BS":["Ag=="]},"id":{"S":"a"},"l":{"L":[{"M":{}}]},`+
			`"n":{"N":"1.5"},"ns":{"NS":["7"]},"ss":{"SS":["s"]},"t":{"BOOL":false},"z":{"NULL":true}},"SequenceNumber":%q,"SizeBytes":%d,"StreamViewType":"NEW_AND_OLD_IMAGES"},`+
			`"eventSourceARN":%q}]}`, r.EventID, f.start.Unix(), r.Dynamodb.SequenceNumber, r.Dynamodb.SizeBytes, r.EventSourceARN)
		if string(got) != want || r.EventID == "" || r.Dynamodb.SequenceNumber == "" || r.Dynamodb.SizeBytes == 0 ||
			!strings.Contains(r.EventSourceARN, "table/things/stream/") {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// A child is read once its parent is finished, or where the stream has forgotten the parent.
func TestShardsFollowTheirParents(t *testing.T) {
	shard := func(id, parent string, closed bool) types.Shard {
		s := types.Shard{ShardId: &id, SequenceNumberRange: &types.SequenceNumberRange{}}
		if parent != "" {
			s.ParentShardId = &parent
		}
		if closed {
			s.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		return s
	}
	listed := []types.Shard{shard("a", "forgotten", true), shard("b", "a", true), shard("c", "b", false), shard("d", "", false)}
	for position, want := range map[string][]string{TrimHorizon: {"[a d]", "[]", "[b]", "[c]"}, Latest: {"[c d]", "[]", "[]", "[]"}} {
		c, err := Config{}.withDefaults()
		if err == nil {
			t.Fatal("an empty Config was accepted")
		}
		r := &StreamReader{config: &c, stream: &Stream{StartingPosition: position, ParallelizationFactor: 1}, shards: map[string]*Shard{}}
		var got []string
		for _, finish := range []string{"", "", "a", "b"} {
			if s := r.shards[finish]; s != nil {
				s.closed = true
				s.Finished()
			}
			ids := []string{}
			for _, s := range r.admit(listed) {
				ids = append(ids, s.ID())
			}
			got = append(got, fmt.Sprint(ids))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", position, got, want)
		}
	}
}

// A scheduler without goroutines: a batch is late, is invoked twice, is given back, and fails.
func TestStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, ctx := newFixture(t), t.Context()
		reader, err := OpenStream(ctx, f.config, Stream{Table: "things", Function: "stream", MaximumRetryAttempts: 1, BatchSize: 2})
		if err != nil {
			t.Fatal(err)
		}
		shards, err := reader.Shards(ctx)
		if err != nil || len(shards) != 1 {
			t.Fatal(shards, err)
		}
		if again, err := reader.Shards(ctx); len(again) != 0 || err != nil {
			t.Errorf("a shard is returned twice: %v %v", again, err)
		}
		s := shards[0]
		step := func() *Batch {
			b, err := s.Step(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		if b := step(); b != nil {
			t.Fatalf("a batch of nothing: %v", b)
		}
		f.put("a b c")
		b := step()
		if step() != nil {
			t.Error("a second batch while the first is out")
		}
		s.Release(b)
		if b = step(); b == nil {
			t.Fatal("what was given back is not due")
		}
		pass(5 * time.Second) // late
		s.Invoke(ctx, b)
		s.Settle(b, s.Invoke(ctx, b)) // twice
		s.Settle(b, Result{Err: errFunction})
		f.want("5s [a b]", "5s [a b]")
		f.answer = poison("c")
		if err := s.Deliver(ctx, step()); err != nil {
			t.Fatal(err)
		}
		if _, at := s.Next(); !at.Equal(f.start.Add(6 * time.Second)) {
			t.Errorf("the retry is due at %v", at)
		}
		pass(time.Second)
		for b := step(); b != nil; b = step() {
			if err := s.Deliver(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		f.want("5s [a b]", "5s [a b]", "5s [c]", "6s [c]")
		var discarded *Discarded
		if last := f.errors[len(f.errors)-1]; !errors.As(last, &discarded) || discarded.Condition != RetryAttemptsExhausted || len(discarded.Records) != 1 {
			t.Errorf("OnError was told last of %v", last)
		}
	})
}
