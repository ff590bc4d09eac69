package jsonrpc_test

import (
	"errors"
	"fmt"
	"testing"

	"nexus/pkg/jsonrpc"
)

// The codes and meanings of spec/protocol.md's table.
func TestCodesAndMeanings(t *testing.T) {
	for _, c := range []struct {
		code    jsonrpc.Code
		number  int
		meaning string
	}{
		{jsonrpc.ParseError, -32700, "Parse error"},
		{jsonrpc.InvalidRequest, -32600, "Invalid request"},
		{jsonrpc.MethodNotFound, -32601, "Method not found"},
		{jsonrpc.InvalidParams, -32602, "Invalid params"},
		{jsonrpc.Internal, -32603, "Internal error"},
		{jsonrpc.Timeout, -32000, "Timeout"},
		{jsonrpc.Cancel, -32001, "Cancel"},
		{jsonrpc.InvalidTask, -32002, "Invalid task"},
		{jsonrpc.InvalidPipe, -32003, "Invalid pipe"},
		{jsonrpc.InvalidUser, -32004, "Invalid user"},
		{jsonrpc.UserExists, -32005, "User already exists"},
		{jsonrpc.LockNotOwned, -32006, "Lock not owned"},
		{jsonrpc.PermissionDenied, -32010, "Permission denied"},
		{jsonrpc.TTLExpired, -32011, "TTL expired"},
		{jsonrpc.LimitExceeded, -32012, "Limit exceeded"},
	} {
		if e := jsonrpc.Err(c.code, ""); int(e.Code) != c.number || e.Message != c.meaning {
			t.Errorf("%d: got %d %q, want %q", c.number, e.Code, e.Message, c.meaning)
		}
		if e := jsonrpc.Errf(c.code, "%s %d", "x", 1); e.Message != c.meaning+":[x 1]" {
			t.Errorf("%d with a detail: %q", c.number, e.Message)
		}
	}
}

func TestOnlyErrorsOfTheProtocolKeepTheirText(t *testing.T) {
	own := jsonrpc.Err(jsonrpc.InvalidTask, "t1")
	if e, known := jsonrpc.From(fmt.Errorf("write tasks: %w", own)); !known || e != own {
		t.Errorf("wrapped: %v, %v", e, known)
	}
	secret := errors.New("RequestError: dial tcp 10.0.0.1")
	e, known := jsonrpc.From(secret)
	if known || e.Code != jsonrpc.Internal || e.Message != "Internal error" || e.Data != nil {
		t.Errorf("unknown: %+v, %v", e, known)
	}
	if got := own.Error(); got != "-32002 Invalid task:[t1]" {
		t.Error(got)
	}
}
