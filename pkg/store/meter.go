package store

import (
	"context"
	"sync"
)

// Meter counts the capacity units that one call of the protocol consumed, as DynamoDB reports them. A cancelled transaction reports none; it is
// counted as two units a write, what it costs for items up to 1 KB.
type Meter struct {
	mu    sync.Mutex
	write float64
	read  float64
}

// Units returns the write and read units counted so far.
func (m *Meter) Units() (write, read float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.write, m.read
}

func (m *Meter) add(write, read float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.write += write
	m.read += read
}

type meterKey struct{}

// WithMeter makes everything that the store does under the context count into m.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

func count(ctx context.Context, write, read float64) {
	if m, ok := ctx.Value(meterKey{}).(*Meter); ok {
		m.add(write, read)
	}
}
