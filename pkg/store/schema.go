package store

// The tables. A deployment prefixes their names with its stack's.
const (
	Users    = "users"
	Sessions = "sessions"
	Calls    = "calls"
	Locks    = "locks"
	Pipes    = "pipes"
	Tasks    = "tasks"
	Topics   = "topics"
	Bodies   = "bodies"
)

// StreamView is what a table's stream records hold.
type StreamView string

// The stream views in use: repair reads back what changed, so that keys are enough; a publication is its record.
const (
	NoStream StreamView = ""
	KeysOnly StreamView = "KEYS_ONLY"
	NewImage StreamView = "NEW_IMAGE"
)

// Index is a secondary index. All are sparse: an item is in it while it has the attribute Sort (and, if global, Partition).
type Index struct {
	Name      string
	Partition string // of a global index; empty for a local one
	Sort      string
	Include   []string // attributes projected besides the keys
}

// Table is a table as it is created, locally and by the deployment. All keys are strings. All tables are on demand.
type Table struct {
	Name      string
	Partition string
	Sort      string // empty if the partition key is the whole key
	Local     []Index
	Global    []Index
	Stream    StreamView
	// TTL says whether the table has a TimeToLive on the attribute AttrExpires, in seconds since 1970. It lags by days: it is what cleans up,
	// never what decides.
	TTL bool
}

// AttrExpires is the attribute that TimeToLive goes by.
const AttrExpires = "exp"

// AttrHash is the attribute of a user's item that holds the hash of its password. Few functions may read it.
const AttrHash = "hash"

// UserAttributes are all others that a user's item has, sorted.
func UserAttributes() []string {
	return []string{"blacklist", "createdAt", "dir", "disabled", "maxsessions", "req", "tags", "templates", "uid", "user", "whitelist"}
}

// IndexQueue orders what waits in a partition of tasks: tasks and pulls apart, by priority and time. It is local because pairing needs strong
// reads, and holds keys only so that changes of state that leave the queue alone cost nothing in it.
const IndexQueue = "queue"

// IndexDirectory holds the names of all users in one partition, in order, for listings; the record of the first start is not in it. Users are
// written rarely, and only their creation, renaming and deletion reach the index.
const IndexDirectory = "directory"

// IndexByUser lists the live sessions of a user who logged in. It is off every path but login, which goes by it for maxsessions (a soft
// limit).
const IndexByUser = "byuser"

// Schema returns all tables.
func Schema() []Table {
	return []Table{
		{Name: Users, Partition: "user", Global: []Index{{Name: IndexDirectory, Partition: "dir", Sort: "user"}}},
		// No stream: the end of a session sends its clean-ups before it is written, so that there is nothing for repair to find.
		{Name: Sessions, Partition: "id", TTL: true,
			Global: []Index{{Name: IndexByUser, Partition: "owner", Sort: "id", Include: []string{AttrExpires}}}},
		{Name: Calls, Partition: "id", Sort: "row", TTL: true},
		// No stream, no index: a lock is found free by who wants it, and a listing reads the whole table.
		{Name: Locks, Partition: "lock", TTL: true},
		{Name: Pipes, Partition: "pipeid", Sort: "row", TTL: true, Stream: KeysOnly},
		{Name: Tasks, Partition: "part", Sort: "id", TTL: true, Stream: KeysOnly,
			Local: []Index{{Name: IndexQueue, Sort: "queue"}}},
		// The stream's records of publications are the publications themselves, which need their image; a filter keeps all others out. No index: a
		// listing reads the whole table.
		{Name: Topics, Partition: "part", Sort: "row", TTL: true, Stream: NewImage},
		// Params, results and messages over 4 KB. A table of their own keeps them out of the streams that repair reads.
		{Name: Bodies, Partition: "id", TTL: true},
	}
}
