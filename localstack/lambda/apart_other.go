//go:build !unix

package lambda

import "syscall"

// apart leaves the functions where they are: a terminal's Ctrl-C ends them with the stack.
func apart() *syscall.SysProcAttr { return nil }
