package call

import "errors"

// recorded is an error that came after the call's first write.
type recorded struct{ error }

func (r recorded) Unwrap() error { return r.error }

// Recorded marks an error that came after a call's first write: the call's answer will come from what is recorded, by repair if need be, so that
// the error must not be answered. nil stays nil.
func Recorded(err error) error {
	if err == nil {
		return nil
	}
	return recorded{err}
}

// IsRecorded tells whether an error came after its call's first write.
func IsRecorded(err error) bool {
	_, ok := errors.AsType[recorded](err)
	return ok
}
