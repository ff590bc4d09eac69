package main

import (
	"context"
	"fmt"

	"nexus/localstack/program"
	"nexus/pkg/handler"
)

// fanoutRate is the most that a fan-out can be set to: the default keeps under a quota that this gateway does not have.
const fanoutRate = "10000"

// start runs a local stack for one measurement. stop ends it.
func start(ctx context.Context, p *program.Program) (url string, stop func(), err error) {
	s, err := p.Start(ctx, []string{handler.EnvFanoutRate + "=" + fanoutRate}, "-rate", "0") // without the throttles of a deployment
	if err != nil {
		return "", nil, err
	}
	return s.URL + "/v0", func() { s.Stop() }, nil
}

// used says how much of the processor the stacks took, for that is what bounds a local bus.
func used(p *program.Program) string {
	all, kernel := p.Used()
	return fmt.Sprintf("the local stacks used %.1f s of processor time (%.1f s in the kernel)\n", all.Seconds(), kernel.Seconds())
}
