package gateway_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
)

// The whole of each event, byte for byte. Members and their order are those of events that AWS's libraries publish as samples.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{"say": ok})
		config.APIID, config.Region = "abcdef1234", "eu-west-1"
		g := gateway.New(config)
		c, _ := connect(t, g)
		time.Sleep(1500 * time.Millisecond)
		c.Receive([]byte(`{"method":"say","é":"<&>\n"}`))
		time.Sleep(time.Hour / 60)
		c.Closed(4001, "bye")
		synctest.Wait()

		for eventType, want := range map[string]string{
			"CONNECT": `{
 "headers":{"Host":"abcdef1234.execute-api.eu-west-1.amazonaws.com","User-Agent":"test/1","X-Forwarded-For":"192.0.2.7","X-Forwarded-Port":"443","X-Forwarded-Proto":"https","X-Twice":"b"},
 "multiValueHeaders":{"Host":["abcdef1234.execute-api.eu-west-1.amazonaws.com"],"User-Agent":["test/1"],"X-Forwarded-For":["192.0.2.7"],"X-Forwarded-Port":["443"],"X-Forwarded-Proto":["https"],"X-Twice":["a","b"]},
 "queryStringParameters":{"q":"2"},
 "multiValueQueryStringParameters":{"q":["1","2"]},
 "requestContext":{"routeKey":"$connect","eventType":"CONNECT","extendedRequestId":"id-0002/+%=","requestTime":"01/Jan/2000:00:00:00 +0000","messageDirection":"IN","stage":"v0","connectedAt":946684800000,"requestTimeEpoch":946684800000,"identity":{"userAgent":"test/1","sourceIp":"192.0.2.7"},"requestId":"id-0002/+%=","domainName":"abcdef1234.execute-api.eu-west-1.amazonaws.com","connectionId":"id-0001/+%=","apiId":"abcdef1234"},
 "isBase64Encoded":false}`,
			"MESSAGE": `{
 "requestContext":{"routeKey":"say","messageId":"id-0004/+%=","eventType":"MESSAGE","extendedRequestId":"id-0003/+%=","requestTime":"01/Jan/2000:00:00:01 +0000","messageDirection":"IN","stage":"v0","connectedAt":946684800000,"requestTimeEpoch":946684801500,"identity":{"userAgent":"test/1","sourceIp":"192.0.2.7"},"requestId":"id-0003/+%=","domainName":"abcdef1234.execute-api.eu-west-1.amazonaws.com","connectionId":"id-0001/+%=","apiId":"abcdef1234"},
 "body":"{\"method\":\"say\",\"é\":\"<&>\\n\"}",
 "isBase64Encoded":false}`,
			"DISCONNECT": `{
 "headers":{"Host":"abcdef1234.execute-api.eu-west-1.amazonaws.com","X-Forwarded-For":"","x-api-key":"","x-restapi":""},
 "multiValueHeaders":{"Host":["abcdef1234.execute-api.eu-west-1.amazonaws.com"],"X-Forwarded-For":[""],"x-api-key":[""],"x-restapi":[""]},
 "requestContext":{"routeKey":"$disconnect","disconnectStatusCode":4001,"eventType":"DISCONNECT","extendedRequestId":"id-0005/+%=","requestTime":"01/Jan/2000:00:01:01 +0000","messageDirection":"IN","disconnectReason":"bye","stage":"v0","connectedAt":946684800000,"requestTimeEpoch":946684861500,"identity":{"userAgent":"test/1","sourceIp":"192.0.2.7"},"requestId":"id-0005/+%=","domainName":"abcdef1234.execute-api.eu-west-1.amazonaws.com","connectionId":"id-0001/+%=","apiId":"abcdef1234"},
 "isBase64Encoded":false}`,
		} {
			raw, _ := f.event(t, eventType)
			wantEqual(t, eventType, string(raw), strings.ReplaceAll(want, "\n ", ""))
			strict := json.NewDecoder(bytes.NewReader(raw))
			strict.DisallowUnknownFields()
			if err := strict.Decode(&request{}); err != nil {
				t.Errorf("aws-lambda-go does not know the %s event: %v", eventType, err)
			}
		}
	})
}

// Ids that nobody injects look like API Gateway's and differ.
func TestDefaultIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, config := newAPI(handlers{})
		config.NewID = nil
		g := gateway.New(config)
		a, _ := connect(t, g)
		b, _ := connect(t, g)
		if len(a.ID()) != 16 || a.ID()[15] != '=' || a.ID() == b.ID() {
			t.Fatalf("%q %q", a.ID(), b.ID())
		}
		g.Close()
	})
}
