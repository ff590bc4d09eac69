package stack

import (
	"context"
	"sync"

	"nexus/localstack/lambda"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// environments are those of functions in this process, each with a bus of its own. They are made when they are first asked for.
type environments struct {
	config Config
	bus    func(nexus.Chances) *nexus.Bus

	mu    sync.Mutex
	buses map[int]*nexus.Bus
}

// newEnvironments returns the functions, each of which runs in the environment of its invocation.
func newEnvironments(c Config, bus func(nexus.Chances) *nexus.Bus) map[string]lambda.Handler {
	all := &environments{config: c, bus: bus, buses: map[int]*nexus.Bus{}}
	functions := map[string]lambda.Handler{}
	for _, name := range nexus.Functions() {
		functions[name] = spread{all, name}
	}
	return functions
}

// of returns the bus of the environment of an invocation.
func (e *environments) of(ctx context.Context) *nexus.Bus {
	n, chances := e.config.Environments(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.buses[n] == nil {
		e.buses[n] = e.bus(chances)
	}
	return e.buses[n]
}

// spread is a function of some environments.
type spread struct {
	environments *environments
	name         string
}

// Invoke implements lambda.Handler.
func (s spread) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f, err := handler.New(s.name, s.environments.of(ctx), s.environments.config.Log)
	if err != nil {
		return nil, err
	}
	return f.Invoke(ctx, payload)
}
