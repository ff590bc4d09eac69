package stack

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"nexus/localstack/clock"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// AWS is the Endpoint that means AWS itself.
const AWS = "aws"

// Remote is an engine elsewhere that holds the tables, their streams and the queues in place of the embedded ones. The zero value is none.
//
// What is missing there is created, and stays. The requests of the functions go there by way of the stack, which signs them: the functions never
// see the credentials.
type Remote struct {
	Endpoint      string                  // URL of the engine, such as http://127.0.0.1:4566, or AWS; empty: none
	EmbeddedQueue bool                    // it has no SQS, like DynamoDB Local: the queues stay embedded
	Prefix        string                  // before the names of its tables and queues; TablePrefix where empty
	Region        string                  // the constant Region where empty
	Credentials   aws.CredentialsProvider // test, test where nil, which emulators take
}

// inNames is what both a table's and a queue's name may have.
var inNames = regexp.MustCompile(`^[A-Za-z0-9_-]{0,60}$`)

func (r Remote) check(c Config) error {
	if r.Endpoint == "" {
		if r.EmbeddedQueue || r.Prefix != "" || r.Region != "" || r.Credentials != nil {
			return errors.New("stack: Remote has settings, and no Endpoint that they are for")
		}
		return nil
	}
	if r.Endpoint != AWS {
		u, err := url.Parse(r.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("stack: the endpoint %q is neither %s nor a URL of the form http://host:port", r.Endpoint, AWS)
		}
	}
	if !inNames.MatchString(r.Prefix) {
		return fmt.Errorf("stack: the prefix %q is not up to 60 letters, digits, - and _, as names of tables and queues are", r.Prefix)
	}
	if _, ok := c.Clock.(clock.Real); !ok {
		return errors.New("stack: a remote engine goes by the machine's clock only")
	}
	if c.DynamoDB != "" {
		return fmt.Errorf("stack: the tables are at %s, there are none to serve at %s", r.Endpoint, c.DynamoDB)
	}
	return nil
}

// prefix is what stands before the names of tables and queues.
func (r Remote) prefix() string { return cmp.Or(r.Prefix, TablePrefix) }

// services returns the three services as the stack reaches them, over one pool of connections.
func (r Remote) services() (tables, streams, queues *remoteService) {
	region := cmp.Or(r.Region, Region)
	if r.Credentials == nil {
		r.Credentials = credentials.NewStaticCredentialsProvider("test", "test", "")
	}
	pool := http.DefaultTransport.(*http.Transport).Clone()
	pool.MaxIdleConnsPerHost = 256 // as many as the functions of a busy bus may have under way
	at := func(host, service string) *remoteService {
		base := r.Endpoint
		if base == AWS {
			base = "https://" + host + "." + region + ".amazonaws.com/"
		}
		return &remoteService{base: base, service: service, region: region, credentials: r.Credentials, signer: v4.NewSigner(), pool: pool}
	}
	return at("dynamodb", "dynamodb"), at("streams.dynamodb", "dynamodb"), at("sqs", "sqs")
}

// remoteService passes requests on to a service of AWS's JSON protocols, signed anew.
type remoteService struct {
	base            string
	service, region string // of the signature
	credentials     aws.CredentialsProvider
	signer          *v4.Signer
	pool            *http.Transport
}

// carried are the headers of an SDK's request that mean something to a service; who signs adds the others.
var carried = []string{
	"Content-Type", "X-Amz-Target", "X-Amzn-Query-Mode", "Accept-Encoding", "User-Agent", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request"}

// RoundTrip implements http.RoundTripper.
func (s *remoteService) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(r.Context(), r.Method, s.base, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range carried {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	if err := s.sign(r.Context(), request, body); err != nil {
		return nil, err
	}
	return s.pool.RoundTrip(request)
}

func (s *remoteService) sign(ctx context.Context, r *http.Request, body []byte) error {
	by, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	return s.signer.SignHTTP(ctx, by, r, hex.EncodeToString(sum[:]), s.service, s.region, clock.Real{}.Now())
}

// ServeHTTP implements http.Handler.
func (s *remoteService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := s.RoundTrip(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway) // which an SDK takes for a reason to try again
		return
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body) // a caller that gets less than was announced tries again
}
