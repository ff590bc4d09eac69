package iam

import "testing"

// Whether a request for items reads an attribute: it names it, by whatever expression name, or names none.
func TestReads(t *testing.T) {
	for body, want := range map[string]bool{
		`{"TableName":"users","Key":{}}`: true,
		`{"TableName":"users","ProjectionExpression":"#a, tags","ExpressionAttributeNames":{"#a":"user"}}`:                                   false,
		`{"TableName":"users","ProjectionExpression":"tags, hash"}`:                                                                          true,
		`{"TableName":"users","ProjectionExpression":"#tags","ExpressionAttributeNames":{"#tags":"hash"}}`:                                   true,
		`{"TableName":"users","ProjectionExpression":"hash.x"}`:                                                                              true,
		`{"TableName":"users","ProjectionExpression":" hash[0]"}`:                                                                            true,
		`{"TableName":"users","ProjectionExpression":"hashes"}`:                                                                              false,
		`{"RequestItems":{"other":{"ProjectionExpression":"hash"},"users":{"ProjectionExpression":"tags"}}}`:                                 false,
		`{"RequestItems":{"other":{"ProjectionExpression":"tags"},"users":{"Keys":[]}}}`:                                                     true,
		`{"RequestItems":{"users":{"ProjectionExpression":"#h","ExpressionAttributeNames":{"#h":"hash"}}},"ReturnConsumedCapacity":"TOTAL"}`: true,
	} {
		n := Need{Service: DynamoDB, Action: "GetItem", Resource: "users"}
		if body[2] == 'R' {
			n.Action = "BatchGetItem"
		}
		if got, err := n.reads([]byte(body), "hash"); got != want || err != nil {
			t.Errorf("%s: %t, %v; want %t", body, got, err, want)
		}
	}
	if _, err := (Need{Action: "GetItem"}).reads([]byte(`[`), "hash"); err == nil {
		t.Error("what cannot be read is let pass")
	}
}
