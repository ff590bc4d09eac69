package session

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// scan gives every live session to f, in any order. It reads the whole table, eventually consistent: an index of all live sessions would be
// written by every connect and disconnect, for calls that are rare.
func (s *Sessions) scan(ctx context.Context, projection string, f func(store.Item)) error {
	q := store.Query{Table: store.Sessions, Filter: "#state = :live", Projection: projection, Values: store.Item{":live": store.S(live)}}
	for {
		items, next, err := s.DB.Scan(ctx, q)
		if err != nil {
			return err
		}
		for _, item := range items {
			f(item)
		}
		if q.Start = next; next == nil {
			return nil
		}
	}
}

// List carries out sys.session.list: the live sessions of the users that the list selects, by user and then connid. Its Skip and Limit count
// sessions.
func (s *Sessions) List(ctx context.Context, _ *call.Call, l access.List) (jsonrpc.Outcome, error) {
	var found []store.Item
	err := s.scan(ctx, "#id, #user, #ip, #proto, #ct", func(item store.Item) {
		if l.Match(item.Str("user")) {
			found = append(found, item)
		}
	})
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b store.Item) int {
		return cmp.Or(cmp.Compare(a.Str("user"), b.Str("user")), cmp.Compare(a.Str("id"), b.Str("id")))
	})
	from, to := l.Page(len(found))
	out, full := call.NewListing(l), false
	for found = found[from:to]; len(found) > 0 && !full; {
		user := found[0].Str("user")
		var sessions []json.RawMessage
		size := len(grouped(user, nil)) + len("100000")
		for len(found) > 0 && found[0].Str("user") == user {
			row := listed(found[0])
			if size += len(row) + len(","); size > out.Room() && !l.Named { // as many of a user's sessions come as fit
				full = true
				break
			}
			sessions = append(sessions, row)
			found = found[1:]
		}
		if len(sessions) == 0 {
			break
		}
		if _, err := out.Add(grouped(user, sessions)); err != nil {
			return "", err
		}
	}
	return out.Outcome(), nil
}

// grouped is a user's sessions as sys.session.list shows them.
func grouped(user string, sessions []json.RawMessage) json.RawMessage {
	var o jsonrpc.Object
	return o.String("user", user).Int("n", int64(len(sessions))).Raw("sessions", jsonrpc.Array(sessions)).JSON()
}

// listed is a session as sys.session.list shows it.
func listed(item store.Item) json.RawMessage {
	connid, protocol := item.Str("id"), item.Str("proto")
	node := connid[:min(len(connid), deliver.NodeDigits)]
	var o jsonrpc.Object
	return o.String("id", connid).String("connid", connid).String("nodeid", node).String("nodeId", node).
		String("remoteAddress", protocol+"://"+item.Str("ip")).String("protocol", protocol).Time("creationTime", item.Time("ct")).JSON()
}

// Count carries out sys.session.count.
func (s *Sessions) Count(ctx context.Context, _ *call.Call, p access.Count) (jsonrpc.Outcome, error) {
	tally := call.NewTally(p)
	if err := s.scan(ctx, "#user", func(item store.Item) { tally.Add(item.Str("user"), 1) }); err != nil {
		return "", err
	}
	return tally.Outcome()
}
