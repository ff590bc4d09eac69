package handler_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"nexus/pkg/handler"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// A request is sent again after 25 to 100 ms, and then after 25 to 200 ms: the SDK's own 0 to 2 s and 0 to 4 s are longer than a call may take.
func TestBackoff(t *testing.T) {
	for attempt, most := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 200 * time.Millisecond} {
		least, greatest := time.Hour, time.Duration(0)
		for range 10_000 {
			d, err := handler.Backoff(attempt, nil)
			if err != nil {
				t.Fatal(err)
			}
			least, greatest = min(least, d), max(greatest, d)
		}
		if least < 25*time.Millisecond || greatest > most || least > 30*time.Millisecond || greatest < most*9/10 {
			t.Errorf("before attempt %d: %v to %v, want 25ms to %v", attempt+1, least, greatest, most)
		}
	}
	retryer := handler.AWSConfig(environment(nil)).Retryer()
	if n := retryer.MaxAttempts(); n != handler.Attempts {
		t.Errorf("%d attempts, want %d", n, handler.Attempts)
	}
	if d, err := retryer.RetryDelay(1, io.ErrUnexpectedEOF); err != nil || d > 100*time.Millisecond {
		t.Errorf("the configuration's delay is %v, %v", d, err)
	}
}

// A connection that was idle for longer than services keep theirs is not used again; one that was not is.
func TestIdleConnectionsAreNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		client := handler.AWSConfig(environment(nil)).HTTPClient.(*awshttp.BuildableClient).WithTransportOptions(func(transport *http.Transport) {
			transport.Proxy = nil
			transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				here, there := net.Pipe()
				go answerAll(there)
				return here, nil
			}
		})
		ask := func() {
			t.Helper()
			r, _ := http.NewRequest(http.MethodGet, "http://dynamodb.invalid/", nil)
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			synctest.Wait() // the connection is idle
		}
		for _, step := range []struct {
			pause time.Duration
			dials int64
		}{{0, 1}, {29 * time.Second, 1}, {46 * time.Second, 2}, {time.Hour, 3}} {
			time.Sleep(step.pause) // the bubble's
			ask()
			if n := dials.Load(); n != step.dials {
				t.Errorf("after %v idle: %d connections in all, want %d", step.pause, n, step.dials)
			}
		}
		time.Sleep(time.Hour) // which closes the last
	})
}

// answerAll answers each request on a connection, until it is closed.
func answerAll(c net.Conn) {
	defer c.Close()
	requests := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			return
		}
	}
}

// A service closes its idle connections while the client's process is stopped, as Lambda stops environments: the next request is carried out all the
// same, at once or after one short pause. By the SDK's own settings it took up to 2 s.
func TestConnectionsClosedWhileTheProcessIsStopped(t *testing.T) {
	if address := os.Getenv("NEXUS_TEST_STOPPED"); address != "" {
		askTwice(address)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
			go answerAll(c)
		}
	}()
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), "NEXUS_TEST_STOPPED=http://"+l.Addr().String())
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	lines.Scan()
	if lines.Text() != "asked" {
		t.Fatalf("the child says %q", lines.Text())
	}
	stop := func(signal syscall.Signal) {
		if err := child.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	stop(syscall.SIGSTOP)
	for len(accepted) > 0 {
		c := <-accepted
		c.Close()
	}
	fmt.Fprintln(in, "again") // it is there when the child goes on
	stop(syscall.SIGCONT)
	lines.Scan()
	took, err := time.ParseDuration(lines.Text())
	if err != nil {
		t.Fatalf("the child says %q", lines.Text())
	}
	if took > time.Second { // four times what a pause and both attempts may take on a busy machine
		t.Errorf("the request after the pause took %v", took)
	}
}

// askTwice is the process that is stopped: it asks a table service, says so, and asks again when it is told to.
func askTwice(address string) {
	env := environment(map[string]string{"AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"})
	db := handler.Clients(handler.AWSConfig(env), env).DynamoDB
	ask := func() error {
		_, err := db.ListTables(context.Background(), &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
		return err
	}
	if err := ask(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("asked")
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.TrimSpace(line) != "again" {
		os.Exit(1)
	}
	began := time.Now()
	if err := ask(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(time.Since(began))
	os.Exit(0)
}
