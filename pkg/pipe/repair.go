package pipe

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Changed reads back the pipes that the table's stream told of, rows left aside, and makes good what a handler that died left undone of them, if
// nothing of it has moved for RepairAge. What is younger is looked at again then. A pipe in order costs one read. An error says that nothing of the kind is
// sure: what became of one pipe is no error of all, one whose repair failed, or for which there was no time, goes on by a message of its own.
func (p *Pipes) Changed(ctx context.Context, keys [][2]string) error {
	var ask []store.Key
	for _, k := range keys {
		if k[1] == metaRow {
			ask = append(ask, store.Key{Table: store.Pipes, Key: metaKey(k[0])})
		}
	}
	found, err := p.DB.GetAll(ctx, ask, "")
	if err != nil {
		return err
	}
	metas := make([]*meta, len(found))
	for n, f := range found {
		metas[n] = decode(f.Item)
	}
	slices.SortFunc(metas, func(a, b *meta) int { return strings.Compare(a.pipeid, b.pipeid) })
	young := make([]time.Duration, len(metas))
	errs := p.Chores.Each(ctx, len(metas), func(ctx context.Context, n int) (err error) {
		young[n], err = p.inspect(ctx, metas[n])
		return err
	})
	var later []timer.Later
	for n, err := range errs {
		switch {
		case errors.Is(err, chores.ErrTime):
		case err != nil:
			p.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "repair", "pipe", metas[n].pipeid, "error", err)
			young[n] = p.RepairAge
		case young[n] == 0:
			continue
		}
		later = append(later, timer.Later{After: young[n], Wake: timer.Wake{Kind: WakeInspect, Key: []string{metas[n].pipeid}}})
	}
	return p.Timer.All(ctx, later...)
}

// inspect acts on a pipe as it was just read: ages are tested on the same read that shows the state. It returns after how long nothing of it will be too
// young, 0 if nothing is: one message lets it be looked at again then; all that changes later has a record of its own in the stream. That an answer could not
// be delivered is no error: it was seized before it was posted, which is such a change.
func (p *Pipes) inspect(ctx context.Context, m *meta) (young time.Duration, err error) {
	if m == nil {
		return 0, nil
	}
	var failed []error
	stuck, young := p.underWay(m)
	if stuck {
		alive, err := p.Sessions.Live(ctx, m.owner)
		if err != nil {
			return 0, err
		}
		if !alive[m.owner] {
			if err := p.abandon(ctx, m.pipeid, m.owner); err != nil {
				return 0, err
			}
			m.waits, m.handed = nil, nil
		}
		failed = append(failed, p.repair(ctx, m))
	}
	failed = append(failed, p.deadlines(ctx, m))
	if err := errors.Join(failed...); !deliver.OnlyUndelivered(err) {
		return young, err
	}
	return young, nil
}

// old tells whether what has not moved since a time is repair's.
func (p *Pipes) old(at time.Time) bool { return p.Now().Sub(at) >= p.RepairAge }

// underWay tells whether there is anything in a pipe that somebody has to finish: whether anything is stuck, since it has not moved for RepairAge,
// and after how long nothing will be too young to be; 0 if nothing is.
func (p *Pipes) underWay(m *meta) (stuck bool, young time.Duration) {
	note := func(at time.Time) {
		if p.old(at) {
			stuck = true
		} else {
			young = max(young, p.RepairAge-p.Now().Sub(at))
		}
	}
	for _, h := range m.handed {
		note(h.at)
	}
	for _, o := range m.owed {
		note(o.at)
	}
	switch {
	case !m.open():
		note(m.closed)
	case len(m.waits) > 0 && !m.empty():
		note(m.apart())
	}
	return stuck, young
}

// apart is since when a read waits beside what is unread.
func (m *meta) apart() time.Time {
	if at := m.waits[0].at; at.After(m.tail.at) {
		return at
	}
	return m.tail.at
}

// repair finishes what is stuck: it posts hand-overs and what is owed, answers the reads of a closed pipe, and serves reads that wait beside
// messages.
func (p *Pipes) repair(ctx context.Context, m *meta) error {
	var failed []error
	for _, token := range slices.Sorted(maps.Keys(m.handed)) {
		if h := m.handed[token]; p.old(h.at) {
			failed = append(failed, p.repost(ctx, m, &h))
		}
	}
	for _, token := range slices.Sorted(maps.Keys(m.owed)) {
		if o := m.owed[token]; p.old(o.at) {
			failed = append(failed, p.pay(ctx, m, token, o))
		}
	}
	switch {
	case !m.open() && p.old(m.closed):
		failed = append(failed, p.dismissLate(ctx, m))
	case m.open() && len(m.waits) > 0 && !m.empty() && p.old(m.apart()):
		failed = append(failed, p.look(ctx, m.pipeid))
	}
	return errors.Join(failed...)
}

