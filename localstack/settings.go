package main

import (
	"errors"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// throttle is what the flags say: a rate of 0 lifts all throttles.
func throttle(rate float64, burst int) (nexus.Throttle, error) {
	if rate == 0 {
		return nexus.Throttle{}, nil
	}
	if rate < 0 || burst < 1 {
		return nexus.Throttle{}, errors.New("-rate is 0 for no throttles or above, -burst at least 1")
	}
	return nexus.Throttle{Rate: rate, Burst: burst}, nil
}

// settings takes from the environment of this command what a deployment would set for its functions and one machine can use.
func settings(getenv func(string) string) map[string]string {
	env := map[string]string{}
	for _, name := range []string{handler.EnvShards, handler.EnvFanoutRate, handler.EnvLoginWithin, handler.EnvLoginTasks, handler.EnvAccess, handler.EnvPipes,
		handler.EnvUnread, handler.EnvReads} {
		if value := getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}
