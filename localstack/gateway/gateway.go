package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nexus/localstack/clock"
)

// Limits of API Gateway; each is the default of the Config field of its name.
const (
	FrameLimit         = 32 << 10
	MessageLimit       = 128 << 10
	IdleTimeout        = 10 * time.Minute
	Lifetime           = 2 * time.Hour
	IntegrationTimeout = 29 * time.Second
	OutgoingBuffer     = 1 << 20 // unknown on AWS
)

// Route is the integration of one route key.
type Route struct {
	Function string
	TwoWay   bool // the body of the function's result is sent to the client: the route has a $default RouteResponse
}

// Config describes one WebSocket API. Zero values stand for the defaults named.
type Config struct {
	Stages []string // the paths that clients connect to, as "v0"
	// DefaultStage is where the path / leads: the mapping without a key of a custom domain, which API Gateway's own host cannot have. Empty: nowhere.
	DefaultStage string
	Routes       map[string]Route // by route key: $connect, $disconnect, $default, and the values of the member method of messages

	// Throttles bound what a route takes on each stage, by route key. A route that is not here is not throttled.
	Throttles map[string]Throttle

	// Invoke runs a function and waits for its result, and returns soon after ctx has ended. It is called concurrently.
	Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

	Clock clock.Clock // clock.Real
	// Machine times what functions and sockets are busy with: an invocation, a closing handshake. A stack whose Clock is moved by jumps needs
	// another one here, for a jump says nothing of how long they took. It is Clock where nil.
	Machine clock.Clock
	// NewID makes unique ids of connections, requests and messages, safe for concurrent use; 16 random characters of base64url, the last one '='.
	NewID func() string

	APIID      string // "local"
	Region     string // "us-east-1"
	DomainName string // APIID.execute-api.Region.amazonaws.com

	FrameLimit         int           // bytes of a frame from or to a client over a WebSocket
	MessageLimit       int           // bytes of a message from a client, and of posted data
	IdleTimeout        time.Duration // without a message in either direction
	Lifetime           time.Duration // of a connection
	IntegrationTimeout time.Duration // of an invocation
	OutgoingBuffer     int           // bytes that wait for a client to read them over a WebSocket, before 429

	// Delay, where set, puts off each message to a client: @connections and AWS promise no order, so a simulation draws one. A message that was
	// put off is dropped if its connection ends first or its client does not read: the post was answered 200 all the same.
	Delay func(connectionID string) time.Duration
}

// Gateway is one WebSocket API and its open connections. It is safe for concurrent use.
type Gateway struct {
	config  Config // with defaults filled in
	routes  map[string]*route
	mistake error

	ctx    context.Context // of all invocations; ends when Shutdown gives up waiting
	cancel context.CancelFunc

	buckets buckets

	mu       sync.Mutex
	conns    map[string]*Conn // open ones, by id
	seq      uint64           // of the latest connection
	inFlight int              // invocations, sockets, Connects
	messages int              // that came and are being handled
	handled  chan struct{}    // closed when messages falls to 0; nil if nobody waits
	closing  bool             // Shutdown was called
	drained  bool             // and nothing is in flight any more
	idle     chan struct{}    // closed with drained
}

// route is a Route and its key.
type route struct {
	key string
	Route
}

// New returns a Gateway. A mistake in c is what every Connect reports.
func New(c Config) *Gateway {
	g := &Gateway{config: withDefaults(c), routes: make(map[string]*route, len(c.Routes)), conns: map[string]*Conn{}, idle: make(chan struct{}),
		buckets: buckets{by: map[[2]string]*bucket{}}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for key, r := range c.Routes {
		g.routes[key] = &route{key, r}
	}
	g.mistake = g.check()
	return g
}

func withDefaults(c Config) Config {
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Machine == nil {
		c.Machine = c.Clock
	}
	if c.NewID == nil {
		c.NewID = randomID
	}
	c.APIID = cmp.Or(c.APIID, "local")
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.DomainName = cmp.Or(c.DomainName, c.APIID+".execute-api."+c.Region+".amazonaws.com")
	c.FrameLimit = cmp.Or(c.FrameLimit, FrameLimit)
	c.MessageLimit = cmp.Or(c.MessageLimit, MessageLimit)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, IdleTimeout)
	c.Lifetime = cmp.Or(c.Lifetime, Lifetime)
	c.IntegrationTimeout = cmp.Or(c.IntegrationTimeout, IntegrationTimeout)
	c.OutgoingBuffer = cmp.Or(c.OutgoingBuffer, OutgoingBuffer)
	return c
}

