package dynamo

import (
	"fmt"
	"testing"
	"time"

	"nexus/localstack/clock"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// TestSplit: a shard that is split is closed and read to its end, those that follow it name it as their parent, and an item's records before and after
// are in one line of shards.
func TestSplit(t *testing.T) {
	e := New(Config{Clock: clock.NewManual(start()), Shards: 2})
	db, streams := engineClients(e)
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	write := func(round int) {
		for i := range 20 {
			put(t, db, key(fmt.Sprint(i), round))
		}
	}
	write(1)
	for round := 2; round < 4; round++ {
		if err := e.Split(arn, 2); err != nil {
			t.Fatal(err)
		}
		write(round)
	}
	d, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil || len(d.StreamDescription.Shards) != 2+4+8 {
		t.Fatal(len(d.StreamDescription.Shards), err)
	}
	above := map[string]string{}
	in := map[string]map[string]string{} // by item and round: the shard
	total := 0
	for n, s := range d.StreamDescription.Shards {
		above[*s.ShardId] = aws.ToString(s.ParentShardId)
		if closed := s.SequenceNumberRange.EndingSequenceNumber != nil; closed != (n < 6) || (s.ParentShardId == nil) != (n < 2) {
			t.Errorf("shard %d: %+v", n, s)
		}
		it, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: s.ShardId, ShardIteratorType: "TRIM_HORIZON"})
		if err != nil {
			t.Fatal(err)
		}
		out, err := streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
		if err != nil || (out.NextShardIterator == nil) != (n < 6) {
			t.Errorf("shard %d: %v, more: %v", n, err, out.NextShardIterator)
		}
		for _, r := range out.Records {
			total++
			pk := r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value
			sk := r.Dynamodb.Keys["sk"].(*streamtypes.AttributeValueMemberN).Value
			if in[pk] == nil {
				in[pk] = map[string]string{}
			}
			in[pk][sk] = *s.ShardId
		}
	}
	for pk, by := range in {
		if above[by["3"]] != by["2"] || above[by["2"]] != by["1"] || by["1"] == "" {
			t.Errorf("item %s was in %v", pk, by)
		}
	}
	if total != 60 {
		t.Errorf("%d records", total)
	}
	if err := e.Split("no stream", 2); err == nil {
		t.Error("a stream that is not there was split")
	}
}

// TestPage: a page ends once it holds as much as Config says.
func TestPage(t *testing.T) {
	e := New(Config{Page: 40})
	db, _ := engineClients(e)
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	for i := range 20 {
		put(t, db, key("a", i))
	}
	pages, items := 0, 0
	scan := &dynamodb.ScanInput{TableName: aws.String("tab")}
	for pages == 0 || scan.ExclusiveStartKey != nil {
		out, err := db.Scan(t.Context(), scan)
		if err != nil {
			t.Fatal(err)
		}
		pages, items, scan.ExclusiveStartKey = pages+1, items+len(out.Items), out.LastEvaluatedKey
	}
	if items != 20 || pages < 3 || pages > 20 {
		t.Errorf("%d items in %d pages", items, pages)
	}
}

// TestIteratorLife: an iterator lasts as long as Config says.
func TestIteratorLife(t *testing.T) {
	c := clock.NewManual(start())
	e := New(Config{Clock: c, IteratorLife: time.Minute})
	db, streams := engineClients(e)
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	d, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	it, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: d.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<nil>", "ExpiredIteratorException"} {
		if _, err := streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator}); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
		c.Advance(time.Minute + 1)
	}
}
