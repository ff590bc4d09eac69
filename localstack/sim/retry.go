package sim

import (
	"context"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/handler"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// How requests are sent again. In most runs at once, and as often as may be; in the patient ones after a while, and only as long as the SDK's quota lasts:
// each client has some tokens, an attempt that is repeated costs five, and one that did not need it brings one back.

// quota is how many tokens a client has at most in a patient run. An environment on Lambda begins with 500, and sends more than a run does.
const quota = 60

// retryer returns how a client of AWS sends again what failed. The SDK's own waits are in the wire: they are no goroutines' there, and in an order.
func (w *world) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.RateLimiter = handler.Attempts, ratelimit.None
		if w.patient {
			o.RateLimiter = ratelimit.NewTokenRateLimit(w.tokens)
		}
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// wait is how long the SDK waits before it sends a request, as handler's own backoff says.
func (w *world) wait(r *request) time.Duration {
	n := r.attempt()
	if !w.patient || n < 2 {
		return 0
	}
	most := min(time.Duration(n-1)*100*time.Millisecond, 200*time.Millisecond)
	chance := mix(w.seed ^ uint64(r.inv.n)<<32 ^ uint64(len(r.body))<<8 ^ uint64(n))
	return 25*time.Millisecond + time.Duration(chance%uint64(most-25*time.Millisecond))
}

// pause is the handlers' before they try again what met contention, or a client that does not read.
func (w *world) pause(ctx context.Context, attempt int) error {
	if !w.patient {
		return nil // the next attempt parks
	}
	ready := make(chan struct{})
	w.agenda.add(time.Now().Add(min(500*time.Millisecond, 10*time.Millisecond<<min(attempt, 6))/2), func() { close(ready) })
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.wire.over:
		return errOver
	}
}

// attempt is the number of a request among those of its client that are the same.
func (r *request) attempt() int {
	text, _, _ := strings.Cut(strings.TrimPrefix(r.http.Header.Get("Amz-Sdk-Request"), "attempt="), ";")
	n, _ := strconv.Atoi(text) // of what is no number: 0
	return n
}

// last tells whether a request is the last attempt of its client.
func (r *request) last() bool { return r.attempt() == handler.Attempts }
