package stack_test

import (
	"os"
	"testing"
	"testing/synctest"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/handler"
)

// TestLimitsOfPipes plays what a client meets where a deployment has lower limits than others.
func TestLimitsOfPipes(t *testing.T) {
	const name = "pipe.limits.txt"
	src, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	script, err := transcript.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := start(t, stack.Config{Chances: ordered(), Env: map[string]string{handler.EnvPipes: "3", handler.EnvReads: "2", handler.EnvUnread: "131072"}})
		if err := script.Play(t.Context(), &inProcess{s.Gateway}); err != nil {
			t.Error(err)
		}
	})
}
