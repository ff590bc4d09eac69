package dynamo

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

const benchUpdate = `{"ConditionExpression":"#s = :waiting AND deadline > :now","ExpressionAttributeNames":{"#s":"state"},"ExpressionAttributeValues":` +
	`{":n":{"N":"1"},":now":{"N":"1700000000"},":waiting":{"S":"waiting"},":who":{"S":"0000abcd-session"}},"Key":{"pk":{"S":"math.add"},"sk":{"N":"%d"}},` +
	`"ReturnValues":"ALL_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD","ReturnConsumedCapacity":"TOTAL","TableName":"tab","UpdateExpression":` +
	`"SET holder = :who, attempt = attempt + :n, #s = :waiting REMOVE mark"}`

const benchItem = `{"TableName":"tab","Item":{"pk":{"S":"math.add"},"sk":{"N":"%d"},"state":{"S":"waiting"},"deadline":{"N":"1800000000"},"attempt":{"N":"0"},` +
	`"method":{"S":"add"},"params":{"S":"[1,2,3,4,5,6,7,8,9,10]"},"prio":{"N":"0"},"user":{"S":"root"},"tags":{"M":{"a":{"BOOL":true}}}}}`

// benchEngine holds n items of one partition, with a keys-only local index over three attributes and a stream.
func benchEngine(b *testing.B, n int) *Engine {
	b.Helper()
	e := New(Config{})
	run := func(op, body string) {
		if status, _, out := e.answer("DynamoDB_20120810."+op, []byte(body)); status != 200 {
			b.Fatalf("%s %s: %s", op, body, out)
		}
	}
	run("CreateTable", `{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"},`+
		`{"AttributeName":"queue","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],`+
		`"BillingMode":"PAY_PER_REQUEST","LocalSecondaryIndexes":[{"IndexName":"queue","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},`+
		`{"AttributeName":"queue","KeyType":"RANGE"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}],`+
		`"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`)
	for i := range n {
		run("PutItem", fmt.Sprintf(benchItem, i*7919%n))
	}
	return e
}

func benchCall(b *testing.B, e *Engine, op string, body func(int) string) {
	b.Helper()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if status, _, out := e.answer("DynamoDB_20120810."+op, []byte(body(i))); status != 200 {
			b.Fatalf("%s", out)
		}
	}
}

func BenchmarkUpdateItem(b *testing.B) {
	e := benchEngine(b, 10000)
	benchCall(b, e, "UpdateItem", func(i int) string { return fmt.Sprintf(benchUpdate, i%10000) })
}

func BenchmarkPutItem(b *testing.B) {
	e := benchEngine(b, 100000)
	benchCall(b, e, "PutItem", func(i int) string { return fmt.Sprintf(benchItem, i*7919%200000) })
}

func BenchmarkGetItem(b *testing.B) {
	e := benchEngine(b, 10000)
	benchCall(b, e, "GetItem", func(i int) string {
		return fmt.Sprintf(`{"TableName":"tab","Key":{"pk":{"S":"math.add"},"sk":{"N":"%d"}},"ConsistentRead":true}`, i%10000)
	})
}

func BenchmarkQuery16(b *testing.B) {
	e := benchEngine(b, 100000)
	benchCall(b, e, "Query", func(i int) string {
		return fmt.Sprintf(`{"TableName":"tab","KeyConditionExpression":"pk = :p AND sk >= :s",`+
			`"ExpressionAttributeValues":{":p":{"S":"math.add"},":s":{"N":"%d"}},"Limit":16,"ConsistentRead":true}`, i%90000)
	})
}

func BenchmarkUpdateItemThroughSDK(b *testing.B) {
	e := benchEngine(b, 1000)
	db, _ := engineClients(e)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, err := db.UpdateItem(b.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("tab"), Key: key("math.add", i%1000),
			UpdateExpression: aws.String("SET holder = :who, attempt = attempt + :n"), ConditionExpression: aws.String("#s = :waiting"),
			ExpressionAttributeNames:  map[string]string{"#s": "state"},
			ExpressionAttributeValues: attributes{":n": number(1), ":who": text("x"), ":waiting": text("waiting")}})
		if err != nil {
			b.Fatal(err)
		}
	}
}
