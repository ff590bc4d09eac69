package iam_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nexus/localstack/iam"
)

func TestNeeds(t *testing.T) {
	const tables, streams, queues = "DynamoDB_20120810.", "DynamoDBStreams_20120810.", "AmazonSQS."
	for _, c := range []struct{ target, body, want string }{
		{tables + "GetItem", `{"Key":{"TableName":{"S":"\"TableName\":\"x\""}},"TableName":"t"}`, "dynamodb:GetItem on t"},
		{tables + "PutItem", ` { "TableName" : "t" , "Item" : { "a" : { "S" : "}" } } } `, "dynamodb:PutItem on t"},
		{tables + "Query", `{"TableName":"t","KeyConditionExpression":"a = :a"}`, "dynamodb:Query on t"},
		{tables + "Query", `{"IndexName":"i","TableName":"t"}`, "dynamodb:Query on t/index/i"},
		{tables + "Scan", `{"IndexName":"i","TableName":"t","Limit":1}`, "dynamodb:Scan on t/index/i"},
		{tables + "BatchGetItem", `{"RequestItems":{"u":{"Keys":[]},"t":{"Keys":[]}}}`, "dynamodb:BatchGetItem on t, dynamodb:BatchGetItem on u"},
		{tables + "BatchWriteItem", `{"RequestItems":{"t":[]}}`, "dynamodb:BatchWriteItem on t"},
		{tables + "TransactWriteItems", `{"ClientRequestToken":"x","TransactItems":[{"Update":{"TableName":"t"}},{"Put":{"TableName":"u"}},
			{"Delete":{"TableName":"t"}},{"ConditionCheck":{"TableName":"t"}},{"Update":{"TableName":"t"}}]}`,
			"dynamodb:ConditionCheckItem on t, dynamodb:DeleteItem on t, dynamodb:PutItem on u, dynamodb:UpdateItem on t"},
		{tables + "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"t"}}]}`, "dynamodb:GetItem on t"},
		{tables + "TransactWriteItems", `{"TransactItems":[{"Touch":{"TableName":"t"}}]}`, "error"},
		{tables + "DeleteTable", `{"TableName":"t"}`, "dynamodb:DeleteTable on t"},
		{streams + "GetRecords", `{}`, "dynamodb:GetRecords on "},
		{queues + "SendMessage", `{"QueueUrl":"http://host/000000000000/q","DelaySeconds":5}`, "sqs:SendMessage on q"},
		{queues + "SendMessageBatch", `{"QueueUrl":"http://host/000000000000/q","Entries":[]}`, "sqs:SendMessage on q"},
		{queues + "PurgeQueue", `{"QueueUrl":"http://host/000000000000/q"}`, "sqs:PurgeQueue on q"},
		{"Kinesis_20131202.PutRecord", `{}`, "error"},
		{tables + "GetItem", `{"TableName":7}`, "error"},
		{tables + "GetItem", `["TableName"]`, "error"},
		{tables + "GetItem", `{"TableName":"t",}`, "error"},
		{tables + "GetItem", `{"TableName":"t"`, "error"},
		{tables + "GetItem", ``, "error"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://host/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", c.target)
		check(t, c.target+" "+c.body, r, c.body, c.want)
	}
}

func TestNeedsOfConnections(t *testing.T) {
	for _, c := range []struct{ method, path, want string }{
		{http.MethodPost, "/v0/@connections/abc=", "execute-api:ManageConnections on POST"},
		{http.MethodGet, "/v1/%40connections/abc%3D", "execute-api:ManageConnections on GET"},
		{http.MethodDelete, "/v1/@connections/a%2Fb", "execute-api:ManageConnections on DELETE"},
		{http.MethodPost, "/v0/connections/abc", "error"},
		{http.MethodPost, "/@connections/abc", "error"},
		{http.MethodPost, "/", "error"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://host"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, c.method+" "+c.path, r, "not looked at", c.want)
	}
}

func check(t *testing.T, name string, r *http.Request, body, want string) {
	t.Helper()
	needs, err := iam.Needs(r, []byte(body))
	var got []string
	for _, n := range needs {
		got = append(got, fmt.Sprint(n))
	}
	if err != nil {
		got = []string{"error"}
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("%s: needs %q, %v; want %q", name, got, err, want)
	}
}
