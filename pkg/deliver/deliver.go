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
	byID    map[string]*apigatewaymanagementapi.Client
	byStage map[string]Node
	pause   func(ctx context.Context, attempt int) error
	pace    *pace // nil: as fast as it goes
}

// New returns a Poster without nodes. pause waits before the given retry (1, 2, …) of a post that was throttled.
func New(pause func(ctx context.Context, attempt int) error) *Poster {
	return &Poster{byID: map[string]*apigatewaymanagementapi.Client{}, byStage: map[string]Node{}, pause: pause}
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
// would drop answers in a burst, more would outlast the handler.
const Throttled = 5

// Post sends a message, at most 128 KB, to a connection. ErrGone is final. After any other error the message may have arrived or not.
func (p *Poster) Post(ctx context.Context, connid string, message []byte) error {
	client, id := p.client(connid)
	if client == nil {
		return ErrGone
	}
	for attempt := 1; ; attempt++ {
		if err := p.pace.wait(ctx); err != nil {
			return err
		}
		_, err := client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &id, Data: message})
		if err == nil {
			return nil
		}
		if _, gone := errors.AsType[*types.GoneException](err); gone {
			return ErrGone
		}
		if _, throttled := errors.AsType[*types.LimitExceededException](err); !throttled || attempt == Throttled {
			return fmt.Errorf("post: %w", err)
		}
		if err := p.pause(ctx, attempt); err != nil {
			return err
		}
	}
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
	return nil
}
