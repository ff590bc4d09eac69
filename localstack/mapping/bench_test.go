package mapping

import "testing"

// A record costs one match for each filter: this is what a busy stream pays.
func BenchmarkFilter(b *testing.B) {
	f, err := ParseFilter(`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"id":{"S":[{"prefix":"row-"}]}}}}`)
	if err != nil {
		b.Fatal(err)
	}
	event := []byte(sample)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := f.Matches(event); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
