package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var (
	//go:embed start.py
	startScript []byte
	//go:embed requirements.txt
	requirements []byte
)

// The account and region of the emulator, and keys that say so: MiniStack takes any.
const (
	region  = "us-east-1"
	account = "000000000000"
	keyID   = "test"
)

// readyWithin is how long MiniStack may take to start; it takes a second.
const readyWithin = 60 * time.Second

// server is a running MiniStack.
type server struct {
	url   string // http://127.0.0.1:port
	log   string // file of what it printed
	lease io.WriteCloser
	ended chan struct{} // closed once it has ended
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
		if out, err := grouped(exec.CommandContext(ctx, command[0], command[1:]...)).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
		}
	}
	return python, nil
}

// startServer starts MiniStack on a free port of the loopback interface, with all its files in dir. Stop it.
func startServer(ctx context.Context, python, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{url: "http://127.0.0.1:" + port, log: filepath.Join(dir, "ministack.log"), ended: make(chan struct{})}
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
	cmd.Env = append(clean(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_HOST=localhost", "STATE_DIR="+filepath.Join(dir, "state"),
		"S3_DATA_DIR="+filepath.Join(dir, "s3"), "TMPDIR="+temporary, "LAMBDA_EXECUTOR=local", "AUTH=true", "PYTHONDONTWRITEBYTECODE=1",
		"AWS_ENDPOINT_URL="+s.url, "AWS_REGION="+region) // these two are the functions': they are given the server's environment
	if s.lease, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(s.ended)
	}()
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("MiniStack: %w\n%s", err, s.tail())
	}
	return s, nil
}

// freePort returns a port of the loopback interface that was free just now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// clean is the environment without what would lead to an account of AWS.
func clean() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CDK_") {
			env = append(env, v)
		}
	}
	return append(env, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
}

// ready waits until the server answers.
func (s *server) ready(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, readyWithin)
	defer stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		if healthy(ctx, s.url+"/_ministack/health") {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w", ctx.Err())
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// stop ends the server and the functions it runs: its standard input ends, and start.py ends all.
func (s *server) stop() {
	_ = s.lease.Close()
	<-s.ended
}

// logLines is how much of a program's output is shown of a failure.
const logLines = 40

// tail is the end of what the server printed.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return lastLines(text, logLines)
}

func lastLines(text []byte, n int) string {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
