package lambda

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// Build builds functions into dir as the deployment does, except that they are for this machine's processor and a system of its choice, as
// runtime.GOOS has it. It returns their programs by name. A function is the main package folder + "/" + its name. The working directory must be in
// the module of that package.
func Build(ctx context.Context, system, dir, folder string, functions []string) (map[string]string, error) {
	arguments := []string{"build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	programs := map[string]string{}
	for _, name := range slices.Sorted(slices.Values(functions)) {
		arguments = append(arguments, folder+"/"+name)
		programs[name] = filepath.Join(dir, name)
		if system == "windows" {
			programs[name] += ".exe"
		}
	}
	build := exec.CommandContext(ctx, "go", arguments...)
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build functions: %w\n%s", err, out)
	}
	return programs, nil
}

// Built returns functions that were built: dir/<name>/bootstrap, as `make build` leaves them.
func Built(dir string, functions []string) (map[string]string, error) {
	programs := map[string]string{}
	for _, name := range slices.Sorted(slices.Values(functions)) {
		programs[name] = filepath.Join(dir, name, "bootstrap")
		if _, err := os.Stat(programs[name]); err != nil {
			return nil, fmt.Errorf("built functions: %w", err)
		}
	}
	return programs, nil
}
