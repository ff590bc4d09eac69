package door_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nexus/localstack/door"
)

// serve opens a port behind a door, and returns its port. lines is what the door logs.
func serve(t *testing.T, allowed ...string) (port string, lines *bytes.Buffer) {
	t.Helper()
	lines = &bytes.Buffer{}
	d, err := door.New(allowed, slog.New(slog.NewTextHandler(lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d.Handler("bus.internal:0", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") })))
	t.Cleanup(server.Close)
	_, port, err = net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, lines
}

// get sends a request with just the headers given, in which PORT stands for the port.
func get(t *testing.T, port, headers string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	headers = strings.ReplaceAll(strings.ReplaceAll(headers, "PORT", port), "\n", "\r\n")
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\n%s\r\n\r\n", headers); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

const browser = "\nUser-Agent: Mozilla/5.0"

func TestWhoIsLetIn(t *testing.T) {
	port, _ := serve(t, "https://app.example", "http://localhost:3000", "https://odd.example:8443")
	for _, headers := range []string{
		"Host: 127.0.0.1:PORT",
		"Host: 127.0.0.1:PORT\nUser-Agent: curl/8",
		"Host: localhost:9\nUser-Agent: curl/8", // a tunnel's other end
		"Host: localhost.",
		"Host: [::1]:PORT",
		"Host: 0.0.0.0:PORT",
		"Host: bus.internal:PORT",
		"Host: Bus.Internal:PORT\nOrigin: http://bus.internal:PORT" + browser,
		"Host: app.example",
		"Host: 127.0.0.1:PORT\nOrigin: http://nexusclient.go", // nxgo
		"Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://localhost:PORT" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://[::1]:PORT" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: https://app.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: https://app.example:443" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://localhost:3000" + browser + "\nSec-Fetch-Site: same-site",
		"Host: 127.0.0.1:PORT\nOrigin: https://odd.example:8443" + browser,
		"Host: 127.0.0.1:PORT\nSec-Fetch-Site: none" + browser, // typed by its user
	} {
		if status, body := get(t, port, headers); status != http.StatusOK || body != "in" {
			t.Errorf("%q: %d %s", headers, status, body)
		}
	}
}

func TestWhoIsRefused(t *testing.T) {
	port, _ := serve(t, "https://app.example")
	for _, headers := range []string{
		"Host: 127.0.0.1:PORT\nOrigin: https://evil.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://localhost:3000" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://localhost" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://app.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: https://app.example:8443" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: https://app.example.evil.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT.evil.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT@evil.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://localhost.evil.example:PORT" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: null" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: " + browser,
		"Host: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\nOrigin: https://evil.example" + browser,
		"Host: 127.0.0.1:PORT\nOrigin: https://evil.example\nSec-Fetch-Site: cross-site",
		"Host: 127.0.0.1:PORT\nSec-Fetch-Site: cross-site" + browser, // an image
		"Host: 127.0.0.1:PORT\nSec-Fetch-Site: same-site" + browser,
		// DNS rebinding: the page's name resolves to this machine, and its origin is the same as the host that it asks for.
		"Host: evil.example:PORT\nOrigin: http://evil.example:PORT" + browser,
		"Host: evil.example:PORT" + browser,
		"Host: evil.example",
		"Host: localhost.evil.example:PORT",
		"Host: 192.0.2.7:PORT",
		"Host: ",
	} {
		if status, body := get(t, port, headers); status != http.StatusForbidden || body != `{"message":"Forbidden"}` {
			t.Errorf("%q: %d %s", headers, status, body)
		}
	}
}

// A refusal is logged once, and only so many are.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	port, lines := serve(t)
	for n := range 50 {
		for range 2 {
			get(t, port, fmt.Sprintf("Host: evil%d.example", n))
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 20 || !strings.Contains(lines.String(), "evil0.example") {
		t.Errorf("%d lines:\n%s", n, lines)
	}
}

func TestAllAreLetInWhereAnyIsAllowed(t *testing.T) {
	port, _ := serve(t, door.Any)
	if status, _ := get(t, port, "Host: evil.example\nOrigin: https://evil.example"+browser); status != http.StatusOK {
		t.Error(status)
	}
	port, _ = serve(t, "null")
	if status, _ := get(t, port, "Host: localhost\nOrigin: null"+browser); status != http.StatusOK {
		t.Error(status)
	}
}

func TestWhatIsNoOrigin(t *testing.T) {
	for _, text := range []string{"", "app.example", "ftp://app.example", "https://app.example/", "https://app.example/x", "https://", "https://a:b@app.example",
		"https://app.example:0", "https://app.example:99999", "https://app.example?x", "//app.example"} {
		if _, err := door.New([]string{text}, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
