package session

import (
	"context"
	"sync"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/store"
)

// Entered returns what is in force for a connection that has not logged in; in is true, and tags nil, for one that has. ErrEnded if it ended before
// it did.
//
// Who has logged in once never is nobody again, so that an execution environment asks for each connection once.
func (s *Sessions) Entered(ctx context.Context, connid string) (in bool, tags access.Tags, err error) {
	if s.entered.has(connid) {
		return true, nil, nil
	}
	item, err := s.DB.Get(ctx, store.Sessions, key(connid))
	if err != nil {
		return false, nil, err
	}
	if item.Str("state") != live {
		return false, nil, ErrEnded
	}
	if item.Str("user") != call.Nobody {
		s.entered.add(connid)
		return true, nil, nil
	}
	tags, err = tagsOf(item)
	return false, tags, err
}

// remembered is how many connections an execution environment remembers to have logged in, at least; at most twice as many.
const remembered = 5000

// connids remembers connections: the last ones that were added, in two generations. It is safe for concurrent use; its zero value is empty.
type connids struct {
	mu         sync.Mutex
	young, old map[string]struct{}
}

func (c *connids) has(connid string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, young := c.young[connid]
	_, old := c.old[connid]
	return young || old
}

// drop forgets one.
func (c *connids) drop(connid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, connid)
	delete(c.old, connid)
}

func (c *connids) add(connid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= remembered {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = map[string]struct{}{}
	}
	c.young[connid] = struct{}{}
}
