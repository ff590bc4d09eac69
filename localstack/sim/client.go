package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/pkg/deliver"
	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// client is a connection and who is behind it.
type client struct {
	w      *world
	n      int
	stage  string
	conn   *gateway.Conn
	connid string

	open bool // connected, and not closed by either side
	deaf bool // it hears nothing any more, and nobody knows
	slow bool // it reads nothing any more, and API Gateway says so (429)
	// givesUp says that it is gone before its $connect is over.
	givesUp bool
	// wronged says that API Gateway said 410 of it although it was there.
	wronged bool
	ended   time.Time // the connection
	// tooBig says that it ended for a frame that was too big.
	tooBig bool
	// sessionEnded is when its session was written to have ended.
	sessionEnded time.Time
	endedBy      *invocation // that wrote so
	nextID       int
	sent         map[string]*call // by JSON-RPC id
	role         role
	pulls        int // under way
	pushes       int // likewise
	reads        int // likewise
	writes       int // likewise
	entries      int // logins and reloads, likewise
	publishing   int // likewise
	creating     bool
	holds        map[string]bool // locks

	mu    sync.Mutex
	inbox [][]byte
}

func (c *client) String() string { return fmt.Sprintf("client%d", c.n) }

// Send implements gateway.Transport.
func (c *client) Send(text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slow {
		return gateway.ErrBufferFull
	}
	c.inbox = append(c.inbox, text)
	c.w.leave(c.receive)
	return nil
}

// Close implements gateway.Transport: the gateway closed the connection.
func (c *client) Close(code int, reason string) {
	c.w.leave(func() { c.over(fmt.Sprintf("closed by the gateway, %d %s", code, reason)) })
}

// over notes the end of the connection.
func (c *client) over(why string) {
	if !c.open {
		return
	}
	c.open, c.ended = false, time.Now()
	c.w.logf("%s %s", c, why)
	c.bequeath()
	if !c.w.closing && c.w.rng.IntN(3) > 0 {
		c.w.soon(c.w.think(), c.w.connect)
	}
}

// connect opens a connection.
func (w *world) connect() {
	if !w.closing {
		w.connectAs(w.newRole())
	}
}

func (w *world) connectAs(r role) *client {
	c := &client{w: w, n: len(w.clients) + 1, stage: nexus.Stages()[w.rng.IntN(2)], sent: map[string]*call{}, holds: map[string]bool{}, role: r}
	w.clients = append(w.clients, c)
	c.givesUp = !w.closing && w.rng.IntN(30) == 0
	w.mu.Lock()
	w.connecting = c
	w.mu.Unlock()
	w.because("$connect of %s", c)
	go func() {
		conn, err := w.stack.Gateway.Connect(context.Background(), c.stage, gateway.ConnectRequest{SourceIP: "192.0.2.1"}, c)
		w.leave(func() { c.connected(conn, err) })
	}()
	return c
}

func (c *client) connected(conn *gateway.Conn, err error) {
	if err != nil {
		c.w.logf("%s not connected: %v", c, err)
		if c == c.w.inspector {
			return
		}
		c.w.soon(c.w.think(), c.w.connect)
		return
	}
	c.conn, c.open = conn, true
	c.connid = deliver.NodeID("http://local.invalid/"+c.stage) + conn.ID()
	c.w.logf("%s is %s", c, c.connid)
	if c.givesUp {
		c.end(1006, "has given up")
		return
	}
	c.prepare()
	c.w.soon(c.w.think(), c.act)
	c.role.plan(c)
}

// prepare gives the session its watchdog and, unless it is to log in, all permissions, past the bus.
func (c *client) prepare() {
	in := &dynamodb.UpdateItemInput{TableName: aws.String(stack.TablePrefix + store.Sessions), Key: store.Item{"id": store.S(c.connid)},
		UpdateExpression: aws.String("SET wd = :wd"), ConditionExpression: aws.String("attribute_exists(id)"),
		ExpressionAttributeValues: store.Item{":wd": store.N(c.role.watchdog)}}
	if !c.role.logsIn() {
		in.UpdateExpression = aws.String("SET #user = :user, #owner = :user, tags = :tags, wd = :wd")
		in.ExpressionAttributeNames = map[string]string{"#user": "user", "#owner": "owner"}
		in.ExpressionAttributeValues[":user"] = store.S(fmt.Sprintf("user%d", c.n))
		in.ExpressionAttributeValues[":tags"] = store.S(`{".":{"@admin":true}}`)
	}
	if _, err := c.w.stack.Sources.DynamoDB.UpdateItem(context.Background(), in); err != nil {
		c.w.failf("%s: tags: %v", c, err)
	}
}

