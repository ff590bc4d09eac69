package handler

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

// unthrottled is a retryer that leaves 429 to pkg/deliver: it is the only sign that a client does not read, and the SDK's own tries would
// multiply those made there.
type unthrottled struct{ aws.Retryer }

// IsErrorRetryable implements aws.Retryer.
func (r unthrottled) IsErrorRetryable(err error) bool {
	_, throttled := errors.AsType[*types.LimitExceededException](err)
	return !throttled && r.Retryer.IsErrorRetryable(err)
}
