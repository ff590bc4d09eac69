// Package door keeps web pages of strangers from the ports that the local stack opens. A browser lets any page open a WebSocket to 127.0.0.1, and send
// simple requests there; a page whose name its owner makes resolve to 127.0.0.1 (DNS rebinding) may do all that a page of the stack's own could.
//
// A program is let in. It is told by what no page can do: it sends no Origin, or no User-Agent, which browsers always send and pages cannot take away.
// (Today's client library in Go sends an Origin, http://nexusclient.go, and no User-Agent.) Pages are let in from the stack's own address and where they are
// allowed by name. Whoever it is, the request's Host must be a name of this machine or an allowed one: what a page's own address says is no proof.
//
// AWS has no such check: API Gateway takes connections of all origins.
package door

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// Any, among the origins that are allowed, allows all of them, and every Host.
const Any = "*"

// Door is what stands before the ports of a stack.
type Door struct {
	log     *slog.Logger
	any     bool
	origins map[string]bool // scheme://host[:port] without the scheme's own port, and "null"
	hosts   map[string]bool // of the origins

	mu   sync.Mutex
	told map[string]bool // what was logged
}

// maxTold bounds how many refusals are logged, each only once: who is refused must not be able to fill a log.
const maxTold = 20

// New returns a door that lets in pages of some origins, such as https://app.example:8443, besides the stack's own. Refusals are logged as warnings.
func New(allowed []string, log *slog.Logger) (*Door, error) {
	d := Closed(log)
	for _, text := range allowed {
		switch text {
		case Any:
			d.any = true
			continue
		case "null": // of pages without an origin, such as a file's
			d.origins[text] = true
			continue
		}
		o, ok := parse(text)
		if !ok {
			return nil, fmt.Errorf("the origin %q is neither of the form https://host:port, nor null, nor %s for all", text, Any)
		}
		d.origins[o.String()], d.hosts[o.host] = true, true
	}
	return d, nil
}

// Closed returns a door that no page of another address passes: of a port that only the stack's own programs use.
func Closed(log *slog.Logger) *Door {
	return &Door{log: log, origins: map[string]bool{}, hosts: map[string]bool{}, told: map[string]bool{}}
}

// Handler lets requests through to next, and answers others with 403. listen is the address that the port was opened with.
func (d *Door) Handler(listen string, next http.Handler) http.Handler {
	name, _, err := net.SplitHostPort(listen)
	if err != nil {
		name = ""
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		why := d.refuses(strings.ToLower(name), r)
		if why == "" {
			next.ServeHTTP(w, r)
			return
		}
		d.tell(why)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"Forbidden"}`) // the client is gone if this fails
	})
}

func (d *Door) tell(why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.told[why] && len(d.told) < maxTold {
		d.told[why] = true
		d.log.Warn("refused a request that may come from a stranger's web page; -allow-origin lets pages in", "why", why)
	}
}

// refuses says why a request is refused; empty if it is not. name is the host that the port was opened with.
func (d *Door) refuses(name string, r *http.Request) string {
	if d.any {
		return ""
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	address, _ := netip.ParseAddrPort(addrText(local)) // the zero value, which is no address, where there is none
	if host := hostOf(r.Host); !d.here(host, name, address) && !d.hosts[host] {
		return fmt.Sprintf("Host %.100q", r.Host)
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		// A request that a page makes without an Origin (an image's, say) says by this header that it does.
		switch site := r.Header.Get("Sec-Fetch-Site"); site {
		case "", "same-origin", "none":
			return ""
		default:
			return fmt.Sprintf("Sec-Fetch-Site %.100q", site)
		}
	}
	if len(origins) == 1 && r.Header.Get("User-Agent") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return ""
	}
	if len(origins) == 1 {
		o, ok := parse(origins[0])
		if ok && d.here(o.host, name, address) && o.port == int(address.Port()) || ok && d.origins[o.String()] || !ok && d.origins[origins[0]] {
			return ""
		}
	}
	return fmt.Sprintf("Origin %.100q", strings.Join(origins, ", "))
}

// here reports whether a host names this machine: a loopback name or address, what the port was opened with, or the address that was dialled.
func (d *Door) here(host, name string, dialled netip.AddrPort) bool {
	if host == "" {
		return false
	}
	if host == "localhost" || host == name {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsUnspecified() || ip.Unmap() == dialled.Addr().Unmap())
}

// hostOf is the host of a Host header, lower-cased, without port, brackets and a last dot.
func hostOf(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// origin is a page's origin (RFC 6454).
type origin struct {
	scheme, host string
	port         int
}

var ports = map[string]int{"http": 80, "https": 443}

// parse reads an origin as browsers write it.
func parse(text string) (origin, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return origin{}, false
	}
	o := origin{scheme: u.Scheme, host: hostOf(u.Host), port: ports[u.Scheme]}
	if o.port == 0 || o.host == "" {
		return origin{}, false
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return origin{}, false
		}
		o.port = int(n)
	}
	return o, true
}

func (o origin) String() string {
	return o.scheme + "://" + net.JoinHostPort(o.host, strconv.Itoa(o.port))
}
