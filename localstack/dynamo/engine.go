package dynamo

import (
	"sync"
	"time"

	"nexus/localstack/clock"
)

// Config configures an engine. The zero value of each field is a working default.
type Config struct {
	Clock  clock.Clock // default clock.Real
	Region string      // in ARNs and stream records; default us-east-1

	// Shards is the number of shards of each stream; default 1. Items are spread over them by partition key, so order is kept per item.
	Shards int

	// StreamRetention is how long stream records can be read; default 24 h, as in AWS.
	StreamRetention time.Duration

	// IteratorLife is how long a shard iterator can be used; default 15 min, as in AWS.
	IteratorLife time.Duration

	// Page is how many bytes of items a Query or Scan reads before it stops; default 1 MB, as in AWS.
	Page int

	// TTLDelay is how long after its expiry an item is deleted; default 48 h, as AWS lags at worst under normal load. Negative: at once.
	TTLDelay time.Duration

	// IndexLag, if set, makes reads that are not strongly consistent lag: reads of global indexes, and reads of tables and local indexes
	// without ConsistentRead, see a write only this long after it. It is asked once for each write, and writes are seen in their order.
	IndexLag func(table string) time.Duration

	// Conflict, if set, is asked before each write of one item, with its key as "pk" or "pk/sk" (bytes as they are). True fails the write
	// with TransactionConflictException, and a transaction with the cancellation reason TransactionConflict. It runs under the engine's
	// lock and must not call the engine.
	Conflict func(table, key string) bool
}

// Engine is an in-memory DynamoDB of one account and region. Its methods may be called concurrently.
type Engine struct {
	config Config
	clock  clock.Clock
	cache  expressionCache

	mu         sync.Mutex
	tables     map[string]*table
	streams    []*stream // in the order of their creation, those of deleted tables too
	sequence   uint64    // of the last stream record
	tokens     []transaction
	ids        uint64 // of tables and requests
	watchers   map[string][]*watcher
	wake       []*watcher // to call once the lock is released
	sweep      func() bool
	sweepAt    time.Time
	closed     bool
	requestIDs requestCounter
}

// New returns an engine without tables. Close it when done.
func New(config Config) *Engine {
	if config.Clock == nil {
		config.Clock = clock.Real{}
	}
	if config.Region == "" {
		config.Region = "us-east-1"
	}
	if config.Shards < 1 {
		config.Shards = 1
	}
	if config.StreamRetention <= 0 {
		config.StreamRetention = 24 * time.Hour
	}
	if config.IteratorLife <= 0 {
		config.IteratorLife = iteratorLife
	}
	if config.Page <= 0 {
		config.Page = maxPage
	}
	if config.TTLDelay == 0 {
		config.TTLDelay = 48 * time.Hour
	}
	return &Engine{config: config, clock: config.Clock, tables: map[string]*table{}, watchers: map[string][]*watcher{}}
}

// Close stops the TTL sweep. The engine goes on answering.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.disarm()
}

// unlock releases the engine and then calls whoever waits for the records that were written under the lock.
func (e *Engine) unlock() {
	wake := e.wake
	e.wake = nil
	e.mu.Unlock()
	for _, w := range wake {
		w.call()
	}
}

func (e *Engine) table(name string) (*table, error) {
	if t := e.tables[name]; t != nil {
		return t, nil
	}
	if name == "" {
		return nil, validation("The parameter 'TableName' is required but was not present in the request")
	}
	return nil, tableNotFound(name)
}

// conflicts asks the Conflict hook.
func (e *Engine) conflicts(p *prepared) bool {
	if e.config.Conflict == nil {
		return false
	}
	key := p.item.get(p.table.hash.name).display()
	if name := p.table.sort.name; name != "" {
		key += "/" + p.item.get(name).display()
	}
	return e.config.Conflict(p.table.name, key)
}

// display is a key attribute's value as text.
func (v *value) display() string {
	if v.kind == kindN {
		return v.num.String()
	}
	return v.text
}
