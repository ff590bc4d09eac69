package nexus

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/task"
)

func taskMethods() []Method {
	return []Method{
		// The task may be anybody's. By an id it cancels only calls of the session, which are over.
		outlives(free("task.cancel", FunctionTask, task.ReadCancel,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Cancel) (jsonrpc.Outcome, error) {
				return b.Tasks.Cancel(ctx, c, p)
			})),
		guarded("task.count", FunctionTask, readCount, countSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.Count) (jsonrpc.Outcome, error) {
				return b.Tasks.Count(ctx, c, p)
			}),
		// The worker is done; the pusher waits.
		outlives(free("task.error", FunctionTask, task.ReadError, finishTask)),
		guarded("task.list", FunctionTask, readList, listSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Tasks.List(ctx, c, p)
			}),
		guarded("task.pull", FunctionTask, task.ReadPull, task.Pull.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Pull) (jsonrpc.Outcome, error) {
				return b.Tasks.Pull(ctx, c, p)
			}),
		// A detached task is nobody's; any other is dropped with its session.
		outlivesIf(guarded("task.push", FunctionTask, task.ReadPush, task.Push.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Push) (jsonrpc.Outcome, error) {
				return b.Tasks.Push(ctx, c, p)
			}), task.ReadPush, func(p task.Push) bool { return p.Detached }),
		// As the end of the session would have it, but it may be of a task of another's.
		outlives(free("task.reject", FunctionTask, task.ReadReject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Named) (jsonrpc.Outcome, error) {
				return b.Tasks.Reject(ctx, c, p)
			})),
		// As task.error.
		outlives(free("task.result", FunctionTask, task.ReadResult, finishTask)),
	}
}

func finishTask(b *Bus, ctx context.Context, c *call.Call, p task.Finish) (jsonrpc.Outcome, error) {
	return b.Tasks.Finish(ctx, c, p)
}