// clientOf finds the client of a connection at the gateway.
func (w *world) clientOf(connectionID string) *client {
	for _, c := range w.clients {
		if c.conn != nil && c.conn.ID() == connectionID {
			return c
		}
	}
	return nil
}

// call is a request of a client and what became of it.
type call struct {
	n       int
	client  *client
	id      string // JSON-RPC id, as text; empty for a notification
	method  string
	at      time.Time
	request string        // the id that API Gateway gave it
	inv     *invocation   // that carries it out
	posts   []*post       // that answer it
	refused bool          // no function was called for it
	unheard string        // the answer that its handler had for it, whose connection was gone
	late    time.Duration // how long its invocation is held back
	alone   bool          // it makes sense without its caller

	push *push
	pull *pull
	// Of what finishes a task: which one, and what its pusher then gets.
	taskid, outcome string

	pipe     *pipe // of pipe.read, pipe.write and pipe.close
	read     *read
	messages []int // that a write or a publication brings
	length   int   // of pipe.create

	topic string // of topic.pub
	sub   *subscription

	lock string // of sync.lock and sync.unlock

	login   *login
	tagging *tagging
	other   *client // whose session is to be reloaded or ended
	probes  bool    // it tries what the session may
	grabs   bool    // it tries what only an administrator may
	vouches string  // of a task.result of a login method's task: whom it logs in
}

// push is what a call pushes.
type push struct {
	path      string
	prio, ttl int64
	timeout   time.Duration // 0: the default
	detached  bool
}

// pull is what a call pulls.
type pull struct {
	path    string
	timeout time.Duration // 0: none
}

func (k *call) String() string {
	return fmt.Sprintf("call %d (%s %s of %s)", k.n, k.method, k.id, k.client)
}

// send sends a request that wants an answer.
func (c *client) send(method string, params map[string]any) *call {
	c.nextID++
	k := c.request(fmt.Sprint(c.nextID), method, params)
	c.sent[k.id] = k
	return k
}

// request sends a request, a notification where id is empty.
func (c *client) request(id, method string, params map[string]any) *call {
	k := &call{n: len(c.w.calls) + 1, client: c, id: id, method: method, at: time.Now()}
	c.w.calls = append(c.w.calls, k)
	message := map[string]any{"jsonrpc": "2.0", "method": method, "params": params}
	if id != "" {
		message["id"] = json.RawMessage(id)
	}
	body, err := json.Marshal(message)
	if err != nil {
		c.w.failf("%s: %v", k, err)
		return k
	}
	c.w.logf("%s: %s", k, brief(string(body)))
	c.w.mu.Lock()
	c.w.sending = k
	c.w.mu.Unlock()
	c.w.because("")
	if k.outlives(params) {
		c.hurry(k)
	}
	c.conn.Receive(body)
	return k
}

// receive reads what came.
func (c *client) receive() {
	c.mu.Lock()
	inbox := c.inbox
	c.inbox = nil
	c.mu.Unlock()
	for _, frame := range inbox {
		c.w.logf("%s <-- %s", c, brief(string(frame)))
		if c.deaf || !c.open {
			continue
		}
		k := c.sent[frameID(frame)]
		if k == nil {
			continue // the gateway's own "Internal server error"
		}
		var answer answer
		if err := json.Unmarshal(frame, &answer); err != nil {
			c.w.failf("%s got no JSON: %s", k, brief(string(frame)))
			continue
		}
		c.answered(k, &answer)
	}
}

// answer is an answer as its client reads it.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// end ends the connection from the client's side: with a close frame, or cut.
func (c *client) end(code int, how string) {
	if c.open {
		c.tooBig = code == nexus.CloseTooBig
		c.over(how)
		c.conn.Closed(code, "")
	}
}
