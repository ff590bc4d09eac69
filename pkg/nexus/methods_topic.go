package nexus

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/pipe"
	"nexus/pkg/topic"
)

func topicMethods() []Method {
	return []Method{
		guarded("topic.count", FunctionTopic, readCount, countSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.Count) (jsonrpc.Outcome, error) {
				return b.Topics.Count(ctx, c, p)
			}),
		guarded("topic.list", FunctionTopic, readList, listSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Topics.List(ctx, c, p)
			}),
		// Those who hear it are others.
		outlives(guarded("topic.pub", FunctionTopic, topic.ReadPub, topic.Pub.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p topic.Pub) (jsonrpc.Outcome, error) {
				return b.Topics.Pub(ctx, c, p, c.Node.Stage == V1) // v0 does not count whom it reaches, and does not pay for it
			})),
		// Of another's pipe; one's own is closed.
		outlives(guarded("topic.sub", FunctionTopic, topic.ReadSubscription, topic.Subscription.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p topic.Subscription) (jsonrpc.Outcome, error) {
				return b.Topics.Sub(ctx, c, p)
			})),
		// As topic.sub.
		outlives(guarded("topic.unsub", FunctionTopic, topic.ReadSubscription, topic.Subscription.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p topic.Subscription) (jsonrpc.Outcome, error) {
				return b.Topics.Unsub(ctx, c, p)
			})),
	}
}

// fanned is the pipes as topics see them.
type fanned struct{ *pipe.Pipes }

// Append implements topic.Pipes.
func (f fanned) Append(ctx context.Context, pipeid string, d topic.Delivery) (there bool, err error) {
	return f.Pipes.Append(ctx, pipeid, pipe.Publications(d))
}
