package harness

import (
	"context"
	"strings"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// Call carries out a call with params as a client sends them.
func Call[P any](ctx context.Context, c *call.Call, params string, read func(*jsonrpc.Params) P,
	run func(context.Context, *call.Call, P) (jsonrpc.Outcome, error)) (jsonrpc.Outcome, error) {
	p := jsonrpc.ReadParams([]byte(params))
	in := read(p)
	if err := p.Err(); err != nil {
		return "", err
	}
	return run(ctx, c, in)
}

// Detail tells why read refuses params, by the detail of their Invalid params; it is empty where read takes them.
func Detail[P any](read func(*jsonrpc.Params) P) func(params string) string {
	return func(params string) string {
		p := jsonrpc.ReadParams([]byte(params))
		read(p)
		if p.Err() == nil {
			return ""
		}
		e := p.Err().Error()
		if detail, ok := strings.CutPrefix(e, "-32602 Invalid params:["); ok {
			return strings.TrimSuffix(detail, "]")
		}
		return e
	}
}

// Answer is what is left to be said to the caller: a result, or an error of the protocol; nothing where the call's answer was posted or will be. It
// is "recorded" for an error that nobody is told, since it came after the call's first write, and "unknown" for one that is not of the protocol.
func Answer(o jsonrpc.Outcome, err error) string {
	if call.IsRecorded(err) {
		return "recorded"
	}
	if err != nil {
		e, known := jsonrpc.From(err)
		if !known {
			return "unknown"
		}
		return e.Error()
	}
	return strings.TrimPrefix(string(o), `"result":`)
}

// Brief is a message that answers a call without what all have: "7 result", or "7 error {…}".
func Brief(message string) string {
	rest, ok := strings.CutPrefix(message, `{"jsonrpc":"2.0","id":`)
	if !ok {
		return message
	}
	rest = strings.Replace(strings.TrimSuffix(rest, "}"), `,"result":`, " ", 1)
	return strings.Replace(rest, `,"error":`, " error ", 1)
}
