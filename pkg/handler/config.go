package handler

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// connections is how many connections to AWS stay open for the next request. The SDK's own 10 to a host would have a fan-out open most of its anew.
const connections = 128

// awsConfig is the SDK's configuration by what Lambda puts into an environment.
func awsConfig(env func(string) string) aws.Config {
	return aws.Config{
		Region:      env("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")),
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(AttemptTimeout).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost, t.IdleConnTimeout = connections, connections, idle
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts, o.Backoff = Attempts, retry.BackoffDelayerFunc(backoff)
			})
		},
	}
}

// idle is how long a connection that nothing goes over may be used again. Services close theirs after a minute or so, and an environment that Lambda
// has frozen in between does not hear of it: its next request would be lost on a dead connection. Its age is taken by the wall clock, which goes on.
const idle = 40 * time.Second

// The bounds of what the SDK waits before it sends a request again. Its own are 0 to 2 s, then 0 to 4 s, longer than a call should take as a whole.
const (
	leastBackoff = 25 * time.Millisecond
	mostBackoff  = 200 * time.Millisecond
)

// backoff returns how long to wait before the second attempt (1) or a later one: by chance, from leastBackoff to 100 ms, and from the third on to mostBackoff.
func backoff(attempt int, _ error) (time.Duration, error) {
	most := min(time.Duration(max(attempt, 1))*mostBackoff/2, mostBackoff)
	return leastBackoff + rand.N(most-leastBackoff+1), nil
}
