package dynamo

import "fmt"

// Namespaces of the exceptions' __type, as the service writes them. The SDKs go by the name behind the '#'.
const (
	serviceNamespace  = "com.amazonaws.dynamodb.v20120810#"
	validateNamespace = "com.amazon.coral.validate#"
	coralNamespace    = "com.amazon.coral.service#"
)

// apiError is an exception as it goes over the wire.
type apiError struct {
	namespace string
	code      string
	message   string
	status    int
	item      item                 // ConditionalCheckFailedException: the item, where ALL_OLD asked for it
	reasons   []cancellationReason // TransactionCanceledException: one for each of its items
	schema    bool                 // the parameters contradict the table's schema: in a transaction this cancels, and refuses nothing
}

// cancellationReason is one entry of CancellationReasons; code "None" is an item that would have succeeded.
type cancellationReason struct {
	code    string
	message string
	item    item
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func exception(code, format string, args ...any) *apiError {
	return &apiError{namespace: serviceNamespace, code: code, message: fmt.Sprintf(format, args...), status: 400}
}

func validation(message string) *apiError {
	return &apiError{namespace: validateNamespace, code: "ValidationException", message: message, status: 400}
}

func validationf(format string, args ...any) *apiError {
	return validation(fmt.Sprintf(format, args...))
}

// mismatch marks a validation error as one that the table's schema shows.
func mismatch(e *apiError) *apiError {
	e.schema = true
	return e
}

// invalidValue is the validation error of a parameter's value.
func invalidValue(format string, args ...any) *apiError {
	return validation("One or more parameter values were invalid: " + fmt.Sprintf(format, args...))
}

func serialization(message string) *apiError {
	return &apiError{namespace: coralNamespace, code: "SerializationException", message: message, status: 400}
}

func tableNotFound(name string) *apiError {
	return exception("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

func conditionFailed(it item) *apiError {
	e := exception("ConditionalCheckFailedException", "The conditional request failed")
	e.item = it
	return e
}

func conflict() *apiError {
	return exception("TransactionConflictException", "Transaction is ongoing for the item")
}

// encode writes the error's body.
func (e *apiError) encode() []byte {
	var w writer
	w.openObject()
	w.key("__type")
	w.text(e.namespace + e.code)
	if e.code == "TransactionCanceledException" {
		w.key("CancellationReasons")
		w.openArray()
		for _, r := range e.reasons {
			w.openObject()
			w.key("Code")
			w.text(r.code)
			if r.message != "" {
				w.key("Message")
				w.text(r.message)
			}
			if r.item != nil {
				w.key("Item")
				w.item(r.item)
			}
			w.closeObject()
		}
		w.closeArray()
		w.key("Message") // this exception alone spells it so
	} else {
		w.key("message")
	}
	w.text(e.message)
	if e.item != nil {
		w.key("Item")
		w.item(e.item)
	}
	w.closeObject()
	return w.buf
}
