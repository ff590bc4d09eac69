package handler

import (
	"cmp"
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

	"nexus/pkg/access"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/timer"

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
	EnvShards      = "NEXUS_TASK_SHARDS"       // a.b.=4,c.=2: paths that outgrew one partition
	EnvFanoutRate  = "NEXUS_FANOUT_RATE"       // posts a second to reads of subscribed pipes, by one environment of the stream's function, 1 to 10,000; 500 where empty
	EnvLoginWithin = "NEXUS_LOGIN_WITHIN"      // seconds in which who connects must log in or is closed, 0 (never) to 900; 30 where empty
	EnvLoginTasks  = "NEXUS_LOGIN_TASKS"       // logins that may wait for the workers of one login method, 1 to 100,000; 1,000 where empty
	EnvAccess      = "NEXUS_ACCESS"            // open: who connects may log in later; closed: who connects brings credentials; open where empty
	EnvPipes       = "NEXUS_PIPES_PER_SESSION" // pipes that a session may have, 1 to 10,000; 1,000 where empty
	EnvUnread      = "NEXUS_PIPE_UNREAD_BYTES" // bytes of messages that may be unread in a pipe, 131,072 to 12,288,000,000; 67,108,864 (64 MB) where empty
	EnvReads       = "NEXUS_PIPE_READS"        // reads of a pipe that may wait, 1 to 32; 32 where empty
	EnvLogLevel    = "NEXUS_LOG_LEVEL"         // DEBUG, INFO, WARN or ERROR; INFO where empty
)

// AttemptTimeout is how long one attempt of a request may take, Attempts how many there are: repair counts on a handler's requests ending well
// within its 10 s.
const (
	AttemptTimeout = time.Second
	Attempts       = 3
	// PostLimit is how long a post may take in all that others wait behind, in a batch of records or messages.
	PostLimit = 750 * time.Millisecond
)

// loginWithin is how long a connection may be there without a login, where the environment does not say.
const loginWithin = 30 * time.Second

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
		name, number, _ := strings.Cut(entry, "=")
		path, bad := access.TaskPrefix(name) // as tasks have it, in lower case
		n, err := strconv.Atoi(number)
		if bad != nil || err != nil || n < 1 || n > 100 || !strings.HasSuffix(name, ".") {
			return set, fmt.Errorf("%s: %q is not a path that ends in a dot, =, and a number from 1 to 100", EnvShards, entry)
		}
		if _, twice := set.Shards[path]; twice {
			return set, fmt.Errorf("%s: %s is there twice", EnvShards, path)
		}
		set.Shards[path] = n
	}
	seconds := int64(loginWithin / time.Second)
	for _, n := range []struct {
		name        string
		least, most int64
		set         func(n int64)
	}{
		{EnvFanoutRate, 1, 10_000, func(n int64) { set.FanoutRate = int(n) }},
		{EnvLoginWithin, 0, int64(timer.MaxDelay / time.Second), func(n int64) { seconds = n }},
		{EnvLoginTasks, 1, 100_000, func(n int64) { set.LoginTasks = int(n) }},
		{EnvPipes, 1, 10_000, func(n int64) { set.Pipes.Pipes = int(n) }},
		{EnvUnread, 128 << 10, nexus.MaxUnread, func(n int64) { set.Pipes.Bytes = n }}, // any message fits, any pipe is within
		{EnvReads, 1, nexus.MaxReads, func(n int64) { set.Pipes.Reads = int(n) }},
	} {
		if err := number(env, n.name, n.least, n.most, n.set); err != nil {
			return set, err
		}
	}
	set.LoginWithin = time.Duration(seconds) * time.Second
	switch access := env(EnvAccess); access {
	case "", "open":
	case "closed":
		set.Closed = true
	default:
		return set, fmt.Errorf("%s: %q is neither open nor closed", EnvAccess, access)
	}
	_, err := logLevel(env)
	return set, err
}

// number reads a number, if there is one.
func number(env func(string) string, name string, least, most int64, set func(n int64)) error {
	text := env(name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return fmt.Errorf("%s: %q is not a number from %d to %d", name, text, least, most)
	}
	set(n)
	return nil
}

// endpointOf is where a service is, by a configuration and an environment.
func endpointOf(service string, cfg aws.Config, env func(string) string) string {
	return cmp.Or(env("AWS_ENDPOINT_URL"), "https://"+service+"."+cfg.Region+".amazonaws.com")
}

// Clients makes the SDK's clients for a configuration and an environment.
func Clients(cfg aws.Config, env func(string) string) nexus.Clients {
	// A fixed endpoint saves the SDK the rules it would go through on every call.
	at := func(service string) fixed { return fixedAt(endpointOf(service, cfg, env)) }
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

// fixed is an endpoint that is always the same. One that is no URL is every request's error.
type fixed struct {
	given string
	uri   url.URL
}

func fixedAt(endpoint string) fixed {
	f := fixed{given: endpoint}
	if u, err := url.Parse(endpoint); err == nil {
		f.uri = *u
	}
	return f
}

func (f fixed) endpoint() (smithyendpoints.Endpoint, error) {
	if f.uri.Host == "" {
		return smithyendpoints.Endpoint{}, fmt.Errorf("the endpoint %q is no URL", f.given)
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

// logLevel reads the least level that is logged.
func logLevel(env func(string) string) (level slog.Level, err error) {
	text := env(EnvLogLevel)
	if text != "" && level.UnmarshalText([]byte(text)) != nil {
		err = fmt.Errorf("%s: %q is not DEBUG, INFO, WARN or ERROR", EnvLogLevel, text)
	}
	return level, err
}

// Log returns the functions' log: JSON lines, as CloudWatch reads them.
func Log(env func(string) string) *slog.Logger {
	level, _ := logLevel(env) // what is no level leaves INFO, and Settings refuses it
	return slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level}))
}
