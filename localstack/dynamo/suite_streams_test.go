package dynamo

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// readStream reads every record of a stream from an iterator type on.
func readStream(t *testing.T, streams *dynamodbstreams.Client, arn string, kind streamtypes.ShardIteratorType) []streamtypes.Record {
	t.Helper()
	ctx := t.Context()
	d, err := streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var out []streamtypes.Record
	for _, shard := range d.StreamDescription.Shards {
		it, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard.ShardId, ShardIteratorType: kind})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, drain(ctx, t, streams, it.ShardIterator)...)
	}
	return out
}

// drain reads from an iterator until it brings nothing.
func drain(ctx context.Context, t *testing.T, streams *dynamodbstreams.Client, iterator *string) []streamtypes.Record {
	t.Helper()
	var out []streamtypes.Record
	for iterator != nil {
		page, err := streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(2)})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Records) == 0 {
			return out
		}
		out = append(out, page.Records...)
		iterator = page.NextShardIterator
	}
	return out
}

func suiteStream(t *testing.T, db *dynamodb.Client, streams *dynamodbstreams.Client) {
	ctx := t.Context()
	arn := makeTable(t, db, types.StreamViewTypeNewAndOldImages)
	put(t, db, key("a", 1))
	put(t, db, key("a", 1)) // changes nothing, and so leaves no record
	update := func(expression string) {
		t.Helper()
		_, err := db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("tab"), Key: key("a", 1), UpdateExpression: &expression,
			ExpressionAttributeValues: attributes{":v": number(1)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	update("SET v = :v")
	update("SET v = :v")
	update("ADD v :v")
	for range 2 { // the second deletes nothing
		if _, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("tab"), Key: key("a", 1)}); err != nil {
			t.Fatal(err)
		}
	}
	records := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon)
	want := []struct {
		event    streamtypes.OperationType
		new, old int
		v        string
	}{{"INSERT", 2, 0, ""}, {"MODIFY", 3, 2, "1"}, {"MODIFY", 3, 3, "2"}, {"REMOVE", 0, 3, ""}}
	if len(records) != len(want) {
		t.Fatalf("%d records, want %d", len(records), len(want))
	}
	last := ""
	for i, r := range records {
		w := want[i]
		if r.EventName != w.event || len(r.Dynamodb.NewImage) != w.new || len(r.Dynamodb.OldImage) != w.old || len(r.Dynamodb.Keys) != 2 ||
			r.Dynamodb.SizeBytes == nil || r.UserIdentity != nil {
			t.Errorf("record %d: %s %+v", i, r.EventName, r.Dynamodb)
		}
		if v, ok := r.Dynamodb.NewImage["v"].(*streamtypes.AttributeValueMemberN); ok && v.Value != w.v {
			t.Errorf("record %d: v %s", i, v.Value)
		}
		if s := aws.ToString(r.Dynamodb.SequenceNumber); len(s) < 21 || s <= last {
			t.Errorf("record %d: sequence number %q after %q", i, s, last)
		} else {
			last = s
		}
	}
	list, err := streams.ListStreams(ctx, &dynamodbstreams.ListStreamsInput{TableName: aws.String("tab")})
	if err != nil || !slices.ContainsFunc(list.Streams, func(s streamtypes.Stream) bool { return aws.ToString(s.StreamArn) == arn }) {
		t.Errorf("%v %v", list, err)
	}
}

