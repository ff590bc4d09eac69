package topic

import (
	"context"

	"nexus/pkg/store"
)

// cursor is how far the fan-out of a row has come. It is kept only once a fan-out did not go through at once.
type cursor struct {
	n  int64  // the publication that it is at, or was last kept for: those before it are done
	at string // the place behind which it goes on: each pipe up to there was given the publication
	// last is the last of those that were given to the pipes up to there together with publication n.
	last int64
	// tries counts the attempts that began at this place, before they begin.
	tries int64
	kept  bool // that of n is in the table
}

func cursorKey(row string) store.Item { return key(partCursor+row, single) }

// cursors reads those of some rows.
func (t *Topics) cursors(ctx context.Context, rows []string) (map[string]cursor, error) {
	keys := make([]store.Key, len(rows))
	for n, row := range rows {
		keys[n] = store.Key{Table: store.Topics, Key: cursorKey(row)}
	}
	found, err := t.DB.GetAll(ctx, keys, "")
	all := make(map[string]cursor, len(found))
	for _, f := range found {
		all[f.Item.Str("part")[len(partCursor):]] = decodeCursor(f.Item)
	}
	return all, err
}

func decodeCursor(i store.Item) cursor {
	return cursor{n: i.Int("n"), at: i.Str("at"), last: max(i.Int("last"), i.Int("n")), tries: i.Int("tries"), kept: true}
}

// keep keeps a row's cursor, and makes it the one that is kept if another invocation, to which the same records were given, was farther.
func (t *Topics) keep(ctx context.Context, row string, c *cursor) error {
	// Key: the row's cursor. Condition: it is not farther. Effect: it is there. A loser finds it farther, and goes on from there.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Topics, Key: cursorKey(row), Update: "SET #n = :n, #at = :at, #last = :last, #tries = :tries",
		If:     "attribute_not_exists(#n) OR #n < :n OR (#n = :n AND #at <= :at)",
		Values: store.Item{":n": store.N(c.n), ":at": store.S(c.at), ":last": store.N(c.last), ":tries": store.N(c.tries)}})
	if old, lost := store.Lost(err); lost {
		*c = decodeCursor(old)
		return nil
	}
	c.kept = c.kept || err == nil
	return err
}
