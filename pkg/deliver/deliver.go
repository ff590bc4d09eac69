// Package deliver posts messages to connections through API Gateway's @connections API, and says what its failures mean.
//
// A connection's protocol name, its connid, is the 8 hexadecimal digits of its node and then API Gateway's connection id. A node is a deployed
// stage; its digits tell where to post.
package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
)

// ErrGone says that the connection does not exist any more, or never did.
var ErrGone = errors.New("connection gone")

// NodeDigits is the length of a node's id.
const NodeDigits = 8

// Node is a deployed stage.
type Node struct {
	ID    string // NodeDigits hexadecimal digits
	Stage string
}

// NodeID returns the id of the node whose @connections API is at an endpoint.
func NodeID(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return hex.EncodeToString(sum[:NodeDigits/2])
}

// Poster posts to the connections of some nodes. It is safe for concurrent use.
type Poster struct {
	// Limit is how long a hasty post may take by the machine's clock; zero leaves it to the client's own time-outs.
	Limit time.Duration
	// Slow, where set, is told of a connection that takes nothing any more, now and then as long as it does, by whoever posts to it: how many messages
	// in turn could not be delivered. It is to end the connection, unless it finds that API Gateway refuses everybody.
	Slow func(ctx context.Context, connid string, undelivered int)

	byID    map[string]*apigatewaymanagementapi.Client
	byStage map[string]Node
	pause   func(ctx context.Context, attempt int) error
	pace    *pace // nil: as fast as it goes
	slow    *slow // what is known of connections that take nothing
}

// New returns a Poster without nodes. pause waits before the given retry (1, 2, …) of a post that was throttled; now is the time.
func New(pause func(ctx context.Context, attempt int) error, now func() time.Time) *Poster {
	return &Poster{byID: map[string]*apigatewaymanagementapi.Client{}, byStage: map[string]Node{}, pause: pause, slow: newSlow(now)}
}

// Add adds a node. It is not safe beside other calls.
func (p *Poster) Add(n Node, client *apigatewaymanagementapi.Client) {
	p.byID[n.ID] = client
	p.byStage[n.Stage] = n
}

// Nodes returns the nodes, by id.
func (p *Poster) Nodes() []Node {
	return slices.SortedFunc(maps.Values(p.byStage), func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
}

// Connid returns the connid of a connection of a stage.
func (p *Poster) Connid(stage, connectionID string) (string, error) {
	n, ok := p.byStage[stage]
	if !ok {
		return "", fmt.Errorf("no endpoint is configured for stage %q", stage)
	}
	return n.ID + connectionID, nil
}

func (p *Poster) client(connid string) (client *apigatewaymanagementapi.Client, connectionID string) {
	if len(connid) <= NodeDigits {
		return nil, ""
	}
	return p.byID[connid[:NodeDigits]], connid[NodeDigits:]
}

// Throttled is how often a post that meets 429 is tried: API Gateway says so when its rate is exceeded or the client does not read. Fewer tries
// would drop answers in a burst, more would outlast the handler. A hasty post has one, and so has one to a connection that took nothing of late.
const Throttled = 5

// Post sends a message, at most 128 KB, to a connection. ErrGone is final. After any other error, which is ErrUndelivered unless ctx has ended, the message
// may have arrived or not.
func (p *Poster) Post(ctx context.Context, connid string, message []byte) error {
	client, id := p.client(connid)
	if client == nil {
		return ErrGone
	}
	hasty := IsHasty(ctx)
	if hasty && p.slow.spared(connid) {
		return &undelivered{cause: errSpared}
	}
	if err := p.pace.wait(ctx); err != nil {
		return err
	}
	attempts, ok := p.slow.begin(connid, hasty)
	if !ok {
		return &undelivered{cause: errSpared}
	}
	err := p.try(ctx, attempts, client, id, message)
	switch {
	case err == nil || errors.Is(err, ErrGone):
		p.slow.done(connid)
		return err
	case ctx.Err() != nil: // it says nothing of the connection
		p.slow.left(connid)
		return err
	}
	_, full := errors.AsType[*types.LimitExceededException](err)
	row, tell := p.slow.failed(connid, full)
	if tell && p.Slow != nil {
		p.Slow(ctx, connid, row)
	}
	return &undelivered{cause: err, first: row == 1}
}

// try posts, up to so many times while API Gateway refuses.
func (p *Poster) try(ctx context.Context, attempts int, client *apigatewaymanagementapi.Client, id string, message []byte) error {
	if p.Limit > 0 && attempts == 1 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, p.Limit)
		defer stop()
	}
	for attempt := 1; ; attempt++ {
		_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: message})
		if err == nil {
			return nil
		}
		if _, gone := errors.AsType[*types.GoneException](err); gone {
			return ErrGone
		}
		if _, throttled := errors.AsType[*types.LimitExceededException](err); !throttled || attempt >= attempts {
			return fmt.Errorf("post: %w", err)
		}
		if err := p.pause(ctx, attempt); err != nil {
			return err
		}
		if err := p.pace.wait(ctx); err != nil {
			return err
		}
	}
}

// Overdue is told what became of a post of an answer that has waited for half a minute, which is as long as one may wait: a connection whose
// client still does not read it is slow. It returns err.
func (p *Poster) Overdue(ctx context.Context, connid string, err error) error {
	if errors.Is(err, ErrUndelivered) && p.Slow != nil {
		if row, tell := p.slow.overdue(connid); tell {
			p.Slow(ctx, connid, row)
		}
	}
	return err
}

// LastActive asks when something last went over a connection, either way. ErrGone if the connection is no more.
func (p *Poster) LastActive(ctx context.Context, connid string) (time.Time, error) {
	client, id := p.client(connid)
	if client == nil {
		return time.Time{}, ErrGone
	}
	out, err := client.GetConnection(ctx, &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id})
	if _, gone := errors.AsType[*types.GoneException](err); gone {
		return time.Time{}, ErrGone
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("get connection: %w", err)
	}
	return aws.ToTime(out.LastActiveAt), nil
}

// Close closes a connection. One that is gone is closed.
func (p *Poster) Close(ctx context.Context, connid string) error {
	client, id := p.client(connid)
	if client == nil {
		return nil
	}
	_, err := client.DeleteConnection(ctx, &apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &id})
	if _, gone := errors.AsType[*types.GoneException](err); err != nil && !gone {
		return fmt.Errorf("delete connection: %w", err)
	}
	p.slow.forget(connid) // posts are to learn that it is gone
	return nil
}
