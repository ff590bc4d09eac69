package gateway

import (
	"sync"
	"time"
)

// Throttle is a token bucket of a route of a stage: Rate messages a second, Burst at once.
type Throttle struct {
	Rate  float64
	Burst int
}

// buckets are those of all routes and stages.
type buckets struct {
	mu sync.Mutex
	by map[[2]string]*bucket // by stage and route key
}

// bucket is a Throttle at work.
type bucket struct {
	tokens float64
	at     time.Time // when it had them
}

// passes takes a token for a message or a connection of a route. It reports whether there was one. $disconnect is never refused: AWS says nothing of it, and
// there is nobody to tell.
func (g *Gateway) passes(stage, key string) bool {
	t, throttled := g.config.Throttles[key]
	if !throttled || key == routeDisconnect {
		return true
	}
	now := g.config.Clock.Now()
	g.buckets.mu.Lock()
	defer g.buckets.mu.Unlock()
	b := g.buckets.by[[2]string{stage, key}]
	if b == nil {
		b = &bucket{tokens: float64(t.Burst), at: now}
		g.buckets.by[[2]string{stage, key}] = b
	}
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(float64(t.Burst), b.tokens+passed.Seconds()*t.Rate)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// messageThrottled is what a client is told whose message, or connection, went beyond a Throttle.
const messageThrottled = "Too Many Requests"
