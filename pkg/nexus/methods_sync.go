package nexus

import (
	"context"
	"errors"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/lock"
)

func syncMethods() []Method {
	return []Method{
		guarded("sync.count", FunctionSync, readCount, countSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.Count) (jsonrpc.Outcome, error) {
				return b.Locks.Count(ctx, c, p)
			}),
		guarded("sync.list", FunctionSync, readList, listSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Locks.List(ctx, c, p)
			}),
		guarded("sync.lock", FunctionSync, lock.ReadNamed, lock.Named.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p lock.Named) (jsonrpc.Outcome, error) {
				return owned(c)(b.Locks.Lock(ctx, c, p))
			}),
		// Whose session has ended has lost the lock; but it stays in sync.list until somebody wants it.
		outlives(guarded("sync.unlock", FunctionSync, lock.ReadNamed, lock.Named.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p lock.Named) (jsonrpc.Outcome, error) {
				return owned(c)(b.Locks.Unlock(ctx, c, p))
			})),
	}
}

// owned makes the error of a lock that is not one's own the answer that dialect v0 has for it.
func owned(c *call.Call) func(jsonrpc.Outcome, error) (jsonrpc.Outcome, error) {
	return func(outcome jsonrpc.Outcome, err error) (jsonrpc.Outcome, error) {
		if e, ok := errors.AsType[*jsonrpc.Error](err); ok && e.Code == jsonrpc.LockNotOwned && c.Node.Stage == V0 {
			return `"result":{"ok":false}`, nil
		}
		return outcome, err
	}
}
