package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"nexus/localstack/child"
	"nexus/localstack/emulator"
)

var (
	//go:embed start.py
	startScript []byte
	//go:embed requirements.txt
	requirements []byte
)

// readyWithin is how long MiniStack may take to start; it takes a second.
const readyWithin = 60 * time.Second

// server is a running MiniStack.
type server struct {
	url     string // http://127.0.0.1:port
	log     string // file of what it printed
	lease   io.WriteCloser
	process *child.Process
}

// install makes a virtual environment in dir with MiniStack in it, and returns its python.
func install(ctx context.Context, dir string) (python string, err error) {
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, requirements, 0o600); err != nil {
		return "", err
	}
	venv := filepath.Join(dir, "venv")
	python = filepath.Join(venv, "bin", "python")
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--only-binary=:all:", "--require-hashes", "-r", list},
	} {
		if err := child.Run(exec.CommandContext(ctx, command[0], command[1:]...)); err != nil {
			return "", err
		}
	}
	return python, nil
}

// startServer starts MiniStack on a free port of the loopback interface, with all its files in dir, in the environment given but for what would lead
// to an account of AWS. Stop it.
func startServer(ctx context.Context, env []string, python, dir string) (*server, error) {
	free, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(free)
	s := &server{url: "http://127.0.0.1:" + port, log: filepath.Join(dir, "ministack.log")}
	script := filepath.Join(dir, "start.py")
	if err := os.WriteFile(script, startScript, 0o600); err != nil {
		return nil, err
	}
	temporary := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has its own
	cmd := exec.Command(python, script)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(emulator.Environment(env), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_HOST=localhost",
		"STATE_DIR="+filepath.Join(dir, "state"), "S3_DATA_DIR="+filepath.Join(dir, "s3"), "TMPDIR="+temporary, "LAMBDA_EXECUTOR=local", "AUTH=true",
		"PYTHONDONTWRITEBYTECODE=1",
		"AWS_ENDPOINT_URL="+s.url, "AWS_REGION="+emulator.Region) // these two are the functions': they are given the server's environment
	if s.lease, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if s.process, err = child.Start(cmd); err != nil {
		return nil, err
	}
	if err := s.process.Ready(ctx, readyWithin, s.healthy); err != nil {
		s.stop()
		return nil, fmt.Errorf("MiniStack: %w\n%s", err, s.tail())
	}
	return s, nil
}

// healthy asks the server whether it is ready.
func (s *server) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/_ministack/health", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

// stop ends the server and the functions it runs: its standard input ends, and start.py ends all.
func (s *server) stop() {
	_ = s.lease.Close()
	<-s.process.Ended()
}

// keepLog copies what the server printed to a file, which may be on another file system than its own.
func (s *server) keepLog(to string) error {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// tail is the end of what the server printed.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return child.Tail(text)
}
