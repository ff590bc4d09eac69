package nexus

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/hook"
	"nexus/pkg/lock"
	"nexus/pkg/pipe"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/task"
	"nexus/pkg/timer"
	"nexus/pkg/topic"
	"nexus/pkg/user"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The stages, which are also the dialects: the specification's and that of Nexus 1.9.
const (
	V0 = "v0"
	V1 = "v1"
)

// Stages returns the stages of a deployment.
func Stages() []string { return []string{V0, V1} }

// DefaultStage is that of an address without a path: locally, and on a domain of one's own. API Gateway's own host has none.
const DefaultStage = V1

// Settings are what a deployment tells the bus.
type Settings struct {
	TablePrefix    string            // before every table's name
	QueueURL       string            // of the delay queue
	DeadLettersURL string            // of the dead-letter queue
	Callbacks      map[string]string // by stage, where its @connections API is, without the /@connections
	Shards         map[string]int    // by path (a.b.), over how many partitions its tasks are spread; 1 where absent
	FanoutRate     int               // posts a second that a fan-out makes at most; topic.DefaultRate where zero
	FanoutRows     int               // rows of publications that a fan-out hands out at a time; topic.RowsAtOnce where zero
	Closed         bool              // who connects needs credentials
	LoginWithin    time.Duration     // how long a connection may be there without a login; 0 for ever
	LoginTasks     int               // logins that may wait for the workers of a login method; task.DefaultLoginTasks where zero
	Pipes          PipeLimits        // pipe.DefaultLimits for what is zero
	RepairAge      time.Duration     // task.RepairAge and pipe.RepairAge where zero
	PasswordCost   user.Cost         // user.DefaultCost where zero
	Chores         time.Duration     // how long one invocation goes on with repair, clean-up, or a fan-out, before it leaves the rest to another; 6 s where zero
	Abreast        int               // items of these that it works on at a time; chores.Abreast where zero
	PostLimit      time.Duration     // how long a post may take that others wait behind; zero: as long as the client lets it
}

// PipeLimits bound what one client can have others hold in pipes.
type PipeLimits = pipe.Limits

// What limits of pipes may be at most. MaxUnread is what the longest pipe holds.
const (
	MaxReads  = pipe.MaxReads
	MaxUnread = pipe.MaxLen * pipe.MaxMessage
)

// Clients are the bus' ways out.
type Clients struct {
	DynamoDB *dynamodb.Client
	SQS      *sqs.Client
	// Management makes the client for an @connections API.
	Management func(endpoint string) *apigatewaymanagementapi.Client
}

// Chances are where everything comes from that is not given by what happened before: time and chance. The simulation has its own.
type Chances struct {
	Now   func() time.Time
	NewID func() string                              // a ulid that nobody can guess
	ULID  func(time.Time) string                     // the first ulid of a time
	Float func() float64                             // in [0,1)
	Salt  func() []byte                              // 16 bytes that nobody can guess
	Pause func(context.Context, int) error           // waits before a retry (1, 2, …)
	Sleep func(context.Context, time.Duration) error // waits, for the pace of posts and between topics' calls; by the machine's clock where nil
	// LoadAvg reads what /proc/loadavg holds, or "" where there is none; nil where the machine's load is not to be reported.
	LoadAvg func() string
}

// Bus is everything that the functions share. It is safe for concurrent use.
type Bus struct {
	Sessions *session.Sessions
	Tasks    *task.Tasks
	Users    *user.Users
	Locks    *lock.Locks
	Pipes    *pipe.Pipes
	Topics   *topic.Topics

	hooks   *hook.Hooks
	post    *deliver.Poster
	log     *slog.Logger
	now     func() time.Time
	methods map[string]Method
	nodes   map[string]deliver.Node
	chores  chores.Chores
	prefix  string // before every table's name
	closed  bool
}

