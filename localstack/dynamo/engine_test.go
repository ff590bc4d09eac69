package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"nexus/localstack/clock"
)

func start() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }

// send sends one request and returns the answer as a transcript has it.
func send(t *testing.T, e *Engine, op, body string) string {
	t.Helper()
	return call(t, e, "http://dynamodb.local/", op, body)
}

func TestUnsupportedIsRefusedByName(t *testing.T) {
	e := New(Config{})
	makeTable(t, first(engineClients(e)), types.StreamViewTypeKeysOnly)
	for _, c := range []struct{ op, body, names string }{
		{"UpdateTable", `{}`, "UpdateTable"},
		{"ExecuteStatement", `{}`, "ExecuteStatement"},
		{"PutItem", `{"TableName":"tab","Item":{},"Expected":{}}`, "Expected"},
		{"UpdateItem", `{"TableName":"tab","Key":{},"AttributeUpdates":{}}`, "AttributeUpdates"},
		{"Query", `{"TableName":"tab","KeyConditions":{}}`, "KeyConditions"},
		{"Scan", `{"TableName":"tab","ScanFilter":{}}`, "ScanFilter"},
		{"GetItem", `{"TableName":"tab","Key":{},"AttributesToGet":["a"]}`, "AttributesToGet"},
		{"GetItem", `{"TableName":"tab","Key":{},"Invented":1}`, "Invented"},
		{"CreateTable", `{"TableName":"tab","SSESpecification":{}}`, "SSESpecification"},
		{"PutItem", `{"TableName":"tab","Item":{},"ReturnItemCollectionMetrics":"SIZE"}`, "returnItemCollectionMetrics"},
		{"Scan", `{"TableName":"tab","ScanIndexForward":true}`, "ScanIndexForward"},
		{"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Key":{}}}]}`, "Key"},
	} {
		status, _, body := e.answer("DynamoDB_20120810."+c.op, []byte(c.body))
		if status != 400 || !strings.Contains(string(body), c.names) || !strings.Contains(string(body), "Exception") {
			t.Errorf("%s %s: %d %s", c.op, c.body, status, body)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestMalformedRequests(t *testing.T) {
	e := New(Config{})
	for _, body := range []string{``, `{`, `[]`, `{"TableName":1}`, `{"TableName":"x"`, `{"TableName":"x"} x`, `{"a"}`, `{"Item":{"a":{"S":"\x"}}}`, `{"TableName":"\ud800"}`,
		`{"Item":{"a":{"S":"x"},"a":{"S":"y"}}}`, `{"Item":{"a":{"S":"` + "\x01" + `"}}}`, `{"ReturnValues":"X"}`, strings.Repeat(`{"Item":`, 100)} {
		if status, _, out := e.answer("DynamoDB_20120810.PutItem", []byte(body)); status != 400 {
			t.Errorf("%q: %d %s", body, status, out)
		}
	}
}

func TestServeHTTP(t *testing.T) {
	e := New(Config{})
	server := httptest.NewServer(e)
	defer server.Close()
	db, _ := clients(http.DefaultTransport, server.URL)
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	put(t, db, key("a", 1))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"TableName":"tab"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.Scan")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("X-Amz-Crc32") != strconv.Itoa(int(crc32.ChecksumIEEE(body))) || resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Errorf("%v %v %s", err, resp.Header, body)
	}
	get, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	get.Body.Close()
	if get.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", get.StatusCode)
	}
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{})
		db, streams := engineClients(e)
		arn := makeTable(t, db, types.StreamViewTypeOldImage)
		expiring := func(sk int, in time.Duration) attributes {
			it := key("a", sk)
			it["ttl"] = number(time.Now().Add(in).Unix())
			return it
		}
		put(t, db, expiring(1, time.Hour)) // before TTL is enabled
		_, err := db.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("tab"),
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}})
		if err != nil {
			t.Fatal(err)
		}
		put(t, db, expiring(2, 2*time.Hour))
		put(t, db, expiring(3, time.Hour))
		put(t, db, expiring(3, 100*time.Hour))       // put off
		put(t, db, expiring(4, -6*365*24*time.Hour)) // too old to count
		text4 := key("a", 5)
		text4["ttl"] = text("soon")
		put(t, db, text4)
		count := func() int {
			t.Helper()
			out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("tab"), Select: types.SelectCount})
			if err != nil {
				t.Fatal(err)
			}
			return int(out.Count)
		}
		for _, step := range []struct {
			sleep time.Duration
			want  int
		}{{40 * time.Hour, 5}, {9*time.Hour - time.Minute, 5}, {2 * time.Minute, 4}, {time.Hour, 3}, {97 * time.Hour, 3}, {2 * time.Hour, 2}} {
			time.Sleep(step.sleep) // virtual: a synctest bubble
			synctest.Wait()
			if got := count(); got != step.want {
				t.Errorf("after %v more: %d items, want %d", step.sleep, got, step.want)
			}
		}
		records := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon)
		if len(records) != 1 { // the others are past 24 h
			t.Fatalf("%d records", len(records))
		}
		if r := records[0]; r.EventName != "REMOVE" || r.UserIdentity == nil || aws.ToString(r.UserIdentity.PrincipalId) != "dynamodb.amazonaws.com" ||
			len(r.Dynamodb.OldImage) != 3 {
			t.Errorf("%+v %+v", records[0], r.UserIdentity)
		}
		put(t, db, expiring(1, time.Hour))
		e.Close() // the bubble ends, so no timer is left
	})
}

func TestStreamTimes(t *testing.T) {
	c := clock.NewManual(start())
	e := New(Config{Clock: c, Shards: 4})
	db, streams := engineClients(e)
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	for i := range 20 {
		put(t, db, key(fmt.Sprint(i), i))
	}
	if got := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon); len(got) != 20 {
		t.Errorf("%d records over four shards", len(got))
	}
	d, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil || len(d.StreamDescription.Shards) != 4 {
		t.Fatal(d, err)
	}
	var it *string
	var at *string
	for _, s := range d.StreamDescription.Shards {
		out, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: s.ShardId, ShardIteratorType: "TRIM_HORIZON"})
		if err != nil {
			t.Fatal(err)
		}
		if got := drain(t.Context(), t, streams, out.ShardIterator); len(got) > 0 {
			it, at = out.ShardIterator, got[0].Dynamodb.SequenceNumber
			d.StreamDescription.Shards[0].ShardId = s.ShardId
		}
	}
	c.Advance(15*time.Minute + time.Second)
	_, err = streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it})
	if x := (*streamtypes.ExpiredIteratorException)(nil); !errors.As(err, &x) {
		t.Errorf("old iterator: %v", err)
	}
	c.Advance(24 * time.Hour)
	_, err = streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: d.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: "AT_SEQUENCE_NUMBER", SequenceNumber: at})
	if x := (*streamtypes.TrimmedDataAccessException)(nil); !errors.As(err, &x) {
		t.Errorf("trimmed: %v", err)
	}
	if got := readStream(t, streams, arn, streamtypes.ShardIteratorTypeTrimHorizon); len(got) != 0 {
		t.Errorf("%d records after 24 h", len(got))
	}
}

func TestClosedStreamEnds(t *testing.T) {
	e := New(Config{})
	db, streams := engineClients(e)
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	put(t, db, key("a", 1))
	if _, err := db.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("tab")}); err != nil {
		t.Fatal(err)
	}
	d, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	if err != nil || d.StreamDescription.StreamStatus != streamtypes.StreamStatusDisabled {
		t.Fatal(d, err)
	}
	it, err := streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: d.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it.ShardIterator})
	if err != nil || len(out.Records) != 1 || out.NextShardIterator != nil {
		t.Errorf("%+v %v", out, err)
	}
	if again := makeTable(t, db, types.StreamViewTypeKeysOnly); again == arn {
		t.Error("the table made anew has the old one's stream")
	}
}

func TestNotify(t *testing.T) {
	e := New(Config{})
	db, _ := engineClients(e)
	arn := makeTable(t, db, types.StreamViewTypeKeysOnly)
	calls := 0
	stop := e.Notify(arn, func() {
		calls++
		if !e.mu.TryLock() {
			t.Error("called under the lock")
			return
		}
		e.mu.Unlock()
	})
	put(t, db, key("a", 1))
	put(t, db, key("a", 1)) // no change
	_, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tab": {
		{PutRequest: &types.PutRequest{Item: key("a", 4)}}, {PutRequest: &types.PutRequest{Item: key("a", 5)}}}}})
	if err != nil || calls != 2 {
		t.Errorf("%d calls, want 2; %v", calls, err)
	}
	stop()
	put(t, db, key("a", 2))
	if calls != 2 {
		t.Errorf("%d calls after stop", calls)
	}
}

func TestLag(t *testing.T) {
	c := clock.NewManual(start())
	e := New(Config{Clock: c, IndexLag: func(string) time.Duration { return time.Second }})
	send(t, e, "CreateTable", `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
		"BillingMode":"PAY_PER_REQUEST","GlobalSecondaryIndexes":[{"IndexName":"gix","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}`)
	send(t, e, "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"}}}`)
	const found, lost = `{"Item":{"pk":{"S":"a"}}}`, `{}`
	const one, none = `{"Count":1,"ScannedCount":1}`, `{"Count":0,"ScannedCount":0}`
	get, strong := `{"TableName":"tab","Key":{"pk":{"S":"a"}}}`, `{"TableName":"tab","Key":{"pk":{"S":"a"}},"ConsistentRead":true}`
	scan := `{"TableName":"tab","IndexName":"gix","Select":"COUNT"}`
	check := func(op, body, want string) {
		t.Helper()
		if got := send(t, e, op, body); got != "= "+want {
			t.Errorf("%s %s: %s, want %s", op, body, got, want)
		}
	}
	check("GetItem", strong, found)
	check("GetItem", get, lost)
	check("Scan", scan, none)
	check("Scan", `{"TableName":"tab","Select":"COUNT","ConsistentRead":true}`, one)
	c.Advance(time.Second)
	check("GetItem", get, found)
	check("Scan", scan, one)
	send(t, e, "DeleteItem", get)
	check("GetItem", strong, lost)
	check("GetItem", get, found)
	c.Advance(time.Second)
	check("Scan", scan, none)
}

func TestConflict(t *testing.T) {
	held := "a/1"
	e := New(Config{Conflict: func(table, key string) bool { return table == "tab" && key == held }})
	db, _ := engineClients(e)
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tab"), Item: key("a", 1)})
	if x := (*types.TransactionConflictException)(nil); !errors.As(err, &x) {
		t.Errorf("%v", err)
	}
	_, err = db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("tab"), Item: key("a", 2)}}, {Put: &types.Put{TableName: aws.String("tab"), Item: key("a", 1)}}}})
	x := (*types.TransactionCanceledException)(nil)
	if !errors.As(err, &x) || aws.ToString(x.CancellationReasons[0].Code) != "None" || aws.ToString(x.CancellationReasons[1].Code) != "TransactionConflict" {
		t.Errorf("%v", err)
	}
	held = ""
	put(t, db, key("a", 1))
}

func TestTokenLife(t *testing.T) {
	c := clock.NewManual(start())
	e := New(Config{Clock: c})
	db, _ := engineClients(e)
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	add := func() string {
		t.Helper()
		_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []types.TransactWriteItem{
			{Update: &types.Update{TableName: aws.String("tab"), Key: key("a", 1), UpdateExpression: aws.String("ADD n :one, m :two"),
				ExpressionAttributeValues: attributes{":one": number(1), ":two": number(2)}}}}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tab"), Key: key("a", 1)})
		if err != nil {
			t.Fatal(err)
		}
		return out.Item["n"].(*types.AttributeValueMemberN).Value
	}
	for i, want := range []string{"1", "1", "1", "2"} {
		if i == 3 {
			c.Advance(10 * time.Minute)
		}
		if got := add(); got != want {
			t.Errorf("call %d: %s, want %s", i, got, want)
		}
	}
}

// TestSameRequestsSameBytes holds the engine to its promise of determinism.
func TestSameRequestsSameBytes(t *testing.T) {
	run := func() []byte {
		e := New(Config{Clock: clock.NewManual(start())})
		var all bytes.Buffer
		for _, file := range transcripts(t) {
			for _, x := range readTranscript(t, file) {
				_, header, body := e.answer("DynamoDB_20120810."+x.op, []byte(x.body))
				fmt.Fprintln(&all, header.Get("X-Amzn-Requestid"))
				all.Write(body)
			}
		}
		return all.Bytes()
	}
	if a, b := run(), run(); !bytes.Equal(a, b) {
		t.Error("two runs of the same requests differ")
	}
}

func TestConcurrentIncrements(t *testing.T) {
	e := New(Config{})
	db, _ := engineClients(e)
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	const workers, each = 8, 50
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				_, err := db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("tab"), Key: key("a", 1),
					UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: attributes{":one": number(1)}})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := send(t, e, "GetItem", `{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ProjectionExpression":"n"}`)
	if got != `= {"Item":{"n":{"N":"400"}}}` {
		t.Error(got)
	}
}

func TestResponsesThatAreTooLarge(t *testing.T) {
	e := New(Config{})
	send(t, e, "CreateTable", `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"N"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`)
	var gets []string
	for i := range 45 {
		k := fmt.Sprintf(`{"pk":{"N":"%d"}}`, i)
		gets = append(gets, `{"Get":{"TableName":"tab","Key":`+k+`}}`)
		send(t, e, "PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"pk":{"N":"%d"},"v":{"S":"%s"}}}`, i, strings.Repeat("x", 390<<10)))
	}
	db, _ := engineClients(e)
	request := map[string]types.KeysAndAttributes{"tab": {ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("#p"),
		ExpressionAttributeNames: map[string]string{"#p": "pk"}}}
	for i := range 45 {
		part := request["tab"]
		part.Keys = append(part.Keys, attributes{"pk": number(i)})
		request["tab"] = part
	}
	read := 0
	for calls := 0; len(request) > 0; calls++ {
		out, err := db.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil || calls > 1 {
			t.Fatal(calls, err)
		}
		read += len(out.Responses["tab"])
		request = out.UnprocessedKeys
	}
	if read != 45 {
		t.Errorf("%d items", read)
	}
	if got := send(t, e, "TransactGetItems", `{"TransactItems":[`+strings.Join(gets[:11], ",")+`]}`); got != "! ValidationException" {
		t.Errorf("4 MB: %.100s", got)
	}
}
