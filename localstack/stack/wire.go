package stack

import (
	"net/http"
	"strings"

	"nexus/localstack/gateway"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"
)

// Region and Account are what local ARNs carry. The region is a real one: the SDK spends twice the time on a region it does not know.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// wire carries the SDK's requests to the services, told apart as AWS's endpoints would be by their host.
type wire struct {
	tables, streams, queues service
	gateway                 func() *gateway.Gateway // made after the clients that post through it
}

// service is what serves the same in process and on a port: an embedded engine, the gateway, or the way to a remote service.
type service interface {
	http.RoundTripper
	http.Handler
}

func (w *wire) service(r *http.Request) service {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, "DynamoDBStreams_"):
		return w.streams
	case strings.HasPrefix(target, "DynamoDB_"):
		return w.tables
	case strings.HasPrefix(target, "AmazonSQS"):
		return w.queues
	}
	g := w.gateway()
	return connections{g, g.Management()}
}

// connections is the @connections API.
type connections struct {
	http.RoundTripper
	http.Handler
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) { return w.service(r).RoundTrip(r) }

// ServeHTTP implements http.Handler, for functions in processes of their own.
func (w *wire) ServeHTTP(out http.ResponseWriter, r *http.Request) { w.service(r).ServeHTTP(out, r) }

// doer makes an SDK's HTTP client of a round tripper. There are no redirects, cookies or time-outs to look after in process.
type doer struct{ http.RoundTripper }

// Do implements the SDK's HTTPClient.
func (d doer) Do(r *http.Request) (*http.Response, error) { return d.RoundTrip(r) }

// config returns the SDK configuration by which requests go over a round tripper, unsigned: nobody in process would look at a signature, and
// making one is half of a request's cost.
func config(rt http.RoundTripper, retryer func() aws.Retryer) aws.Config {
	return aws.Config{
		Region: Region, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), HTTPClient: doer{rt}, Retryer: retryer,
		APIOptions: []func(*middleware.Stack) error{unsigned},
	}
}

func unsigned(s *middleware.Stack) error {
	for _, id := range []string{"Signing", "ComputePayloadHash"} {
		if _, ok := s.Finalize.Get(id); ok {
			if _, err := s.Finalize.Remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}
