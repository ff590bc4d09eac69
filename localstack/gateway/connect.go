package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// ConnectRequest is what a client's upgrade request brings into the CONNECT event.
type ConnectRequest struct {
	Header   http.Header // Connection and Upgrade are left out of events
	Query    url.Values
	SourceIP string
	Proto    string // X-Forwarded-Proto; "https"
	Port     string // X-Forwarded-Port; "443"
}

// ConnectError says why a connection was refused.
type ConnectError struct {
	Status                  int    // of the answer to the upgrade request
	ConnectionID, RequestID string // empty when $connect was not reached
	Err                     error  // the function's error, if it is that
}

func (e *ConnectError) Error() string {
	s := fmt.Sprintf("gateway: connection refused with status %d", e.Status)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the error of the function, if it had one.
func (e *ConnectError) Unwrap() error { return e.Err }

// Connect opens a connection on a stage: it runs $connect and, if that answered 2xx, makes the connection reachable, so that t may be used before
// Connect returns. Any other outcome is a *ConnectError. Of ctx only the values count: on AWS a function is not stopped
// when the client gives up.
func (g *Gateway) Connect(ctx context.Context, stage string, r ConnectRequest, t Transport) (*Conn, error) {
	switch {
	case g.mistake != nil:
		return nil, &ConnectError{Status: http.StatusInternalServerError, Err: g.mistake}
	case !slices.Contains(g.config.Stages, stage):
		return nil, &ConnectError{Status: http.StatusForbidden, Err: fmt.Errorf("no stage %q", stage)}
	}
	g.mu.Lock()
	closing := g.closing
	if !closing {
		g.inFlight++
	}
	g.mu.Unlock()
	if closing {
		return nil, &ConnectError{Status: http.StatusServiceUnavailable, Err: errors.New("the gateway is closing")}
	}
	defer g.done()

	c := &Conn{
		g:           g,
		id:          g.config.NewID(),
		stage:       stage,
		transport:   t,
		connectedAt: g.config.Clock.Now(),
		identity:    identity{UserAgent: r.Header.Get("User-Agent"), SourceIP: r.SourceIP},
	}
	requestID := g.config.NewID()
	refuse := func(status int, err error) (*Conn, error) {
		return nil, &ConnectError{Status: status, ConnectionID: c.id, RequestID: requestID, Err: err}
	}
	if connect := g.routes[routeConnect]; connect != nil {
		if !g.passes(stage, routeConnect) {
			return refuse(http.StatusTooManyRequests, nil)
		}
		result, err := g.invoke(ctx, connect.Function, c.connectEvent(requestID, r))
		switch {
		case errors.Is(err, errIntegrationTimeout):
			return refuse(http.StatusGatewayTimeout, err)
		case err != nil:
			return refuse(http.StatusBadGateway, err)
		case result.StatusCode < 200 || result.StatusCode > 299:
			return refuse(result.StatusCode, nil)
		}
		c.subprotocol = result.Subprotocol
	}
	c.touch()
	if !g.open(c) { // Shutdown came in the meantime: what $connect did is undone
		c.end(closeGoingAway, reasonGoingAway, false)
		return refuse(http.StatusServiceUnavailable, errors.New("the gateway is closing"))
	}
	c.watch()
	return c, nil
}

// errIntegrationTimeout ends an invocation that took longer than Config.IntegrationTimeout.
var errIntegrationTimeout = errors.New("integration timeout")

// invoke runs a function and reads its result as a proxy response. ctx gives values, g its end.
func (g *Gateway) invoke(ctx context.Context, function string, payload []byte) (proxyResponse, error) {
	ctx, cancel := context.WithCancelCause(withValues{g.ctx, ctx})
	stop := g.config.Machine.AfterFunc(g.config.IntegrationTimeout, func() { cancel(errIntegrationTimeout) })
	result, err := g.config.Invoke(ctx, function, payload)
	stop()
	cause := context.Cause(ctx)
	cancel(nil)
	switch {
	case cause != nil: // a result that came too late does not count
		return proxyResponse{}, cause
	case err != nil:
		return proxyResponse{}, err
	}
	return parseProxyResponse(result)
}

// withValues is a context that has the end of one context and the values of another.
type withValues struct {
	context.Context
	values context.Context
}

func (c withValues) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}
