package queue_test

import (
	"testing"

	"nexus/localstack/queue"
)

// BenchmarkRoundTrip sends, receives and deletes a message through the SDK, whose own share is most of it.
func BenchmarkRoundTrip(b *testing.B) {
	f := fixture{t: b, sqs: client(queue.New(queue.Config{}))}
	f.url = f.create("jobs", nil)
	b.ReportAllocs()
	for b.Loop() {
		f.send("x", 0)
		f.delete(f.receive(0)[0].ReceiptHandle)
	}
}
