package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"nexus/pkg/deliver"
	"nexus/pkg/nexus"
	"nexus/pkg/timer"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
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
	set.PostLimit = PostLimit
	return nexus.New(set, Clients(awsConfig(env), env), Chances(), log), nil
}

// New returns the function of a name.
func New(name string, bus *nexus.Bus, log *slog.Logger) (lambda.Handler, error) {
	f := function{bus: bus, log: log.With("function", name)}
	switch name {
	case nexus.FunctionConnection:
		return handle(f.connection), nil
	case nexus.FunctionPipe, nexus.FunctionSync, nexus.FunctionSys, nexus.FunctionTask, nexus.FunctionTopic, nexus.FunctionUser:
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
	if rc.RequestTimeEpoch > 0 {
		o.At = time.UnixMilli(rc.RequestTimeEpoch).UTC()
	}
	if e.Headers["X-Forwarded-Proto"] == "http" { // of the local stack: API Gateway has no other than https
		o.Protocol = "ws"
	}
	o.CloseCode = int(rc.DisconnectStatusCode)
	if rc.DisconnectReason != nil {
		o.CloseReason = *rc.DisconnectReason
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
		offers := offered(e)
		by, err := brought(e, offers)
		if err == nil {
			err = f.bus.Connected(ctx, origin(e), by)
		}
		if errors.Is(err, nexus.ErrUnauthorized) {
			f.log.Info("connect", "connection", e.RequestContext.ConnectionID, "ip", e.RequestContext.Identity.SourceIP, "error", err)
			return status(http.StatusUnauthorized), nil
		}
		if err != nil {
			f.log.Error("connect", "connection", e.RequestContext.ConnectionID, "error", err)
			return status(http.StatusServiceUnavailable), nil
		}
		return accepted(offers), nil
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
		f.log.Log(ctx, deliver.Level(err, slog.LevelError), "message", "connection", e.RequestContext.ConnectionID, "route", e.RequestContext.RouteKey, "error", err)
	}
	return status(http.StatusOK), nil
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
	if kind.Source != "aws.events" && len(kind.Records) == 0 {
		return events.SQSEventResponse{}, errors.New("neither a scheduled event nor messages of a queue")
	}
	// An empty list says that nothing failed, as null does; not everything that reads queues as Lambda does takes null.
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	if kind.Source == "aws.events" {
		return out, f.bus.Sweep(ctx)
	}
	var read []events.SQSMessage
	var wakes []timer.Wake
	failed := func(m events.SQSMessage, err error) {
		f.log.Error("timer", "message", m.MessageId, "body", m.Body, "error", err)
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
	}
	for _, m := range kind.Records {
		w, err := timer.Parse(m.Body)
		if err != nil {
			failed(m, err)
			continue
		}
		read, wakes = append(read, m), append(wakes, w)
	}
	for n, err := range f.bus.WokenAll(ctx, wakes) {
		if err != nil {
			failed(read[n], err)
		}
	}
	return out, nil
}
