package main

import "nexus/pkg/handler"

// settings takes from the environment of this command what a deployment would set for its functions and one machine can use.
func settings(getenv func(string) string) map[string]string {
	env := map[string]string{}
	for _, name := range []string{handler.EnvShards, handler.EnvFanoutRate} {
		if value := getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}
