package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"nexus/localstack/child"
)

// The release, and the day before which everything that it needs must have been published: it is not kept up any more, and what came later does not
// suit it. Only pip 26 knows such a day.
const (
	release   = "localstack-core[runtime]==4.14.0"
	published = "2026-03-10T00:00:00Z"
	pip       = "pip==26.3"
)

//go:embed localstack-core
var coreFiles embed.FS

func fetchLocalStack(ctx context.Context, folder string) error {
	if runtime.GOOS == "windows" {
		return errors.New("it does not run on Windows")
	}
	local := filepath.Join(folder, "dynamodb-local") // which it would download otherwise
	if err := os.MkdirAll(local, 0o755); err != nil {
		return err
	}
	if err := fetchDynamoDBLocal(ctx, local); err != nil {
		return err
	}
	return fetch(folder, coreFiles, "localstack-core", release+" "+published+" "+pip, func() error {
		python, err := python(ctx)
		if err != nil {
			return err
		}
		venv := filepath.Join(folder, "venv")
		own := filepath.Join(venv, "bin", "python")
		for _, command := range [][]string{
			{python, "-m", "venv", "--clear", venv},
			{own, "-m", "pip", "install", "--quiet", pip},
			{own, "-m", "pip", "install", "--quiet", "--uploaded-prior-to", published, release},
		} {
			cmd := exec.CommandContext(ctx, command[0], command[1:]...)
			cmd.Dir = folder
			if err := child.Run(cmd); err != nil {
				return err
			}
		}
		return nil
	})
}

// python finds one of the versions that the release runs on; 3.11 can install it and then fails.
func python(ctx context.Context) (string, error) {
	candidates := []string{"python3.13", "python3.12", "python3"}
	home, err := os.UserHomeDir()
	if err == nil {
		for _, version := range []string{"3.13", "3.12"} { // pyenv shows on the path only what was chosen
			found, err := filepath.Glob(filepath.Join(home, ".pyenv", "versions", version+".*", "bin", "python3"))
			if err != nil {
				return "", err
			}
			candidates = append(candidates, found...)
		}
	}
	const suits = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 13)))"
	for _, name := range candidates {
		if path, err := exec.LookPath(name); err == nil && exec.CommandContext(ctx, path, "-c", suits).Run() == nil {
			return path, nil
		}
	}
	return "", errors.New("no Python 3.12 or 3.13 with venv is to be found")
}

func localStack(folder, scratch string, port int) (*exec.Cmd, error) {
	if err := layOut(folder, scratch); err != nil {
		return nil, err
	}
	java, err := java()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(folder, "venv", "bin", "python"), "-m", "localstack.runtime.main")
	cmd.Dir = scratch
	cmd.Env = []string{ // nothing of this machine's user: no credentials, no proxies, no settings of another LocalStack
		"PATH=" + os.Getenv("PATH"), "HOME=" + scratch, "TMPDIR=" + filepath.Join(scratch, "tmp"), "FILESYSTEM_ROOT=" + scratch,
		"GATEWAY_LISTEN=127.0.0.1:" + strconv.Itoa(port),
		"GATEWAY_SERVER=hypercorn", // the other one listens on every address
		"OVERRIDE_IN_DOCKER=0",     // even if this is a container, it is not LocalStack's
		"DNS_ADDRESS=0", "DISABLE_EVENTS=1", "SKIP_SSL_CERT_DOWNLOAD=1",
		"PROVIDER_OVERRIDE_DYNAMODB=v2", "PROVIDER_OVERRIDE_DYNAMODBSTREAMS=v2", "DYNAMODB_IN_MEMORY=1", "DYNAMODB_SHARE_DB=1",
		"JAVA=" + java, "LOOPBACK=" + filepath.Join(folder, "dynamodb-local", "Loopback.java"), // for java.sh
	}
	return cmd, nil
}

// layOut puts DynamoDB Local and Java where LocalStack, which believes to be in its container, looks for what it downloaded.
func layOut(folder, scratch string) error {
	local, err := dynamoDBLocalFolder(filepath.Join(folder, "dynamodb-local"))
	if err != nil {
		return err
	}
	lib := filepath.Join(scratch, "var", "lib", "localstack", "lib")
	dynamodb, bin := filepath.Join(lib, "dynamodb-local", "2"), filepath.Join(lib, "java", "21", "bin")
	for _, d := range []string{dynamodb, bin, filepath.Join(scratch, "tmp")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"DynamoDBLocal.jar", "DynamoDBLocal_lib"} {
		if err := os.Symlink(filepath.Join(local, name), filepath.Join(dynamodb, name)); err != nil {
			return err
		}
	}
	// Its agent, which java.sh leaves out, must be there, or it goes for a download.
	if err := os.WriteFile(filepath.Join(dynamodb, "ddb-local-loader-0.1.jar"), nil, 0o644); err != nil {
		return err
	}
	script, err := coreFiles.ReadFile("localstack-core/java.sh")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(bin, "java"), script, 0o755); err != nil {
		return fmt.Errorf("java: %w", err)
	}
	return nil
}
