package handler

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/oklog/ulid/v2"
)

// The environment of the functions. AWS_REGION, AWS_ENDPOINT_URL and the credentials are the SDK's own.
const (
	EnvTablePrefix = "NEXUS_TABLE_PREFIX"     // before every table's name
	EnvQueueURL    = "NEXUS_QUEUE_URL"        // the delay queue
	EnvDeadLetters = "NEXUS_DEAD_LETTERS_URL" // the dead-letter queue
	EnvCallbackV0  = "NEXUS_CALLBACK_V0"      // https://…/v0: where /@connections of stage v0 is
	EnvCallbackV1  = "NEXUS_CALLBACK_V1"
	EnvShards      = "NEXUS_TASK_SHARDS" // a.b.=4,c.=2: paths that outgrew one partition
	EnvFanoutRate  = "NEXUS_FANOUT_RATE" // posts a second to reads of subscribed pipes, by one environment of the stream's function, 1 to 10,000; 500 where empty
	EnvLogLevel    = "NEXUS_LOG_LEVEL"   // DEBUG, INFO (default), WARN, ERROR
)

// AttemptTimeout is how long one attempt of a request may take, Attempts how many there are: repair counts on a handler's requests ending well
// within its 10 s.
const (
	AttemptTimeout = time.Second
	Attempts       = 3
)

// Settings reads the bus' settings from an environment, and says which value is missing or wrong.
func Settings(env func(string) string) (nexus.Settings, error) {
	set := nexus.Settings{TablePrefix: env(EnvTablePrefix), QueueURL: env(EnvQueueURL), DeadLettersURL: env(EnvDeadLetters),
		Callbacks: map[string]string{nexus.V0: env(EnvCallbackV0), nexus.V1: env(EnvCallbackV1)}, Shards: map[string]int{}}
	for _, name := range []string{EnvQueueURL, EnvDeadLetters, EnvCallbackV0, EnvCallbackV1} {
		if u, err := url.Parse(env(name)); err != nil || u.Host == "" {
			return set, fmt.Errorf("%s: %q is no URL", name, env(name))
		}
	}
	for _, entry := range strings.FieldsFunc(env(EnvShards), func(r rune) bool { return r == ',' }) {
		path, number, _ := strings.Cut(entry, "=")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 100 || !strings.HasSuffix(path, ".") {
			return set, fmt.Errorf("%s: %q is not a path that ends in a dot, =, and a number from 1 to 100", EnvShards, entry)
		}
		set.Shards[path] = n
	}
	if rate := env(EnvFanoutRate); rate != "" {
		n, err := strconv.Atoi(rate)
		if err != nil || n < 1 || n > 10_000 {
			return set, fmt.Errorf("%s: %q is not a number from 1 to 10000", EnvFanoutRate, rate)
		}
		set.FanoutRate = n
	}
	return set, nil
}

// Clients makes the SDK's clients for a configuration and an environment.
func Clients(cfg aws.Config, env func(string) string) nexus.Clients {
	base := env("AWS_ENDPOINT_URL")
	// A fixed endpoint saves the SDK the rules it would go through on every call.
	at := func(service string) fixed {
		if base != "" {
			return fixedAt(base)
		}
		return fixedAt("https://" + service + "." + cfg.Region + ".amazonaws.com")
	}
	return nexus.Clients{
		DynamoDB: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.EndpointResolverV2 = dynamodbEndpoint{at("dynamodb")} }),
		SQS:      sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.EndpointResolverV2 = sqsEndpoint{at("sqs")} }),
		Management: func(endpoint string) *apigatewaymanagementapi.Client {
			return apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) {
				o.EndpointResolverV2, o.Retryer = managementEndpoint{fixedAt(endpoint)}, unthrottled{o.Retryer}
			})
		},
	}
}

// fixed is an endpoint that is always the same.
type fixed struct{ uri url.URL }

func fixedAt(endpoint string) fixed {
	u, err := url.Parse(endpoint)
	if err != nil {
		return fixed{} // every request says so
	}
	return fixed{*u}
}

func (f fixed) endpoint() (smithyendpoints.Endpoint, error) {
	if f.uri.Host == "" {
		return smithyendpoints.Endpoint{}, fmt.Errorf("the endpoint is no URL")
	}
	return smithyendpoints.Endpoint{URI: f.uri, Headers: http.Header{}}, nil
}

type dynamodbEndpoint struct{ fixed }

func (f dynamodbEndpoint) ResolveEndpoint(context.Context, dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return f.endpoint()
}

type sqsEndpoint struct{ fixed }

func (f sqsEndpoint) ResolveEndpoint(context.Context, sqs.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return f.endpoint()
}

type managementEndpoint struct{ fixed }

func (f managementEndpoint) ResolveEndpoint(context.Context, apigatewaymanagementapi.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return f.endpoint()
}

// Chances are time and chance as a function has them.
func Chances() nexus.Chances {
	return nexus.Chances{
		Now:   time.Now,
		NewID: func() string { return newULID(time.Now()) },
		ULID:  FirstULID,
		Float: mrand.Float64,
		Salt: func() []byte {
			salt := make([]byte, 16)
			_, _ = rand.Read(salt) // never fails
			return salt
		},
		Pause: store.Backoff(mrand.Float64),
		LoadAvg: func() string {
			text, _ := os.ReadFile("/proc/loadavg") // not there where it is not Linux
			return string(text)
		},
	}
}

// newULID returns an id of a time: 48 bits of milliseconds, then 16 bits of the fraction of one, so that what one process makes is in order, then
// 64 bits of chance that nobody can guess.
func newULID(now time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(now)) // fails after the year 10889
	_, _ = rand.Read(id[8:])            // never fails
	fraction := uint64(now.Nanosecond()%int(time.Millisecond)) << 16 / uint64(time.Millisecond)
	binary.BigEndian.PutUint16(id[6:8], uint16(fraction))
	return id.String()
}

// FirstULID returns the least ulid of a time.
func FirstULID(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(t)) // fails after the year 10889
	return id.String()
}

// Log returns the functions' log: JSON lines, as CloudWatch reads them.
func Log(env func(string) string) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(env(EnvLogLevel))) // what is no level leaves INFO
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level}))
}
