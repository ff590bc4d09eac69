package stack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"nexus/localstack/stack"
)

// BenchmarkTask measures a task's whole way, pull, push and result, without sockets: what the functions and the engines cost.
func BenchmarkTask(b *testing.B) {
	s, err := stack.Start(b.Context(), stack.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	target := &inProcess{s.Gateway}
	open := func() *client {
		c, err := target.Dial(b.Context(), "/v0")
		if err != nil {
			b.Fatal(err)
		}
		m := c.(*client)
		m.ask(b, `{"id":0,"method":"sys.login","params":{"user":"root","pass":"root"}}`)
		return m
	}
	worker, pusher := open(), open()
	for b.Loop() {
		_ = worker.Send([]byte(`{"id":1,"method":"task.pull","params":{"prefix":"bench"}}`))
		_ = pusher.Send([]byte(`{"id":2,"method":"task.push","params":{"method":"bench.x","params":{"n":1}}}`))
		var pulled struct{ Result struct{ Taskid string } }
		text, _ := worker.Receive(b.Context())
		if err := json.Unmarshal(text, &pulled); err != nil || pulled.Result.Taskid == "" {
			b.Fatalf("%s %v", text, err)
		}
		worker.ask(b, fmt.Sprintf(`{"id":3,"method":"task.result","params":{"taskid":%q,"result":1}}`, pulled.Result.Taskid))
		if _, err := pusher.Receive(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func (c *client) ask(b *testing.B, text string) {
	_ = c.Send([]byte(text))
	if _, err := c.Receive(context.Background()); err != nil {
		b.Fatal(err)
	}
}
