package handler

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

// handle makes a Lambda function of f. It is not lambda.NewHandler, whose Invoke returns bytes of a buffer that it uses again: invocations at the
// same time, which an environment on Lambda never has and the local stack does, would overwrite each other's results.
func handle[In, Out any](f func(context.Context, In) (Out, error)) lambda.Handler {
	return typed[In, Out](f)
}

type typed[In, Out any] func(context.Context, In) (Out, error)

// Invoke implements lambda.Handler.
func (f typed[In, Out]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	out, err := f(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}
