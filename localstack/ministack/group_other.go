//go:build !unix

package main

import "os/exec"

// grouped leaves a command as it is. MiniStack's own groups of processes need unix, so that nothing gets here.
func grouped(cmd *exec.Cmd) *exec.Cmd { return cmd }
