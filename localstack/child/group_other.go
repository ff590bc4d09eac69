//go:build !unix

package child

import (
	"os"
	"syscall"
)

// Apart leaves a command where it is: there are no process groups.
func Apart() *syscall.SysProcAttr { return nil }

// terminate and kill may find that it has ended.
func terminate(p *os.Process) { kill(p) }
func kill(p *os.Process)      { _ = p.Kill() }
