package sim

import (
	"slices"
	"strings"
	"time"
)

// What is published, and what is subscribed to. To * alone comes what the bus itself publishes, too.
var (
	published  = [...]string{"news.a", "news.b.c"}
	subscribed = [...]string{"news.a", "news.b.c", "news.*", "news.b.*"}
)

// subscription is what a topic.sub or topic.unsub is about.
type subscription struct {
	pipe  *pipe
	topic string
}

// matches tells whether it takes what is published on a topic.
func (s subscription) matches(topic string) bool {
	above, wild := strings.CutSuffix(s.topic, "*")
	above = strings.TrimSuffix(above, ".")
	return s.topic == topic || wild && (above == "" || topic == above || strings.HasPrefix(topic, above+"."))
}

// actTopic does a client's next thing with topics: some have pipes that they subscribe and read, all publish.
func (c *client) actTopic() {
	w := c.w
	mine := c.openPipes()
	n := w.rng.IntN(40)
	switch {
	case c.role.reads > 0 && len(mine) == 0:
		if !c.creating {
			c.doCreate()
		}
	case n < 8 && len(w.pipes) > 0:
		p := w.pipes[w.rng.IntN(len(w.pipes))]
		if len(mine) > 0 && w.rng.IntN(3) > 0 {
			p = mine[w.rng.IntN(len(mine))]
		}
		c.subscribe("topic.sub", subscription{p, subscribed[w.rng.IntN(len(subscribed))]})
	case n < 10 && len(w.subscribed) > 0:
		c.subscribe("topic.unsub", w.subscribed[w.rng.IntN(len(w.subscribed))])
	case n == 10 && len(mine) > 0:
		c.doClosePipe(mine[w.rng.IntN(len(mine))])
	case n < 11+c.role.reads/2 && len(mine) > 0:
		if c.reads < c.role.atOnce {
			c.doRead(mine[w.rng.IntN(len(mine))])
		}
	default:
		if c.publishing < c.role.atOnce {
			c.doPublish()
		}
	}
}

func (c *client) subscribe(method string, s subscription) {
	if method == "topic.sub" && !slices.Contains(c.w.subscribed, s) {
		c.w.subscribed = append(c.w.subscribed, s)
	}
	c.sendWith(method, map[string]any{"pipeid": s.pipe.id, "topic": s.topic}, func(k *call) { k.sub = &s })
}

func (c *client) doPublish() {
	topic := published[c.w.rng.IntN(len(published))]
	n, message := c.w.newMessage()
	c.publishing++
	c.sendWith("topic.pub", map[string]any{"topic": topic, "msg": message}, func(k *call) { k.topic, k.messages = topic, []int{n} })
}

// topicAnswered is what a client does about an answer about topics: often it goes on at once with what must not touch what was answered: a publication
// behind a subscription or its end, or one of these behind a publication.
func (c *client) topicAnswered(k *call) {
	w := c.w
	if k.topic != "" {
		c.publishing--
	}
	if w.rng.IntN(2) == 0 {
		return
	}
	w.soon(time.Duration(1+w.rng.Int64N(int64(2*time.Millisecond))), func() {
		switch {
		case w.closing || !c.open || c.deaf:
		case k.sub != nil:
			if c.publishing < c.role.atOnce {
				c.doPublish()
			}
		case len(w.subscribed) > 0:
			c.subscribe([]string{"topic.sub", "topic.unsub"}[w.rng.IntN(2)], w.subscribed[w.rng.IntN(len(w.subscribed))])
		}
	})
}
