package pipe

import (
	"context"
	"encoding/json"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// Write is what pipe.write takes.
type Write struct {
	Pipeid   string
	Messages []json.RawMessage
}

// ReadWrite reads pipe.write's params.
func ReadWrite(p *jsonrpc.Params) Write {
	in := Write{Pipeid: p.String("pipeid")}
	msg, ok := p.Raw("msg")
	if !ok {
		msg = json.RawMessage("null")
	}
	in.Messages = []json.RawMessage{msg}
	if p.OptBool("multi") {
		in.Messages = nil
		if len(msg) == 0 || msg[0] != '[' || json.Unmarshal(msg, &in.Messages) != nil {
			p.Fail("msg", "no array")
		}
	}
	for _, m := range in.Messages {
		if len(m) > MaxMessage {
			p.Fail("msg", "over 120 KB")
		}
	}
	return in
}

// Write carries out pipe.write.
func (p *Pipes) Write(ctx context.Context, c *call.Call, in Write) (jsonrpc.Outcome, error) {
	if !valid(in.Pipeid) {
		return "", invalid(in.Pipeid)
	}
	m, err := p.get(ctx, in.Pipeid)
	switch {
	case err != nil:
		return "", err
	case !m.open():
		return "", invalid(in.Pipeid)
	case len(in.Messages) == 0:
		return jsonrpc.OK, nil
	}
	there, err := p.put(ctx, m, &entry{pipeid: in.Pipeid, messages: in.Messages, writer: c})
	if err == nil && !there {
		return "", invalid(in.Pipeid)
	}
	return "", err
}
