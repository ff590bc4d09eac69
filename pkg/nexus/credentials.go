package nexus

import "errors"

// Credentials are what a client brings as it connects, in place of sys.login. They do not show where they are printed or logged.
type Credentials struct {
	User string // as sys.login takes it
	Pass string
}

// String implements fmt.Stringer, and hides the password.
func (Credentials) String() string { return "credentials" }

// GoString implements fmt.GoStringer likewise.
func (Credentials) GoString() string { return "credentials" }

// MarshalText implements encoding.TextMarshaler likewise.
func (Credentials) MarshalText() ([]byte, error) { return []byte("credentials"), nil }

// ErrUnauthorized says that a connection is not let in: it needs credentials that are good.
var ErrUnauthorized = errors.New("no good credentials")
