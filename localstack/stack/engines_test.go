package stack_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// The environment variables that name engines elsewhere, which `go run ./localstack/engine` sets.
const (
	dynamoDBLocal = "NEXUS_DYNAMODB_LOCAL" // URL of a DynamoDB Local
	otherEngine   = "NEXUS_ENDPOINT"       // URL of an engine with DynamoDB, its streams and SQS
)

func TestTranscriptsOnDynamoDBLocal(t *testing.T) {
	endpoint := os.Getenv(dynamoDBLocal)
	if endpoint == "" {
		t.Skipf("SKIPPED: the transcripts were not played on DynamoDB Local; `make test-dynamodb-local` does, or set %s to its URL", dynamoDBLocal)
	}
	playOn(t, stack.Remote{Endpoint: endpoint, EmbeddedQueue: true})
}

func TestTranscriptsOnAnotherEngine(t *testing.T) {
	endpoint := os.Getenv(otherEngine)
	if endpoint == "" {
		t.Skipf("SKIPPED: the transcripts were not played on another engine; `make test-localstack-free` does, or set %s to the URL of one", otherEngine)
	}
	playOn(t, stack.Remote{Endpoint: endpoint})
}

// playOn plays the transcripts on a stack whose tables are elsewhere, all but those that move the clock by more than a few seconds: there it is the
// world's.
func playOn(t *testing.T, r stack.Remote) {
	r.Prefix = "nexus-test-" + rand.Text()[:6] + "-" // several runs may share an engine
	t.Cleanup(func() { dropTables(t, r) })           // once the stack has ended
	s := start(t, stack.Config{Listen: "127.0.0.1:0", Remote: r})
	report := transcript.Suite{
		Scripts: scripts(t), Together: 4, Patience: 4 * time.Second, Each: func(r transcript.Result) { t.Log(r) },
	}.Play(t.Context(), &transcript.WebSocket{URL: "ws://" + s.Addr, User: "root", Pass: "root", Clock: transcript.Sleep})
	t.Log(report)
	if len(report.Failed()) > 0 {
		t.Fail()
	}
}

// dropTables leaves an engine that is not the test's own as it was found.
func dropTables(t *testing.T, r stack.Remote) {
	client := dynamodb.New(dynamodb.Options{Region: stack.Region, BaseEndpoint: &r.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	for _, table := range store.Schema() {
		if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(r.Prefix + table.Name)}); err != nil {
			t.Error(err)
		}
	}
}