// New composes a bus.
func New(set Settings, clients Clients, chances Chances, log *slog.Logger) *Bus {
	db := store.New(clients.DynamoDB, set.TablePrefix, chances.Pause)
	queue := timer.New(clients.SQS, set.QueueURL)
	post := deliver.New(chances.Pause, chances.Now)
	b := &Bus{post: post, log: log, now: chances.Now, methods: map[string]Method{}, nodes: map[string]deliver.Node{}, prefix: set.TablePrefix, closed: set.Closed}
	for _, stage := range Stages() {
		if endpoint := set.Callbacks[stage]; endpoint != "" {
			b.nodes[stage] = deliver.Node{ID: deliver.NodeID(endpoint), Stage: stage}
			post.Add(b.nodes[stage], clients.Management(endpoint))
		}
	}
	for _, m := range Methods() {
		b.methods[m.Name] = m
	}
	if chances.Sleep == nil {
		chances.Sleep = sleep
	}
	set.Chores = cmp.Or(set.Chores, invocation)
	b.chores = chores.Chores{Now: chances.Now, For: set.Chores, Abreast: cmp.Or(set.Abreast, chores.Abreast)}
	post.Limit, post.Slow = set.PostLimit, func(ctx context.Context, connid string, undelivered int) {
		b.Sessions.Suspect(ctx, connid, undelivered)
	}
	set.FanoutRate = cmp.Or(set.FanoutRate, topic.DefaultRate)
	rows := &call.Rows{DB: db, Now: chances.Now, ULID: chances.ULID}
	passwords := user.NewHasher(cmp.Or(set.PasswordCost, user.DefaultCost()), hashes, chances.Salt)
	b.Users = &user.Users{DB: db, Now: chances.Now, NewID: chances.NewID, Passwords: passwords}
	b.Sessions = &session.Sessions{DB: db, Rows: rows, Timer: queue, Post: post, Users: b.Users, Log: log, Now: chances.Now,
		NewID: chances.NewID, LoginWithin: set.LoginWithin, Chores: set.Chores, LoadAvg: chances.LoadAvg}
	b.Tasks = &task.Tasks{DB: db, Rows: rows, Timer: queue, Post: post, Sessions: b.Sessions, Log: log, Now: chances.Now, NewID: chances.NewID,
		Pick:   func(n int) int { return min(int(chances.Float()*float64(n)), n-1) },
		Shards: func(path string) int { return max(set.Shards[path], 1) }, RepairAge: cmp.Or(set.RepairAge, task.RepairAge), Chores: b.chores,
		LoginTasks: cmp.Or(set.LoginTasks, task.DefaultLoginTasks)}
	b.Sessions.Tasks = b.Tasks
	b.Locks = &lock.Locks{DB: db, Post: post, Sessions: b.Sessions, Log: log, Now: chances.Now}
	b.Pipes = &pipe.Pipes{DB: db, Rows: rows, Timer: queue, Post: post, Sessions: b.Sessions, Now: chances.Now, NewID: chances.NewID,
		Limits: set.Pipes.Or(pipe.DefaultLimits()), RepairAge: cmp.Or(set.RepairAge, pipe.RepairAge), Chores: b.chores, Log: log}
	b.Topics = &topic.Topics{DB: db, Timer: queue, DeadLetters: timer.New(clients.SQS, set.DeadLettersURL), Log: log, Now: chances.Now,
		Sleep: chances.Sleep, NewID: chances.NewID, Chores: set.Chores, Rate: set.FanoutRate, RowsAtOnce: cmp.Or(set.FanoutRows, topic.RowsAtOnce)}
	b.hooks = &hook.Hooks{Topics: b.Topics, Log: log}
	b.Topics.Patterns, b.Topics.Hears = hook.Patterns, hook.Hears
	b.Tasks.Hooks, b.Users.Hooks, b.Sessions.Hooks = hook.Kind(hook.Task), hook.Kind(hook.User), hook.Kind(hook.User)
	b.Pipes.Topics = b.Topics
	paced := *b.Pipes // but for the pace of its posts
	paced.Post = post.Paced(set.FanoutRate, chances.Now, chances.Sleep)
	b.Topics.Pipes = fanned{&paced}
	b.Sessions.Families = map[string]session.Family{pipe.Kind: b.Pipes, task.Kind: b.Tasks}
	return b
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// invocation leaves a handler, which ends at 10 s, the time for what it is at.
const invocation = 6 * time.Second

// hashes is how many passwords one process hashes at once: each takes 19 MiB, and a function has one processor or less.
const hashes = 2
