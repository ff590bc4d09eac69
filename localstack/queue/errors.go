package queue

import "fmt"

// apiError is an error as the wire has it: a shape for __type, a query code for x-amzn-query-error and for the entries of batches.
type apiError struct {
	kind    *errorKind
	message string
}

type errorKind struct {
	shape     string // with namespace
	queryCode string
	status    int
}

// The errors of SQS, with the query codes and statuses of its API model.
var (
	errBatchEntryIdsNotDistinct     = sqsError("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400)
	errBatchRequestTooLong          = sqsError("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400)
	errEmptyBatchRequest            = sqsError("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400)
	errInvalidAddress               = sqsError("InvalidAddress", "InvalidAddress", 404)
	errInvalidAttributeName         = sqsError("InvalidAttributeName", "InvalidAttributeName", 400)
	errInvalidAttributeValue        = sqsError("InvalidAttributeValue", "InvalidAttributeValue", 400)
	errInvalidBatchEntryID          = sqsError("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400)
	errInvalidMessageContents       = sqsError("InvalidMessageContents", "InvalidMessageContents", 400)
	errMessageNotInflight           = sqsError("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400)
	errOverLimit                    = sqsError("OverLimit", "OverLimit", 403)
	errPurgeQueueInProgress         = sqsError("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403)
	errQueueDeletedRecently         = sqsError("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400)
	errQueueDoesNotExist            = sqsError("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400)
	errQueueNameExists              = sqsError("QueueNameExists", "QueueAlreadyExists", 400)
	errReceiptHandleIsInvalid       = sqsError("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404)
	errTooManyEntriesInBatchRequest = sqsError("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400)
	errUnsupportedOperation         = sqsError("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400)

	// Errors common to AWS services, which the SQS model does not list.
	errInvalidParameterValue = &errorKind{"com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue", 400}
	errMissingParameter      = &errorKind{"com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter", 400}
	errSerialization         = &errorKind{"com.amazon.coral.service#SerializationException", "MalformedInput", 400}
	errUnknownOperation      = &errorKind{"com.amazon.coral.service#UnknownOperationException", "InvalidAction", 400}
)

func sqsError(shape, queryCode string, status int) *errorKind {
	return &errorKind{"com.amazonaws.sqs#" + shape, queryCode, status}
}

func (k *errorKind) with(format string, args ...any) *apiError {
	return &apiError{k, fmt.Sprintf(format, args...)}
}

func (e *apiError) Error() string { return e.kind.queryCode + ": " + e.message }

// invalidValue is SQS's sentence for a parameter out of its range.
func invalidValue(parameter string, value any, reason string) *apiError {
	return errInvalidParameterValue.with("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func missing(parameter string) *apiError {
	return errMissingParameter.with("The request must contain the parameter %s.", parameter)
}

// notImplemented refuses what AWS has and this package has not.
func notImplemented(what string) *apiError {
	return errUnsupportedOperation.with("%s is not implemented by the local stack.", what)
}
