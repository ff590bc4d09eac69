package store

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http"
)

// ConditionFailed is what a conditional write returns that lost: the item as it is (nil if there is none).
type ConditionFailed struct {
	Old Item
	// repeated says that the SDK had sent the write before and seen no response: the condition may have held then.
	repeated bool
}

// Error implements error.
func (*ConditionFailed) Error() string { return "condition failed" }

// Cancelled is what a transaction returns of which at least one condition failed. Lost has an entry per write: nil where its condition held.
type Cancelled struct{ Lost []*ConditionFailed }

// Error implements error.
func (*Cancelled) Error() string { return "transaction cancelled" }

// Lost returns the item that a failed condition met, and whether err is a failed condition at all.
func Lost(err error) (old Item, lost bool) {
	var c *ConditionFailed
	if errors.As(err, &c) {
		return c.Old, true
	}
	return nil, false
}

// Repeated tells whether err is a failed condition of a write that had been sent before, without an answer. Who must know its own write, and finds that
// what it would know it by may have been overwritten since, knows by this that it cannot know.
func Repeated(err error) bool {
	_, lost := errors.AsType[*ConditionFailed](err)
	return lost && repeated(err)
}

// Refused tells whether err is the answer to the first and only attempt at a request, and says that it is not carried out: a right that is missing, a
// mistake. It cannot arrive later then, as one can to which there was no answer. A failed condition is another matter.
func Refused(err error) bool {
	answer, ok := errors.AsType[*http.ResponseError](err)
	return ok && answer.Response != nil && answer.HTTPStatusCode()/100 == 4 && !repeated(err)
}

// resent is the answer to a request that met contention before, when the SDK had sent it more than once.
type resent struct{ error }

// Unwrap makes it the error that it holds.
func (r resent) Unwrap() error { return r.error }

// repeated tells whether the SDK says, in the header that numbers its attempts, that it was not the first that an error answers.
func repeated(err error) bool {
	if _, ok := errors.AsType[resent](err); ok {
		return true
	}
	if failed, ok := errors.AsType[*ConditionFailed](err); ok {
		return failed.repeated
	}
	answer, ok := errors.AsType[*http.ResponseError](err)
	if !ok || answer.Response == nil || answer.Response.Request == nil {
		return false
	}
	attempt, _, _ := strings.Cut(answer.Response.Request.Header.Get("Amz-Sdk-Request"), ";")
	return attempt != "" && attempt != "attempt=1"
}

// errConflict says that another request held the item: contention, to be tried again, never a lost condition.
var errConflict = errors.New("transaction conflict")

// throttled tells whether an error says that a request was refused for its rate, and so not carried out.
func throttled(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException":
		return true
	}
	return false
}

// translate is the one place where DynamoDB's exceptions become errors of this package; anything else stays as it is.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &ConditionFailed{Old: failed.Item, repeated: repeated(err)}
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		out := &Cancelled{Lost: make([]*ConditionFailed, len(cancelled.CancellationReasons))}
		conflict, lost := false, false
		for i, reason := range cancelled.CancellationReasons {
			switch code := deref(reason.Code); code {
			case "None", "":
			case "ConditionalCheckFailed":
				lost = true
				out.Lost[i] = &ConditionFailed{Old: reason.Item}
			case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
				conflict = true
			default: // ValidationError, ItemCollectionSizeLimitExceeded: no try will mend it
				return err
			}
		}
		switch {
		case lost:
			return out
		case conflict:
			return errConflict
		}
		return err
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "TransactionConflictException", "TransactionInProgressException":
			return errConflict
		}
	}
	return err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