// seize takes something of a pipe for this repair, before it posts: the queue and the stream may give one pipe to two handlers at a time. It tells
// whether it did.
func (p *Pipes) seize(ctx context.Context, m *meta, path, token string, at time.Time) (bool, error) {
	names := map[string]string{}
	if token != "" {
		names["#token"] = token
	}
	// Key: the pipe. Condition: what is seized has not moved since it was read. Effect: it moved just now, so that no other repair acts on it for
	// RepairAge, well within which this handler ends. A loser finds that another took it, or, its response lost, leaves it to the next one.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), Update: "SET " + path + " = :now", If: path + " = :at",
		Values: store.Item{":now": store.Millis(p.Now()), ":at": store.Millis(at)}, Names: names})
	if _, lost := store.Lost(err); lost {
		return false, nil
	}
	return err == nil, err
}

// repost posts a hand-over again, its handler being dead, and clears it.
func (p *Pipes) repost(ctx context.Context, m *meta, h *handover) error {
	if seized, err := p.seize(ctx, m, "#what.#token.#at", h.token, h.at); err != nil || !seized {
		return err
	}
	messages, err := p.messagesOf(ctx, m.pipeid, h)
	if err != nil {
		return err
	}
	id, err := p.textOf(ctx, h.wait.id)
	if err != nil {
		return err
	}
	if err = p.post(ctx, m.owner, id, h.answer(messages)); !posted(err) {
		return p.Post.Overdue(ctx, m.owner, err)
	}
	_, failed := p.clear(ctx, m.pipeid, h.token, true, false)
	return errors.Join(failed, p.gone(ctx, m.owner, err))
}

// pay posts an ok that is owed.
func (p *Pipes) pay(ctx context.Context, m *meta, token string, o owed) error {
	if seized, err := p.seize(ctx, m, "#owed.#token.#at", token, o.at); err != nil || !seized {
		return err
	}
	id, err := p.textOf(ctx, o.id)
	if err != nil {
		return err
	}
	if err = p.post(ctx, o.connid, id, jsonrpc.OK); !posted(err) {
		return p.Post.Overdue(ctx, o.connid, err)
	}
	_, failed := p.clear(ctx, m.pipeid, token, false, true)
	return errors.Join(failed, p.gone(ctx, o.connid, err))
}

// dismissLate answers the reads that waited when a pipe was closed, whoever closed it being dead.
func (p *Pipes) dismissLate(ctx context.Context, m *meta) error {
	if seized, err := p.seize(ctx, m, "#closed", "", m.closed); err != nil || !seized {
		return err
	}
	err := p.dismiss(ctx, m)
	if !posted(err) {
		return p.Post.Overdue(ctx, m.owner, err)
	}
	return errors.Join(p.closed(ctx, m, "-"), p.gone(ctx, m.owner, err))
}

// deadlines answers the reads whose deadline has passed, and starts, once, the chain of timers that goes to a deadline farther ahead.
func (p *Pipes) deadlines(ctx context.Context, m *meta) error {
	var failed []error
	for n, w := range m.waits {
		left := w.deadline.Sub(p.Now())
		switch {
		case !m.open() || left > connectionLife:
		case left <= 0:
			failed = append(failed, p.expireRead(ctx, m.pipeid, w.token))
		case !w.armed:
			failed = append(failed, p.arm(ctx, m.pipeid, n, w, left))
		}
	}
	return errors.Join(failed...)
}

// arm starts the chain of timers to the deadline of a read that waits.
func (p *Pipes) arm(ctx context.Context, pipeid string, n int, w wait, left time.Duration) error {
	if err := p.Timer.After(ctx, left, timer.Wake{Kind: WakeDeadline, Key: []string{pipeid, w.token}}); err != nil {
		return err
	}
	path := waitPath(n)
	// Key: the pipe. Condition: the read waits where it did. Effect: it is armed. The message went first: a death between the two makes two chains,
	// which is harmless, and never none. A loser finds it served, or moved up by a read before it that was: then it gets one chain more.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid), Update: "SET " + path + ".#armed = :true", If: path + ".#t = :read",
		Values: store.Item{":true": store.Bool(true), ":read": store.S(w.token)}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}
