package dynamo

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go"
)

// clients returns the SDK's two clients on a transport.
func clients(transport http.RoundTripper, endpoint string) (*dynamodb.Client, *dynamodbstreams.Client) {
	config := aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: &http.Client{Transport: transport}}
	return dynamodb.NewFromConfig(config), dynamodbstreams.NewFromConfig(config)
}

func engineClients(e *Engine) (*dynamodb.Client, *dynamodbstreams.Client) {
	return clients(e, "http://dynamodb.local")
}

func TestConformance(t *testing.T) {
	conformance(t, func(t *testing.T) (*dynamodb.Client, *dynamodbstreams.Client) {
		e := New(Config{})
		t.Cleanup(e.Close)
		return engineClients(e)
	})
}

func TestConformanceOfDynamoDBLocal(t *testing.T) {
	endpoint := os.Getenv(localEndpoint)
	if endpoint == "" {
		t.Skipf("SKIPPED: the suite itself was not held against DynamoDB Local; set %s to its endpoint", localEndpoint)
	}
	conformance(t, func(t *testing.T) (*dynamodb.Client, *dynamodbstreams.Client) {
		dropTables(t, endpoint)
		return clients(http.DefaultTransport, endpoint)
	})
}

type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n any) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// makeTable creates table "tab" with keys pk (S) and sk (N) and a stream of the given view type.
func makeTable(t *testing.T, db *dynamodb.Client, view types.StreamViewType) string {
	t.Helper()
	out, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("tab"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeN}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view},
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.TableDescription.LatestStreamArn)
}

func put(t *testing.T, db *dynamodb.Client, it attributes) {
	t.Helper()
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tab"), Item: it}); err != nil {
		t.Fatal(err)
	}
}

func key(pk string, sk int) attributes { return attributes{"pk": text(pk), "sk": number(sk)} }

func code(err error) string {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

// conformance holds an engine to what the SDK for Go makes of it: types of errors, streams, pages, waiters. The answers to single requests
// are the transcripts' matter.
func conformance(t *testing.T, newClients func(*testing.T) (*dynamodb.Client, *dynamodbstreams.Client)) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, *dynamodb.Client, *dynamodbstreams.Client)
	}{
		{"exceptions have the SDK's types", suiteExceptions},
		{"a cancelled transaction gives its reasons", suiteCancellation},
		{"pages join without gap or repeat", suitePages},
		{"parallel scan segments partition the table", suiteSegments},
		{"a stream holds every change in order", suiteStream},
		{"shard iterators start where they should", suiteIterators},
		{"view types choose the images", suiteViews},
		{"transactions and batches leave records", suiteGroups},
		{"stream requests that are refused", suiteStreamErrors},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, streams := newClients(t)
			c.run(t, db, streams)
		})
	}
}

func suiteExceptions(t *testing.T, db *dynamodb.Client, _ *dynamodbstreams.Client) {
	ctx := t.Context()
	_, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("tab"), Key: key("a", 1)})
	if x := (*types.ResourceNotFoundException)(nil); !errors.As(err, &x) {
		t.Errorf("no table: %v", err)
	}
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	if err := dynamodb.NewTableExistsWaiter(db).Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("tab")}, 1e9); err != nil {
		t.Error(err)
	}
	_, err = db.CreateTable(ctx, &dynamodb.CreateTableInput{TableName: aws.String("tab"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}}})
	if x := (*types.ResourceInUseException)(nil); !errors.As(err, &x) {
		t.Errorf("table twice: %v", err)
	}
	it := key("a", 1)
	it["v"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{text("x"), &types.AttributeValueMemberB{Value: []byte{1, 2}}}}
	put(t, db, it)
	_, err = db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("tab"), Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld})
	x := (*types.ConditionalCheckFailedException)(nil)
	if !errors.As(err, &x) || len(x.Item) != 3 || len(x.Item["v"].(*types.AttributeValueMemberL).Value) != 2 {
		t.Errorf("condition: %v %v", err, x)
	}
	_, err = db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("tab"), Key: key("a", 1), UpdateExpression: aws.String("SET a.b = b")})
	if code(err) != "ValidationException" {
		t.Errorf("update: %v", err)
	}
}

func suiteCancellation(t *testing.T, db *dynamodb.Client, _ *dynamodbstreams.Client) {
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	put(t, db, key("a", 1))
	_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("tab"), Item: key("b", 1)}},
		{Delete: &types.Delete{TableName: aws.String("tab"), Key: key("a", 1), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
	}})
	x := (*types.TransactionCanceledException)(nil)
	if !errors.As(err, &x) || len(x.CancellationReasons) != 2 {
		t.Fatalf("%v", err)
	}
	if c := aws.ToString(x.CancellationReasons[0].Code); c != "None" {
		t.Errorf("first reason %s", c)
	}
	if r := x.CancellationReasons[1]; aws.ToString(r.Code) != "ConditionalCheckFailed" || len(r.Item) != 2 {
		t.Errorf("second reason %+v", r)
	}
	out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tab"), Key: key("b", 1)})
	if err != nil || out.Item != nil {
		t.Errorf("%v %v", out.Item, err)
	}
}

func suitePages(t *testing.T, db *dynamodb.Client, _ *dynamodbstreams.Client) {
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	const n = 57
	for i := range n {
		put(t, db, key("p", i*7%n))
	}
	for _, forward := range []bool{true, false} {
		var got []string
		pages := dynamodb.NewQueryPaginator(db, &dynamodb.QueryInput{TableName: aws.String("tab"), KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: attributes{":p": text("p")}, Limit: aws.Int32(10), ScanIndexForward: &forward})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				got = append(got, it["sk"].(*types.AttributeValueMemberN).Value)
			}
		}
		if !forward {
			slices.Reverse(got)
		}
		for i, sk := range got {
			if sk != fmt.Sprint(i) {
				t.Fatalf("forward %v: %v", forward, got)
			}
		}
		if len(got) != n {
			t.Errorf("forward %v: %d items", forward, len(got))
		}
	}
}

func suiteSegments(t *testing.T, db *dynamodb.Client, _ *dynamodbstreams.Client) {
	makeTable(t, db, types.StreamViewTypeKeysOnly)
	want := 0
	for i := range 40 {
		put(t, db, key(fmt.Sprint(i), i))
		want++
	}
	seen := map[string]int{}
	const total = 3
	for segment := range int32(total) {
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{
			TableName: aws.String("tab"), Segment: &segment, TotalSegments: aws.Int32(total), Limit: aws.Int32(4)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range page.Items {
				seen[it["pk"].(*types.AttributeValueMemberS).Value]++
			}
		}
	}
	if len(seen) != want {
		t.Errorf("%d of %d items", len(seen), want)
	}
	for pk, n := range seen {
		if n != 1 {
			t.Errorf("item %s %d times", pk, n)
		}
	}
}
