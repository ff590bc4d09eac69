package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/dynamo"
	"nexus/localstack/gateway"
	"nexus/localstack/lambda"
	"nexus/localstack/mapping"
	"nexus/localstack/queue"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The names of what a deployment makes besides functions.
const (
	TablePrefix = "nexus-"
	timerQueue  = "nexus-timer"
	deadLetters = "nexus-dead-letters"
)

// Config says how to start a stack. The zero value starts one that is reached in process only.
type Config struct {
	Listen       string // address of the gateway; empty: none, port 0: a free one
	DynamoDB     string // address at which the tables and streams are served besides; empty: none
	RootPassword string // of the user root; "root" where empty
	Env          map[string]string
	Clock        clock.Clock // clock.Real where nil
	Log          *slog.Logger

	// For the simulation; zero values are what everybody else wants.
	Chances *nexus.Chances                            // handler.Chances by Clock where nil
	NewID   func() string                             // ids of the emulated services
	Delay   func(connectionID string) time.Duration   // as gateway.Config's
	Wire    func(http.RoundTripper) http.RoundTripper // put before the functions' requests
	Retryer func() aws.Retryer                        // of the functions' clients
	Manual  bool                                      // nothing reads the stream, the queue and the schedule; the caller does
	Adjust  func(*nexus.Settings)
	Invoke  func(next Invoke) Invoke // put around every invocation
}

// Invoke runs a function.
type Invoke = func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Stack is a running bus.
type Stack struct {
	Gateway *gateway.Gateway
	Engine  *dynamo.Engine
	Queues  *queue.Service
	Bus     *nexus.Bus
	Invoke  Invoke
	// Sources is what reads the streams, the queue and the schedule.
	Sources mapping.Config

	// Addr and DynamoDBAddr are where the gateway and the tables are served, empty if they are not.
	Addr, DynamoDBAddr string

	stop    context.CancelFunc
	running sync.WaitGroup
	servers []*http.Server
}

// Start starts a stack. Close it.
func Start(ctx context.Context, c Config) (_ *Stack, err error) {
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.RootPassword == "" {
		c.RootPassword = "root"
	}
	s := &Stack{}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.Engine = dynamo.New(dynamo.Config{Clock: c.Clock, Region: Region})
	s.Queues = queue.New(queue.Config{Clock: c.Clock, Region: Region, Account: Account, NewID: c.NewID})
	direct := &wire{engine: s.Engine, queues: s.Queues, gateway: func() *gateway.Gateway { return s.Gateway }}
	services := config(direct, func() aws.Retryer { return retry.NewStandard() })
	base := aws.String("http://local.invalid")
	db := dynamodb.NewFromConfig(services, func(o *dynamodb.Options) { o.BaseEndpoint = base })
	queues := sqs.NewFromConfig(services, func(o *sqs.Options) { o.BaseEndpoint = base })
	if err := CreateTables(ctx, db, TablePrefix); err != nil {
		return nil, err
	}
	timerURL, deadURL, err := createQueues(ctx, queues)
	if err != nil {
		return nil, err
	}
	if err := s.functions(ctx, c, direct, timerURL); err != nil {
		return nil, err
	}
	arns, err := streamARNs(ctx, db)
	if err != nil {
		return nil, err
	}
	s.Sources = sources(services, base, timerURL, deadURL)
	s.Sources.Wake = func(table string, wake func()) func() { return s.Engine.Notify(arns[table], wake) }
	s.Sources.Invoke, s.Sources.Clock, s.Sources.DynamoDB, s.Sources.SQS, s.Sources.NewID = s.Invoke, c.Clock, db, queues, c.NewID
	s.Sources.OnError = func(err error) { c.Log.Error("event source", "error", err) }
	if !c.Manual {
		runner, err := mapping.New(s.Sources)
		if err != nil {
			return nil, err
		}
		s.running.Go(func() {
			if err := runner.Run(ctx); err != nil {
				c.Log.Error("event sources", "error", err)
			}
		})
	}
	if s.Addr, err = s.serve(c.Listen, s.Gateway); err != nil {
		return nil, err
	}
	s.DynamoDBAddr, err = s.serve(c.DynamoDB, s.Engine)
	return s, err
}

