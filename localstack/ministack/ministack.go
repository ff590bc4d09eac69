package main

import (
	"context"
	"net/http"

	"nexus/localstack/emulator"
)

// miniStack is MiniStack as it is asked for what there is.
type miniStack struct{ emulator.Emulator }

// get makes a request of a service that has paths.
func (m miniStack) get(ctx context.Context, service, path string, out any) error {
	return m.Ask(ctx, http.MethodGet, service, path, nil, out)
}

// queue is the URL of a queue of the stack.
func (m miniStack) queue(name string) string {
	return m.URL + "/" + emulator.Account + "/" + emulator.StackName + "-" + name
}

// describe makes a request of DynamoDB about a table.
func (m miniStack) describe(ctx context.Context, operation, table string, out any) error {
	return m.Call(ctx, "dynamodb", "DynamoDB_20120810."+operation, map[string]any{"TableName": table}, out)
}
