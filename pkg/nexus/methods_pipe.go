package nexus

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/pipe"
)

// Pipes need no tag of who has logged in: whoever knows one's id may write to it; reading and closing are its creator's.
func pipeMethods() []Method {
	return []Method{
		free("pipe.close", FunctionPipe, pipe.ReadClose, pipes((*pipe.Pipes).Close)),
		free("pipe.create", FunctionPipe, pipe.ReadCreate, pipes((*pipe.Pipes).Create)),
		free("pipe.read", FunctionPipe, pipe.ReadRead, pipes((*pipe.Pipes).Read)),
		// Whoever reads the pipe is another, or else it is closed by then.
		outlives(free("pipe.write", FunctionPipe, pipe.ReadWrite, pipes((*pipe.Pipes).Write))),
	}
}

// pipes makes a method of the bus of one of its pipes'.
func pipes[P any](run func(*pipe.Pipes, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error) {
	return func(b *Bus, ctx context.Context, c *call.Call, p P) (jsonrpc.Outcome, error) {
		return run(b.Pipes, ctx, c, p)
	}
}
