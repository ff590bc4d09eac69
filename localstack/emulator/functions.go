package emulator

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"nexus/localstack/child"
	"nexus/localstack/lambda"
	"nexus/pkg/nexus"
)

// maxProgram is what a program must stay under, in bytes: this machine's processor may need more room for the same than AWS's does.
const maxProgram = "20000000"

// BuildFunctions makes the functions' zips in dir as `make build` does, but for this machine's processor, and for the system, as runtime.GOOS has it,
// on which the emulator runs them. It returns the functions' names. The working directory must be in this module.
func BuildFunctions(ctx context.Context, system, dir string) ([]string, error) {
	names := append(nexus.Functions(), nexus.FunctionSetup)
	built := filepath.Join(dir, "programs")
	if err := os.MkdirAll(built, 0o755); err != nil {
		return nil, err
	}
	programs, err := lambda.Build(ctx, system, built, "nexus/functions", names)
	if err != nil {
		return nil, err
	}
	bundle := []string{"run", "nexus/localstack/bundle", "-limit", maxProgram}
	for _, name := range names {
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		if err := os.Rename(programs[name], filepath.Join(folder, "bootstrap")); err != nil {
			return nil, err
		}
		bundle = append(bundle, folder)
	}
	return names, child.Run(exec.CommandContext(ctx, "go", bundle...))
}
