package dynamo

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	// tokenLife is how long a ClientRequestToken makes a transaction idempotent.
	tokenLife = 10 * time.Minute
	// maxTransactionSize bounds the items of a transaction, in bytes together.
	maxTransactionSize = 4 << 20
)

// transaction is one that was carried out under a ClientRequestToken.
type transaction struct {
	token   string
	content [sha256.Size]byte
	until   time.Time
	cost    ledger // what a replay costs: reads
}

var transactActions = map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheck"}

func transactWriteItems(e *Engine, body []byte) ([]byte, error) {
	var writes []*write
	capacity, token := "", ""
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "TransactItems":
			r.array(func() { writes = append(writes, r.transactWrite()) })
		case "ClientRequestToken":
			if token = r.text(); len(token) < 1 || len(token) > 36 {
				r.fail(validation("1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: length between 1 and 36"))
			}
		default:
			return r.writeCosts(name, &capacity)
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := checkTransactItems(len(writes)); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.unlock()
	cost, kind, err := e.transactOnce(token, writes)
	if err != nil {
		return nil, err
	}
	out := &writer{}
	out.openObject()
	cost.write(out, capacity, kind)
	out.closeObject()
	return out.buf, nil
}

func checkTransactItems(n int) error {
	if n < 1 || n > maxTransaction {
		return validation("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and 100")
	}
	return nil
}

// transactWrite reads a TransactWriteItem, which holds one of four actions.
func (r *reader) transactWrite() *write {
	var w *write
	r.request(func(name string) bool {
		action, ok := transactActions[name]
		if !ok {
			return false
		}
		if w != nil {
			r.fail(validation("TransactItems can only contain one of Check, Put, Update or Delete"))
		}
		w = &write{action: action}
		r.request(func(name string) bool { return w.field(r, name) })
		if r.err == nil && (action == "ConditionCheck" && w.condition == nil || action == "UpdateItem" && w.update == nil) {
			r.fail(validation("1 validation error detected: an expression of " + name + " is missing"))
		}
		return true
	})
	if w == nil {
		r.fail(validation("TransactItems can only contain one of Check, Put, Update or Delete"))
	}
	return w
}

// transactOnce carries out a transaction, or recognises one of the last ten minutes by its token.
func (e *Engine) transactOnce(token string, writes []*write) (ledger, transactional, error) {
	if token == "" {
		cost, _, err := e.transact(writes)
		return cost, writeTransaction, err
	}
	now := e.clock.Now()
	for len(e.tokens) > 0 && !e.tokens[0].until.After(now) {
		e.tokens = e.tokens[1:]
	}
	content := fingerprint(writes)
	for _, t := range e.tokens {
		if t.token != token {
			continue
		}
		if t.content != content {
			return nil, "", exception("IdempotentParameterMismatchException", "A request with the same client token but different parameters was received")
		}
		return t.cost, readTransaction, nil
	}
	cost, replay, err := e.transact(writes)
	if err != nil {
		return nil, "", err
	}
	e.tokens = append(e.tokens, transaction{token, content, now.Add(tokenLife), replay})
	return cost, writeTransaction, nil
}

// transact carries out all writes or none. It returns their cost and what a replay will cost.
func (e *Engine) transact(writes []*write) (cost, replay ledger, err error) {
	all := make([]*prepared, 0, len(writes))
	effects := make([]*effect, len(writes))
	reasons := make([]cancellationReason, len(writes))
	cancelled := false
	size := 0
	for i, w := range writes {
		reasons[i].code = "None"
		p, err := e.prepare(w)
		if err == nil {
			if slices.ContainsFunc(all, p.same) {
				return nil, nil, validation("Transaction request cannot include multiple operations on one item")
			}
			all = append(all, p)
			effects[i], err = e.attempt(p)
		} else if x := (*apiError)(nil); !errors.As(err, &x) || !x.schema {
			return nil, nil, err
		}
		if err != nil {
			if reasons[i], err = reason(err); err != nil {
				return nil, nil, err
			}
			cancelled = true
		} else if effects[i].new != nil {
			size += effects[i].new.size
		}
	}
	if cancelled {
		return nil, nil, cancellation(reasons)
	}
	if size > maxTransactionSize {
		return nil, nil, validation("Collection size of items in the transaction exceeds the limit of 4 MB")
	}
	for _, fx := range effects {
		c := cost.of(fx.table)
		e.commit(fx, 2, c)
		read := 0
		if fx.new != nil {
			read = fx.new.size
		}
		replay.of(fx.table).base += 2 * readUnits(read, true)
	}
	return cost, replay, nil
}

