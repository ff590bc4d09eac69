package transcript

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Target is a bus to play against.
type Target interface {
	// Dial opens a connection to a stage, such as /v0.
	Dial(ctx context.Context, stage string) (Conn, error)
	// Advance moves the bus's clock by d and returns once what fell due was started. It waits before until the bus carries out nothing any
	// more, since a handler under way whose clock jumps has timed out. ErrCannotAdvance says that this bus's clock cannot be moved; a d of 0
	// asks only that.
	Advance(ctx context.Context, d time.Duration) error
	// Root returns the administrator's name and password.
	Root() (user, pass string)
}

// Conn is one connection. It is used by one goroutine.
type Conn interface {
	// Send sends one text message, in frames of at most 32 KB.
	Send(text []byte) error
	// Receive returns the next message, or a *CloseError once the connection has ended and all messages before are read. The end of ctx ends
	// the call, not the connection, and loses no message.
	Receive(ctx context.Context) ([]byte, error)
	// Close closes with code 1000, and waits until the other side did so too.
	Close() error
	// Cut ends the connection without a close frame.
	Cut() error
}

// ErrCannotAdvance is Advance's answer where time cannot be moved. Play returns it, before anything is sent, for a script that moves the clock.
var ErrCannotAdvance = errors.New("the target's clock cannot be moved")

// CloseError is how a connection ended.
type CloseError struct {
	Code   int // as in the close frame; 1005 if it had none, 1006 if there was no frame
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("connection closed with %d %s", e.Code, e.Reason)
}
