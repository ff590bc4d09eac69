package main

import (
	"context"
	"encoding/json"

	"nexus/pkg/client"
)

// pipe is a pipe and the session that reads it.
type pipe struct {
	ID    string `json:"pipeid"`
	owner *client.Client
}

func createPipe(ctx context.Context, owner *client.Client) (*pipe, error) {
	p := &pipe{owner: owner}
	return p, owner.Call(ctx, "pipe.create", nil, p)
}

// message is a pipe.write's params.
type message struct {
	ID  string `json:"pipeid"`
	Msg any    `json:"msg"`
}

// mostRead is how many messages a read takes at most.
const mostRead = 100

// read waits for messages. It returns none once the pipe is closed.
func (p *pipe) read(ctx context.Context) ([]json.RawMessage, error) {
	var answer struct {
		Msgs []struct{ Msg json.RawMessage }
	}
	params := struct {
		ID  string `json:"pipeid"`
		Max int    `json:"max"`
	}{p.ID, mostRead}
	if err := p.owner.Call(ctx, "pipe.read", params, &answer); err != nil {
		return nil, err
	}
	messages := make([]json.RawMessage, len(answer.Msgs))
	for i, m := range answer.Msgs {
		messages[i] = m.Msg
	}
	return messages, nil
}

func (p *pipe) close(ctx context.Context) error { return p.owner.Call(ctx, "pipe.close", p, nil) }
