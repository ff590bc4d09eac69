package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"nexus/pkg/nexus"
	"nexus/pkg/timer"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Main runs a function on Lambda, with the environment's settings.
func Main(name string) {
	log := Log(os.Getenv)
	bus, err := Open(os.Getenv, log)
	if err != nil {
		log.Error("start", "function", name, "error", err)
		os.Exit(1) // Lambda reports the failed initialisation and starts anew
	}
	function, err := New(name, bus, log)
	if err != nil {
		log.Error("start", "function", name, "error", err)
		os.Exit(1)
	}
	lambda.Start(function)
}

// Open makes the bus that an environment describes. Region and credentials are where Lambda puts them; what else the SDK would look for (profiles,
// single sign-on, instance roles) is not there, and is a fifth of a function's size.
func Open(env func(string) string, log *slog.Logger) (*nexus.Bus, error) {
	set, err := Settings(env)
	if err != nil {
		return nil, err
	}
	cfg := aws.Config{
		Region:      env("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")),
		HTTPClient:  awshttp.NewBuildableClient().WithTimeout(AttemptTimeout),
		Retryer:     func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), Attempts) },
	}
	return nexus.New(set, Clients(cfg, env), Chances(), log), nil
}

// New returns the function of a name.
func New(name string, bus *nexus.Bus, log *slog.Logger) (lambda.Handler, error) {
	f := function{bus: bus, log: log.With("function", name)}
	switch name {
	case nexus.FunctionConnection:
		return handle(f.connection), nil
	case nexus.FunctionPipe, nexus.FunctionSync, nexus.FunctionSys, nexus.FunctionTask, nexus.FunctionUser:
		return handle(f.message), nil
	case nexus.FunctionStream:
		return handle(f.stream), nil
	case nexus.FunctionTimer:
		return handle(f.timer), nil
	}
	return nil, fmt.Errorf("there is no function %q", name)
}

type function struct {
	bus *nexus.Bus
	log *slog.Logger
}

// status answers API Gateway. Only $connect looks at the code.
func status(code int) events.APIGatewayProxyResponse {
	return events.APIGatewayProxyResponse{StatusCode: code}
}

func origin(e events.APIGatewayWebsocketProxyRequest) nexus.Origin {
	rc := e.RequestContext
	o := nexus.Origin{Stage: rc.Stage, ConnectionID: rc.ConnectionID, IP: rc.Identity.SourceIP, Protocol: "wss", Request: rc.RequestID}
	if e.Headers["X-Forwarded-Proto"] == "http" { // of the local stack: API Gateway has no other than https
		o.Protocol = "ws"
	}
	return o
}

// The event types, which API Gateway sets: a client may type {"method":"$disconnect"}, so that a route's key says nothing.
const (
	typeConnect    = "CONNECT"
	typeDisconnect = "DISCONNECT"
)

// connection serves $connect, $disconnect and $default.
func (f function) connection(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	switch e.RequestContext.EventType {
	case typeConnect:
		if err := f.bus.Connected(ctx, origin(e)); err != nil {
			f.log.Error("connect", "connection", e.RequestContext.ConnectionID, "error", err)
			return status(http.StatusServiceUnavailable), nil
		}
		return status(http.StatusOK), nil
	case typeDisconnect:
		if err := f.bus.Disconnected(ctx, origin(e)); err != nil {
			f.log.Error("disconnect", "connection", e.RequestContext.ConnectionID, "error", err)
		}
		return status(http.StatusOK), nil
	}
	return f.message(ctx, e)
}

// message serves the methods' routes.
func (f function) message(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	if err := f.bus.Message(ctx, origin(e), []byte(e.Body)); err != nil {
		f.log.Error("message", "connection", e.RequestContext.ConnectionID, "route", e.RequestContext.RouteKey, "error", err)
	}
	return status(http.StatusOK), nil
}

// change names an item of a table.
type change struct {
	table string
	key   [2]string
}

// stream serves the streams of the tables that repair reads back. A batch that fails is given again as a whole: reading back twice does no harm.
func (f function) stream(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	last := map[change]string{}
	var changes []change
	for _, r := range e.Records {
		c, err := f.changed(r)
		if err != nil {
			return events.DynamoDBEventResponse{}, err
		}
		if _, seen := last[c]; !seen {
			changes = append(changes, c)
		}
		last[c] = r.EventName
	}
	var tables []string
	keys := map[string][][2]string{}
	for _, c := range changes {
		if last[c] == string(events.DynamoDBOperationTypeRemove) {
			continue // what the batch itself shows to be gone needs no look
		}
		if keys[c.table] == nil {
			tables = append(tables, c.table)
		}
		keys[c.table] = append(keys[c.table], c.key)
	}
	var failed []error
	for _, table := range tables {
		failed = append(failed, f.bus.Changed(ctx, table, keys[table]))
	}
	return events.DynamoDBEventResponse{}, errors.Join(failed...)
}

// changed reads what a record names: its source's ARN ends in table/<name>/stream/<time>.
func (f function) changed(r events.DynamoDBEventRecord) (change, error) {
	_, name, _ := strings.Cut(r.EventSourceArn, ":table/")
	name, _, _ = strings.Cut(name, "/")
	table, ok := f.bus.Repaired(name)
	if !ok {
		return change{}, fmt.Errorf("stream record %s is of %q, which nothing repairs", r.EventID, r.EventSourceArn)
	}
	part, sort := r.Change.Keys[table.Partition], r.Change.Keys[table.Sort]
	if part.DataType() != events.DataTypeString || sort.DataType() != events.DataTypeString {
		return change{}, fmt.Errorf("stream record %s has not the keys of %s", r.EventID, table.Name)
	}
	return change{table.Name, [2]string{part.String(), sort.String()}}, nil
}

// timer serves the delay queue and the watchdog's schedule.
func (f function) timer(ctx context.Context, raw json.RawMessage) (events.SQSEventResponse, error) {
	var kind struct {
		Source  string              `json:"source"` // of a scheduled event
		Records []events.SQSMessage `json:"Records"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return events.SQSEventResponse{}, err
	}
	if kind.Source == "aws.events" {
		return events.SQSEventResponse{}, f.bus.Sweep(ctx)
	}
	var out events.SQSEventResponse
	for _, m := range kind.Records {
		w, err := timer.Parse(m.Body)
		if err == nil {
			err = f.bus.Woken(ctx, w)
		}
		if err != nil {
			f.log.Error("timer", "message", m.MessageId, "body", m.Body, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	if len(kind.Records) == 0 {
		return out, errors.New("neither a scheduled event nor messages of a queue")
	}
	return out, nil
}
