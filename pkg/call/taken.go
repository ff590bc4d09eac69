package call

import (
	"context"
	"time"
)

type takenKey struct{}

// Taken returns a context of the handler of an event that API Gateway took at a time.
func Taken(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, takenKey{}, at)
}

// TakenAt is when API Gateway took the event whose handler a context is of; ok is false if it is of none.
func TakenAt(ctx context.Context) (at time.Time, ok bool) {
	at, ok = ctx.Value(takenKey{}).(time.Time)
	return at, ok
}
