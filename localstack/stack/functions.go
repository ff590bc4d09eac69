package stack

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/gateway"
	"nexus/localstack/iam"
	"nexus/localstack/lambda"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// functions makes the bus, its functions and the gateway before them.
func (s *Stack) functions(ctx context.Context, c Config, guarded *iam.Guard, direct http.RoundTripper, timerURL, deadURL string) error {
	endpoint := s.processes.endpoint()
	env := map[string]string{
		"AWS_ENDPOINT_URL":     endpoint,
		handler.EnvTablePrefix: c.Remote.prefix(),
		handler.EnvQueueURL:    timerURL,
		handler.EnvDeadLetters: deadURL,
		handler.EnvCallbackV0:  endpoint + "/v0",
		handler.EnvCallbackV1:  endpoint + "/v1",
	}
	for name, value := range c.Env {
		env[name] = value
	}
	s.Env = env
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
	direct = guarded.RoundTripper(direct) // first of all: what is put before the services may carry requests out when their function is over
	if c.Retryer == nil {
		c.Retryer = func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), handler.Attempts) }
	}
	bus := func(chances nexus.Chances) *nexus.Bus {
		return nexus.New(set, handler.Clients(config(direct, c.Retryer), getenv), chances, c.Log)
	}
	s.Bus = bus(*chances)
	if s.FirstStart, err = s.Bus.Users.CreateRoot(ctx, c.RootPassword); err != nil {
		return fmt.Errorf("create root: %w", err)
	}
	functions, err := s.handlers(c, env, bus)
	if err != nil {
		return err
	}
	// No Clock: how long a function runs is the machine's time, whatever a test does to the stack's.
	runner := lambda.New(lambda.Config{Functions: functions, NewID: c.NewID, Region: Region, Account: Account,
		OnInvoke: func(function, id string, took time.Duration, err error) {
			if err != nil {
				c.Log.Error("function failed", "function", function, "invocation", id, "took", took, "error", err)
			}
		}})
	s.Invoke = runner.Invoke
	if c.Invoke != nil {
		s.Invoke = c.Invoke(s.Invoke)
	}
	s.Routes = map[string]gateway.Route{}
	for _, r := range nexus.Routes() {
		s.Routes[r.Key] = gateway.Route{Function: r.Function}
	}
	s.Gateway = gateway.New(gateway.Config{Stages: nexus.Stages(), DefaultStage: nexus.DefaultStage, Routes: s.Routes, Invoke: s.Invoke, Clock: c.Clock, Machine: clock.Real{},
		NewID: c.NewID, Region: Region, Delay: c.Delay, Throttles: throttles(c)})
	return nil
}

// throttles are those of a deployment, where there are to be any.
func throttles(c Config) map[string]gateway.Throttle {
	if c.Throttle == (nexus.Throttle{}) {
		return nil
	}
	all := map[string]gateway.Throttle{}
	for key, t := range nexus.Throttles(c.Throttle) {
		all[key] = gateway.Throttle(t)
	}
	return all
}

// handlers returns the functions as the runtime runs them.
func (s *Stack) handlers(c Config, env map[string]string, bus func(nexus.Chances) *nexus.Bus) (map[string]lambda.Handler, error) {
	if c.Runtime == Process {
		return s.processes.start(c, env)
	}
	if c.Environments != nil {
		return newEnvironments(c, bus), nil
	}
	functions := map[string]lambda.Handler{}
	for _, name := range nexus.Functions() {
		function, err := handler.New(name, s.Bus, c.Log)
		if err != nil {
			return nil, err
		}
		functions[name] = function
	}
	return functions, nil
}