func (e *Engine) attempt(p *prepared) (*effect, error) {
	if e.conflicts(p) {
		return nil, conflict()
	}
	return e.evaluate(p)
}

// reason turns the error of one item into its cancellation reason.
func reason(err error) (cancellationReason, error) {
	var x *apiError
	if !errors.As(err, &x) {
		return cancellationReason{}, err
	}
	code := map[string]string{"ConditionalCheckFailedException": "ConditionalCheckFailed", "TransactionConflictException": "TransactionConflict",
		"ValidationException": "ValidationError"}[x.code]
	return cancellationReason{code, x.message, x.item}, nil
}

func cancellation(reasons []cancellationReason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.code
	}
	x := exception("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]",
		strings.Join(codes, ", "))
	x.reasons = reasons
	return x
}

// fingerprint identifies the content of a transaction; the order in which a client wrote maps does not count.
func fingerprint(writes []*write) [sha256.Size]byte {
	var w writer
	byKey := func(a, b placeholder) int { return strings.Compare(a.key, b.key) }
	optional := func(s *string) {
		if s != nil {
			w.text(*s)
		} else {
			w.bool(false)
		}
	}
	for _, x := range writes {
		w.text(x.action)
		w.text(x.table)
		w.item(x.item)
		optional(x.update)
		optional(x.condition)
		w.text(x.onFailure)
		slices.SortFunc(x.names, byKey)
		slices.SortFunc(x.values, byKey)
		for _, ph := range x.names {
			w.text(ph.key)
			w.text(ph.name)
		}
		for _, ph := range x.values {
			w.text(ph.key)
			w.value(ph.value)
		}
	}
	return sha256.Sum256(w.buf)
}

func transactGetItems(e *Engine, body []byte) ([]byte, error) {
	var gets []*get
	capacity := ""
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "TransactItems":
			r.array(func() {
				g := &get{consistent: true}
				gets = append(gets, g)
				r.request(func(name string) bool {
					if name != "Get" {
						return false
					}
					r.request(func(name string) bool { return g.field(r, name) })
					return true
				})
			})
		case "ReturnConsumedCapacity":
			capacity = r.capacityMode()
		default:
			return false
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := checkTransactItems(len(gets)); err != nil {
		return nil, err
	}
	return e.transactGet(gets, capacity)
}

func (e *Engine) transactGet(gets []*get, capacity string) ([]byte, error) {
	e.mu.Lock()
	defer e.unlock()
	var l ledger
	out := &writer{}
	out.openObject()
	out.key("Responses")
	out.openArray()
	type place struct {
		table *table
		position
	}
	var seen []place
	reasons := make([]cancellationReason, len(gets))
	cancelled := false
	size := 0
	for i, g := range gets {
		reasons[i].code = "None"
		f, err := e.fetch(g)
		if x := (*apiError)(nil); errors.As(err, &x) && x.schema {
			reasons[i], cancelled = cancellationReason{"ValidationError", x.message, nil}, true
			continue
		}
		if err != nil {
			return nil, err
		}
		at := place{f.table, f.table.locate(g.key)}
		if slices.Contains(seen, at) {
			return nil, validation("Transaction request cannot include multiple operations on one item")
		}
		seen = append(seen, at)
		if size += f.size; size > maxTransactionSize {
			return nil, validation("Collection size of items in the transaction exceeds the limit of 4 MB")
		}
		l.of(f.table).base += 2 * readUnits(f.size, true)
		out.openObject()
		if f.item != nil {
			out.key("Item")
			out.item(f.item)
		}
		out.closeObject()
	}
	if cancelled {
		return nil, cancellation(reasons)
	}
	out.closeArray()
	l.write(out, capacity, readTransaction)
	out.closeObject()
	return out.buf, nil
}