// functions makes the bus, its functions and the gateway before them.
func (s *Stack) functions(ctx context.Context, c Config, direct http.RoundTripper, timerURL string) error {
	env := map[string]string{
		"AWS_ENDPOINT_URL":     "http://local.invalid",
		handler.EnvTablePrefix: TablePrefix,
		handler.EnvQueueURL:    timerURL,
		handler.EnvCallbackV0:  "http://local.invalid/v0",
		handler.EnvCallbackV1:  "http://local.invalid/v1",
	}
	for name, value := range c.Env {
		env[name] = value
	}
	getenv := func(name string) string { return env[name] }
	set, err := handler.Settings(getenv)
	if err != nil {
		return err
	}
	if c.Adjust != nil {
		c.Adjust(&set)
	}
	chances := c.Chances
	if chances == nil {
		own := handler.Chances()
		own.Now = c.Clock.Now
		chances = &own
	}
	if c.Wire != nil {
		direct = c.Wire(direct)
	}
	if c.Retryer == nil {
		c.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), handler.Attempts) }
	}
	s.Bus = nexus.New(set, handler.Clients(config(direct, c.Retryer), getenv), *chances, c.Log)
	if _, err := s.Bus.Users.CreateRoot(ctx, c.RootPassword); err != nil {
		return fmt.Errorf("create root: %w", err)
	}
	functions := map[string]lambda.Handler{}
	for _, name := range nexus.Functions() {
		if functions[name], err = handler.New(name, s.Bus, c.Log); err != nil {
			return err
		}
	}
	runner := lambda.New(lambda.Config{Functions: functions, Clock: c.Clock, NewID: c.NewID, Region: Region, Account: Account,
		OnInvoke: func(function, id string, took time.Duration, err error) {
			if err != nil {
				c.Log.Error("function failed", "function", function, "invocation", id, "took", took, "error", err)
			}
		}})
	s.Invoke = runner.Invoke
	if c.Invoke != nil {
		s.Invoke = c.Invoke(s.Invoke)
	}
	routes := map[string]gateway.Route{}
	for _, r := range nexus.Routes() {
		routes[r.Key] = gateway.Route{Function: r.Function}
	}
	s.Gateway = gateway.New(gateway.Config{Stages: nexus.Stages(), Routes: routes, Invoke: s.Invoke, Clock: c.Clock, NewID: c.NewID, Region: Region,
		Delay: c.Delay})
	return nil
}

func createQueues(ctx context.Context, client *sqs.Client) (timerURL, deadURL string, err error) {
	dead, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(deadLetters),
		Attributes: map[string]string{"MessageRetentionPeriod": "1209600"}})
	if err != nil {
		return "", "", fmt.Errorf("create queue: %w", err)
	}
	timer, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(timerQueue), Attributes: map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(nexus.TimerVisibility / time.Second)),
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":%d}`, Region, Account, deadLetters,
			nexus.TimerReceives)}})
	if err != nil {
		return "", "", fmt.Errorf("create queue: %w", err)
	}
	return *timer.QueueUrl, *dead.QueueUrl, nil
}

// sources lists the event sources as the bus declares them.
func sources(services aws.Config, base *string, timerURL, deadURL string) mapping.Config {
	m := mapping.Config{Streams: dynamodbstreams.NewFromConfig(services, func(o *dynamodbstreams.Options) { o.BaseEndpoint = base }),
		Region: Region, Account: Account,
		Queues:    []mapping.Queue{{QueueURL: timerURL, Function: nexus.FunctionTimer, BatchSize: nexus.TimerBatch, ReportBatchItemFailures: true}},
		Schedules: []mapping.Schedule{{Name: "watchdog", Every: nexus.SweepEvery, Function: nexus.FunctionTimer}}}
	for _, src := range nexus.Streams() {
		m.Mappings = append(m.Mappings, mapping.Stream{Table: TablePrefix + src.Table, Function: src.Function, BatchSize: src.BatchSize,
			Window: src.Window, MaximumRetryAttempts: src.Retries, MaximumRecordAge: src.MaxAge, BisectOnError: true,
			ReportBatchItemFailures: true, OnFailure: deadURL})
	}
	return m
}

// streamARNs tells the stream of each table that has one.
func streamARNs(ctx context.Context, client *dynamodb.Client) (map[string]string, error) {
	arns := map[string]string{}
	for _, src := range nexus.Streams() {
		table := TablePrefix + src.Table
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
		if err != nil {
			return nil, fmt.Errorf("stream of %s: %w", table, err)
		}
		arns[table] = aws.ToString(out.Table.LatestStreamArn)
	}
	return arns, nil
}

func (s *Stack) serve(addr string, h http.Handler) (string, error) {
	if addr == "" {
		return "", nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(l) }) // it ends by Close
	return l.Addr().String(), nil
}

// Close ends the stack: its connections, its functions, its servers.
func (s *Stack) Close() error {
	var failed []error
	if s.Gateway != nil {
		s.Gateway.Close()
	}
	s.stop()
	for _, server := range s.servers {
		failed = append(failed, server.Close())
	}
	s.running.Wait()
	if s.Engine != nil {
		s.Engine.Close()
	}
	return errors.Join(failed...)
}
