//go:build !unix

package main

import (
	"os"
	"syscall"
)

// There are no process groups: what an engine started itself may outlive it.
func apart() *syscall.SysProcAttr { return nil }
func terminate(p *os.Process)     { kill(p) }
func kill(p *os.Process)          { _ = p.Kill() }
