package task

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode/utf8"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// cutStrings is how long a string inside listed params may be, in bytes.
const cutStrings = 10 << 10

// List carries out task.list: the tasks that wait or are worked on and the pulls that wait, by path and then in the order in which they came.
func (t *Tasks) List(ctx context.Context, _ *call.Call, l access.List) (jsonrpc.Outcome, error) {
	lister := &listing{tasks: t, list: l}
	err := t.eachPartition(ctx, l, func(part string) (bool, error) {
		full, err := lister.partition(ctx, part)
		return !full, err
	})
	return lister.out.Outcome(), err
}

// listing gathers what task.list answers.
type listing struct {
	tasks *Tasks
	list  access.List
	seen  int
	out   call.Listing
}

// partition adds a partition's items; full tells that no more are wanted.
func (l *listing) partition(ctx context.Context, part string) (full bool, err error) {
	now := l.tasks.Now()
	q := store.Query{Table: store.Tasks, If: "#part = :part", Filter: "#state IN (:waiting, :working) AND #dl > :now",
		Values: store.Item{":part": store.S(part), ":waiting": store.S(waiting), ":working": store.S(working), ":now": store.Millis(now)}}
	for {
		items, next, err := l.tasks.DB.Query(ctx, q)
		if err != nil {
			return false, err
		}
		for _, i := range items {
			if l.seen++; l.seen <= l.list.Skip {
				continue
			}
			e := decode(i)
			params, tags, err := l.tasks.bodyOf(ctx, e)
			if err != nil {
				return false, err
			}
			if err := l.out.Add(e.listed(params, tags)); err != nil {
				return false, err
			}
			if l.list.Limit > 0 && l.out.Len() == l.list.Limit {
				return true, nil
			}
		}
		if q.Start = next; next == nil {
			return false, nil
		}
	}
}

// listed is a task, or a pull that waits, as task.list shows it.
func (e *item) listed(params, tags json.RawMessage) json.RawMessage {
	if e.internal() {
		params = nil // a password may be in them
	}
	var o jsonrpc.Object
	o.String("id", e.shownID()).String("state", e.state).String("path", e.path()).String("method", e.method).
		Raw("params", cutLongStrings(params)).Int("prio", e.prio).Int("priority", e.prio).Int("ttl", e.ttl).
		Bool("detached", e.detached).Bool("detach", e.detached).String("user", e.user).
		String("session", e.pusher).String("targetSession", e.worker).
		Raw("result", nil).Raw("errCode", nil).String("errString", "").Raw("errObject", nil).Raw("tags", tags).
		Time("creationTime", e.created).Time("workingTime", e.worked).Time("deadline", e.deadline).Time("deadLine", e.deadline)
	return o.JSON()
}

// cutLongStrings cuts the strings inside a JSON value that are over cutStrings bytes, and leaves all other bytes alone.
func cutLongStrings(value json.RawMessage) json.RawMessage {
	if len(value) <= cutStrings {
		return value
	}
	var out []byte
	rest := []byte(value)
	for {
		start := bytes.IndexByte(rest, '"')
		if start < 0 {
			return append(out, rest...)
		}
		out, rest = append(out, rest[:start]...), rest[start:]
		end := 1
		for rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		literal := rest[:end+1]
		rest = rest[end+1:]
		if len(literal) > cutStrings {
			var s string
			if json.Unmarshal(literal, &s) == nil && len(s) > cutStrings {
				cut := cutStrings
				for !utf8.RuneStart(s[cut]) {
					cut--
				}
				literal = jsonrpc.AppendString(nil, s[:cut])
			}
		}
		out = append(out, literal...)
	}
}
