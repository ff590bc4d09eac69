package main

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/template.json anew")

// The whole template of the standard options, so that no change to it goes unseen. Hashes of what is uploaded are left out.
func TestGolden(t *testing.T) {
	const golden = "testdata/template.json"
	got := append(regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAll(loaded(t, standard).text, []byte("HASH")), '\n')
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the template is not %s: see `go test . -run Golden -update` and git diff", golden)
	}
}
