//go:build unix

package main

import (
	"os"
	"syscall"
)

// apart gives an engine a process group of its own, so that what it started ends with it, and a terminal's Ctrl-C does not reach it first.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// terminate and kill may find that nobody is left.
func terminate(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) }
func kill(p *os.Process)      { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