// check finds what API Gateway would refuse when the API is created.
func (g *Gateway) check() error {
	if g.config.Invoke == nil {
		return errors.New("gateway: Config.Invoke is nil")
	}
	if min(g.config.FrameLimit, g.config.MessageLimit, g.config.OutgoingBuffer) < 0 ||
		min(g.config.IdleTimeout, g.config.Lifetime, g.config.IntegrationTimeout) < 0 {
		return errors.New("gateway: a limit is negative")
	}
	for _, stage := range g.config.Stages {
		if stage == "" || strings.ContainsAny(stage, "/@%") {
			return fmt.Errorf("gateway: stage %q is no path segment", stage)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(g.config.Throttles)) {
		if t := g.config.Throttles[key]; g.routes[key] == nil || t.Rate <= 0 || t.Burst < 1 {
			return fmt.Errorf("gateway: throttle %+v of route %q: no such route, or it would let nothing through", t, key)
		}
	}
	if g.config.DefaultStage != "" && !slices.Contains(g.config.Stages, g.config.DefaultStage) {
		return fmt.Errorf("gateway: there is no stage %q for the path /", g.config.DefaultStage)
	}
	for _, key := range slices.Sorted(maps.Keys(g.routes)) {
		if strings.HasPrefix(key, "$") && key != routeConnect && key != routeDisconnect && key != routeDefault {
			return fmt.Errorf("gateway: route key %q: custom keys do not begin with $", key)
		}
		if key == "" || g.routes[key].Function == "" {
			return fmt.Errorf("gateway: route key %q: no key or no function", key)
		}
	}
	return nil
}

// randomID makes ids that look like those of API Gateway, which need escaping in a URL.
func randomID() string {
	var b [11]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

// Close is Shutdown without a bound.
func (g *Gateway) Close() error { return g.Shutdown(context.Background()) }

// Shutdown refuses new connections, closes all open ones with 1001 and waits until their $disconnect routes and all else that is in flight are
// done. If ctx ends first, what is still in flight is cancelled, and Shutdown returns ctx's error without waiting for it.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	if g.drained {
		g.mu.Unlock()
		return nil
	}
	g.closing = true
	g.inFlight++ // for this call, so that g is not drained before it has closed everything
	open := slices.Collect(maps.Values(g.conns))
	g.mu.Unlock()
	slices.SortFunc(open, func(a, b *Conn) int { return cmp.Compare(a.seq, b.seq) })
	for _, c := range open {
		c.end(closeGoingAway, reasonGoingAway, true)
	}
	g.done()
	select {
	case <-g.idle:
		g.cancel()
		return nil
	case <-ctx.Done():
		g.cancel()
		return ctx.Err()
	}
}

// Handled waits until no message that came is being handled, for a test that is about to move the clock.
func (g *Gateway) Handled(ctx context.Context) error {
	g.mu.Lock()
	if g.messages == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.handled == nil {
		g.handled = make(chan struct{})
	}
	handled := g.handled
	g.mu.Unlock()
	select {
	case <-handled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// handling counts a message that came, and, with -1, one that was handled.
func (g *Gateway) handling(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.messages += n; g.messages == 0 && g.handled != nil {
		close(g.handled)
		g.handled = nil
	}
}

// begin counts one thing in flight, which ends with done. It reports false once g is drained: then the thing must not start.
func (g *Gateway) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.drained {
		return false
	}
	g.inFlight++
	return true
}

func (g *Gateway) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if g.closing && g.inFlight == 0 && !g.drained {
		g.drained = true
		close(g.idle)
	}
}

// open makes c reachable. It reports false if g is closing.
func (g *Gateway) open(c *Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.seq++
	c.seq = g.seq
	g.conns[c.id] = c
	return true
}

func (g *Gateway) remove(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns[c.id] == c {
		delete(g.conns, c.id)
	}
}

// lookup finds an open connection of a stage; nil if there is none.
func (g *Gateway) lookup(stage, id string) *Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.conns[id]; c != nil && c.stage == stage {
		return c
	}
	return nil
}

// Connections is the number of open connections.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}
