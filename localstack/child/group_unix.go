//go:build unix

package child

import (
	"os"
	"syscall"
)

// Apart gives a command that is not started by this package a process group of its own.
func Apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// terminate and kill may find that nobody is left of the group.
func terminate(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) }
func kill(p *os.Process)      { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
