//go:build unix

package main

import (
	"os/exec"
	"syscall"
	"time"
)

// grouped has a command end with all processes that it started, once its context ends. A terminal's Ctrl-C does not reach them.
func grouped(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // for whoever left the group and still holds its output
	return cmd
}
