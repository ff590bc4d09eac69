package call

import (
	"context"

	"nexus/pkg/store"
)

// Opened returns the open rows of one kind that a connection has, in the order of their names: at most so many, as they are when it is asked.
func (r *Rows) Opened(ctx context.Context, connid, kind string, most int) (rows []Row, err error) {
	q := between(connid, openBefore, openEnd)
	q.Filter, q.Values[":kind"] = "#kind = :kind", store.S(kind)
	for {
		// Rows of other kinds are few: those that repair has put.
		q.Limit = int32(max(most-len(rows), 1))
		items, next, err := r.DB.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		rows = append(rows, read(items)...)
		if q.Start = next; next == nil || len(rows) >= most {
			return rows, nil
		}
	}
}

// Over deletes the open row of an item that is over, of which the end of the connection need not hear. What is not there may be over, too.
func (r *Rows) Over(ctx context.Context, k Key) error {
	// Key: the row. No condition: an item that is over is not opened again. Effect: there is none.
	_, err := r.DB.Do(ctx, store.Write{Table: store.Calls, Key: store.Item{"id": store.S(k.Connid), "row": store.S(k.Row)}})
	return err
}
