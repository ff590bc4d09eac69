package session

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"

	"golang.org/x/sync/errgroup"
)

// The states of a session.
const (
	live  = "live"
	ended = "ended"
)

const (
	// Lifetime is how long API Gateway keeps a connection at most.
	Lifetime = 2 * time.Hour
	// Tombstone is how long an ended session is kept, so that what comes late finds it ended.
	Tombstone = 3 * time.Hour
)

// Family is a package whose items belong to sessions.
type Family interface {
	// Ended takes from a session that has ended what some of its rows name. It may be told the same rows again.
	Ended(ctx context.Context, end call.End, rows []call.Row) error
}

// Sessions holds the sessions.
type Sessions struct {
	DB       *store.DB
	Rows     *call.Rows
	Timer    *timer.Queue
	Post     *deliver.Poster
	Users    Users
	Tasks    Tasks
	Hooks    Hooks
	Families map[string]Family // by the kind of their rows
	Log      *slog.Logger
	Now      func() time.Time
	// NewID returns an id of at most 36 bytes, unlike any other.
	NewID func() string
	// LoginWithin is how long a connection may be there without a login; 0 for ever. At most timer.MaxDelay.
	LoginWithin time.Duration
	// Chores is how long one invocation goes on with clean-up before it leaves the rest to a message.
	Chores time.Duration
	// LoadAvg reads what /proc/loadavg holds, or "" where there is none. nil where the load is not to be reported.
	LoadAvg func() string

	reports reports
	entered connids // those known to have logged in
}

func key(connid string) store.Item { return store.Item{"id": store.S(connid)} }

// Connect makes the session of a new connection, live and of nobody, with what a user of that name may, and sends the message that closes it if nobody
// logs in. protocol is wss or ws.
func (s *Sessions) Connect(ctx context.Context, connid, ip, protocol string) error {
	tags, err := s.Users.Nobody(ctx, ip)
	if err != nil {
		return err
	}
	text, err := storable(tags)
	if err != nil { // whoever connects would be turned away
		s.Log.Warn("tags of nobody", "error", err)
		text = "{}"
	}
	var g errgroup.Group
	g.Go(func() error {
		return s.put(ctx, connid, ip, protocol, store.Item{"user": store.S(call.Nobody), "tags": store.S(text)})
	})
	if s.LoginWithin > 0 {
		g.Go(func() error {
			return s.Timer.After(ctx, s.LoginWithin, timer.Wake{Kind: WakeLogin, Key: []string{connid}})
		})
	}
	return g.Wait()
}

// put writes the session of a new connection, with what is known of its user.
func (s *Sessions) put(ctx context.Context, connid, ip, protocol string, user store.Item) error {
	now := s.Now()
	item := store.Item{"id": store.S(connid), "state": store.S(live), "ip": store.S(ip), "proto": store.S(protocol),
		"ct": store.Millis(now), "wd": store.N(DefaultWatchdog), store.AttrExpires: store.N(now.Add(Lifetime + Tombstone).Unix())}
	maps.Copy(item, user)
	// Key: the connection. Condition: no session of that name, live or ended. A retry of this very write meets itself, of the same time;
	// any other loser is a connection that ended before it began, and refused.
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Item: item, If: "attribute_not_exists(#id)"})
	if old, lost := store.Lost(err); lost && old.Str("state") == live && old.Time("ct").Equal(now.Truncate(time.Millisecond)) {
		return nil
	}
	return err
}

// ErrEnded says that a session is not live. Its client gets it only where its connection outlives the session for a moment.
var ErrEnded error = jsonrpc.Err(jsonrpc.InvalidRequest, "session ended")

// Load reads what is in force for a connection. ErrEnded if it has ended.
func (s *Sessions) Load(ctx context.Context, connid string) (call.Session, error) {
	item, err := s.load(ctx, connid)
	if err != nil {
		return call.Session{}, err
	}
	tags, err := tagsOf(item)
	if err != nil {
		return call.Session{}, err
	}
	if item.Str("user") != call.Nobody {
		s.entered.add(connid)
	}
	return call.Session{User: item.Str("user"), UID: item.Str("uid"), Tags: tags}, nil
}

// LoadEnded reads what was in force for a session when it ended, for a call that API Gateway took before that, at a time; ErrEnded if it did not.
func (s *Sessions) LoadEnded(ctx context.Context, connid string, at time.Time) (call.Session, error) {
	item, err := s.DB.Get(ctx, store.Sessions, key(connid))
	if err != nil {
		return call.Session{}, err
	}
	if item.Str("state") != ended || item.Str("user") == "" || !item.Has("until") || at.After(item.Time("until")) {
		return call.Session{}, ErrEnded
	}
	tags, err := tagsOf(item)
	return call.Session{User: item.Str("user"), UID: item.Str("uid"), Tags: tags}, err
}

func tagsOf(session store.Item) (access.Tags, error) {
	tags, err := access.ParseTags([]byte(session.Str("tags")))
	if err != nil {
		err = fmt.Errorf("tags of session %s: %w", session.Str("id"), err)
	}
	return tags, err
}

func (s *Sessions) load(ctx context.Context, connid string) (store.Item, error) {
	item, err := s.DB.Get(ctx, store.Sessions, key(connid))
	if err != nil {
		return nil, err
	}
	if item.Str("state") != live {
		return nil, ErrEnded
	}
	return item, nil
}

// Live tells which of some connections have a live session. Empty names are left out.
func (s *Sessions) Live(ctx context.Context, connids ...string) (map[string]bool, error) {
	alive := make(map[string]bool, len(connids))
	var ask []store.Key
	for _, connid := range connids {
		if _, asked := alive[connid]; asked || connid == "" {
			continue
		}
		alive[connid] = false
		ask = append(ask, store.Key{Table: store.Sessions, Key: key(connid)})
	}
	if len(ask) == 0 {
		return alive, nil
	}
	found, err := s.DB.GetAll(ctx, ask, "#id, #state")
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		alive[f.Item.Str("id")] = f.Item.Str("state") == live
	}
	return alive, nil
}
