//go:build unix

package lambda

import "syscall"

// apart keeps a terminal's Ctrl-C from the functions, which the stack still needs while it closes its connections.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