func suiteIterators(t *testing.T, db *dynamodb.Client, streams *dynamodbstreams.Client) {
	ctx := t.Context()
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	for i := range 3 {
		put(t, db, key("a", i))
	}
	d, err := streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	// DynamoDB Local has four shards; the records of one partition key are in one.
	var shard *string
	var records []streamtypes.Record
	for _, s := range d.StreamDescription.Shards {
		it, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: s.ShardId, ShardIteratorType: "TRIM_HORIZON"})
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(ctx, t, streams, it.ShardIterator); len(got) > 0 {
			shard, records = s.ShardId, got
		}
	}
	if len(records) != 3 {
		t.Fatalf("%d records", len(records))
	}
	for kind, want := range map[streamtypes.ShardIteratorType]int{"AT_SEQUENCE_NUMBER": 2, "AFTER_SEQUENCE_NUMBER": 1, "LATEST": 0} {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: kind}
		if kind != "LATEST" {
			in.SequenceNumber = records[1].Dynamodb.SequenceNumber
		}
		it, err := streams.GetShardIterator(ctx, in)
		if err != nil {
			t.Fatal(kind, err)
		}
		if got := drain(ctx, t, streams, it.ShardIterator); len(got) != want {
			t.Errorf("%s: %d records, want %d", kind, len(got), want)
		}
	}
	it, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: "LATEST"})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, key("a", 9))
	if got := drain(ctx, t, streams, it.ShardIterator); len(got) != 1 {
		t.Errorf("after LATEST: %d records", len(got))
	}
}

func suiteViews(t *testing.T, db *dynamodb.Client, streams *dynamodbstreams.Client) {
	for view, want := range map[types.StreamViewType][2]int{"KEYS_ONLY": {0, 0}, "NEW_IMAGE": {3, 0}, "OLD_IMAGE": {0, 2}, "NEW_AND_OLD_IMAGES": {3, 2}} {
		arn := makeTable(t, db, view)
		put(t, db, key("a", 1))
		it := key("a", 1)
		it["v"] = text("x")
		put(t, db, it)
		records := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon)
		if len(records) != 2 {
			t.Fatalf("%s: %d records", view, len(records))
		}
		r := records[1].Dynamodb
		if len(r.NewImage) != want[0] || len(r.OldImage) != want[1] || string(r.StreamViewType) != string(view) {
			t.Errorf("%s: new %v, old %v, %s", view, r.NewImage, r.OldImage, r.StreamViewType)
		}
		if _, err := db.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("tab")}); err != nil {
			t.Fatal(err)
		}
	}
}

func suiteGroups(t *testing.T, db *dynamodb.Client, streams *dynamodbstreams.Client) {
	ctx := t.Context()
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("tab"), Item: key("a", 1)}},
		{ConditionCheck: &types.ConditionCheck{TableName: aws.String("tab"), Key: key("a", 3), ConditionExpression: aws.String("attribute_not_exists(pk)")}},
		{Update: &types.Update{TableName: aws.String("tab"), Key: key("a", 2), UpdateExpression: aws.String("SET v = :v"),
			ExpressionAttributeValues: attributes{":v": number(1)}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tab": {
		{PutRequest: &types.PutRequest{Item: key("a", 4)}}, {DeleteRequest: &types.DeleteRequest{Key: key("a", 1)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon); len(got) != 4 {
		t.Errorf("%d records, want 4", len(got))
	}
}

func suiteStreamErrors(t *testing.T, db *dynamodb.Client, streams *dynamodbstreams.Client) {
	ctx := t.Context()
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	d, err := streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	shard := d.StreamDescription.Shards[0].ShardId
	absent := arn[:len(arn)-1] + "x"
	for _, c := range []struct {
		name, want string
		call       func() error
	}{
		{"no such stream", "ResourceNotFoundException", func() error {
			_, err := streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &absent})
			return err
		}},
		{"iterator without number", "ValidationException", func() error {
			_, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: "AT_SEQUENCE_NUMBER"})
			return err
		}},
		{"iterator on an unknown shard", "ResourceNotFoundException", func() error {
			_, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn,
				ShardId: aws.String("shardId-00000000000000000001-abcdefab"), ShardIteratorType: "LATEST"})
			return err
		}},
		{"nonsense for an iterator", "ValidationException", func() error {
			_, err := streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("nonsense")})
			return err
		}},
		{"too many records", "ValidationException", func() error {
			it, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard, ShardIteratorType: "LATEST"})
			if err != nil {
				return err
			}
			_, err = streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator, Limit: aws.Int32(1001)})
			return err
		}},
		// An iterator of an unknown type is left out: DynamoDB Local fails with InternalFailure.
	} {
		if got := code(c.call()); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
