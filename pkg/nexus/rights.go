package nexus

import (
	"net/http"
	"slices"
	"strings"

	"nexus/pkg/store"
)

// Rights are what a function may do at AWS: all that its calls need, on the paths too that few calls take. The local stack refuses what is not
// here, and the deployment makes each function's policy from it.
//
// Not among them is what an event source mapping does in a function's name, by the same role: reading a stream (Streams) or the delay queue. Nor is
// writing logs.
type Rights struct {
	Tables []TableRights // by Table
	// Timer is sqs:SendMessage on the delay queue, which SendMessageBatch goes by too.
	Timer bool
	// DeadLetters is sqs:SendMessage on the dead-letter queue.
	DeadLetters bool
	// Hashes is the right to read store.AttrHash of users: with it their items may be read whole, without it only by the names of other attributes.
	Hashes bool
	// Connections are the HTTP methods for which there is execute-api:ManageConnections, on the connections of all stages: POST posts, GET asks when
	// a connection was last active, DELETE closes it. Sorted.
	Connections []string
}

// TableRights are the rights on one table.
type TableRights struct {
	Table string // as store names it
	// Actions are IAM's names without their "dynamodb:", sorted. A transaction needs those of its parts, on the table of each, and none of its own;
	// a batch needs one of its own instead.
	Actions []string
	// Indexes are those that are queried, sorted: dynamodb:Query on the index, which takes no right on the table.
	Indexes []string
}

// Allows tells whether an action is among the rights on a table, or, where index is not empty, on that index of it.
func (r Rights) Allows(action, table, index string) bool {
	n := slices.IndexFunc(r.Tables, func(t TableRights) bool { return t.Table == table })
	if n < 0 {
		return false
	}
	if index != "" {
		return action == query && slices.Contains(r.Tables[n].Indexes, index)
	}
	return slices.Contains(r.Tables[n].Actions, action)
}

// AllowsConnections tells whether an HTTP method of @connections is among the rights.
func (r Rights) AllowsConnections(method string) bool { return slices.Contains(r.Connections, method) }

// RightsOf returns the rights of a function; none for one that does not exist.
func RightsOf(function string) Rights {
	switch function {
	case FunctionConnection:
		// $default serves requests without a method, or with one that is not there: they change nothing.
		// Who connects with credentials logs in, and failed logins are counted.
		return ending().and(on(store.Calls, updateItem), on(store.Sessions, putItem)).hashes()
	case FunctionPipe:
		// Of a pipe that is closed nothing is left for the end of its session.
		return ending().and(readingPipes()...).and(on(store.Calls, deleteItem))
	case FunctionSetup:
		return Rights{}.and(on(store.Users, getItem, putItem)).hashes()
	case FunctionStream:
		r := ending().and(readingPipes()...).and(on(store.Pipes, batchGetItem), on(store.Sessions, batchGetItem), on(store.Tasks, query))
		r.DeadLetters = true // the mapping sends there what it gives up, by the function's role, and a fan-out the pipes that it gives up
		return r
	case FunctionSync:
		// Whether a lock's holder is still live is asked of the session's item and, now and then, of API Gateway.
		return ending().and(on(store.Locks, scan, updateItem), on(store.Sessions, batchGetItem))
	case FunctionSys:
		// A login method is a task that sys.login pushes.
		return ending().and(on(store.Calls, updateItem), on(store.Sessions, scan), on(store.Tasks, putItem)).hashes()
	case FunctionTask:
		return ending().and(on(store.Tasks, putItem, query))
	case FunctionTimer:
		// The schedule's round looks at all sessions and reports the machine's load, an item among theirs; messages repair as streams do.
		return ending().and(readingPipes()...).and(on(store.Sessions, batchGetItem, putItem, scan), on(store.Tasks, query))
	case FunctionTopic:
		// A subscription is a transaction that checks the pipe.
		return ending().and(on(store.Topics, putItem, scan), on(store.Pipes, conditionCheckItem))
	case FunctionUser:
		// Renaming takes the hash along.
		return ending().and(on(store.Users, deleteItem, putItem, updateItem), queried(store.Users, store.IndexDirectory)).hashes()
	}
	return Rights{}
}

// ending is what every function needs, for every function posts, and a post that meets a connection which is gone ends its session there and then:
//
//   - its rows (calls) name what it leaves behind: pulls are deleted, tasks dropped or given back and handed to the next pull that waits, which is a
//     post again and may need a long body; pipes are closed, and their subscriptions removed;
//   - a task that is over may be a login method's, so that what carries out the login is here: the user, the templates, how many sessions the user
//     has and whether their connections are there, and the session;
//   - what takes too long goes on by messages of the delay queue;
//   - what becomes of tasks is published, if somebody is subscribed to it; a publisher whose response was lost reads its row back.
func ending() Rights {
	r := Rights{Timer: true, Connections: []string{http.MethodDelete, http.MethodGet, http.MethodPost}}
	return r.and(
		on(store.Bodies, getItem, putItem),
		on(store.Calls, batchGetItem, putItem, query),
		on(store.Pipes, deleteItem, updateItem),
		on(store.Sessions, getItem, updateItem), queried(store.Sessions, store.IndexByUser),
		on(store.Tasks, batchGetItem, deleteItem, getItem, updateItem), queried(store.Tasks, store.IndexQueue),
		on(store.Topics, batchGetItem, deleteItem, getItem, query, updateItem),
		on(store.Users, batchGetItem, getItem),
	)
}

// readingPipes is what moving messages through a pipe needs beside ending: rows are put, by repair too, which plugs the number of a writer that died;
// ranges of them are read, with the long messages that many pipes share.
func readingPipes() []TableRights {
	return []TableRights{on(store.Bodies, batchGetItem), on(store.Pipes, getItem, putItem, query)}
}

// IAM's names of DynamoDB's actions.
const (
	batchGetItem       = "BatchGetItem"
	conditionCheckItem = "ConditionCheckItem"
	deleteItem         = "DeleteItem"
	getItem            = "GetItem"
	putItem            = "PutItem"
	query              = "Query"
	scan               = "Scan"
	updateItem         = "UpdateItem"
)

// on names actions on a table.
func on(table string, actions ...string) TableRights {
	return TableRights{Table: table, Actions: actions}
}

// queried names an index that is queried.
func queried(table, index string) TableRights {
	return TableRights{Table: table, Indexes: []string{index}}
}

// hashes adds the right to read password hashes.
func (r Rights) hashes() Rights {
	r.Hashes = true
	return r
}

// and adds rights on tables.
func (r Rights) and(more ...TableRights) Rights {
	byTable := slices.Clone(r.Tables)
	for _, m := range more {
		n, known := slices.BinarySearchFunc(byTable, m.Table, func(t TableRights, name string) int { return strings.Compare(t.Table, name) })
		if !known {
			byTable = slices.Insert(byTable, n, TableRights{Table: m.Table})
		}
		byTable[n].Actions = union(byTable[n].Actions, m.Actions)
		byTable[n].Indexes = union(byTable[n].Indexes, m.Indexes)
	}
	r.Tables = byTable
	return r
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
