package nxgo_test

import (
	"sync"
	"testing"

	"github.com/nayarsystems/nxgo/nxcore"
)

func TestTopic(t *testing.T) {
	b := newBus(t)
	reader, publisher := b.root(), b.root()
	in := b.pipe(reader)
	b.want(ok)(reader.TopicSubscribe(in, "News.Local"))
	b.want(`{"ok":true,"sent":1}`)(publisher.TopicPublish("news.local", map[string]any{"a": []any{1, "<", nil}}))
	b.want(`{"ok":true,"sent":1}`)(publisher.TopicPublish("news.LOCAL", nil))
	b.want(`{"ok":true,"sent":0}`)(publisher.TopicPublish("news", "nobody"))
	b.want(`{"ok":true,"sent":0}`)(publisher.TopicPublish("news.local.here", "nobody"))
	b.want(`[{"Topic":"news.local","Count":1,"Msg":{"a":[1,"\u003c",null]}}]`)(b.topicRead(in, 1), nil)
	b.want(`[{"Topic":"news.local","Count":2,"Msg":null}]`)(b.topicRead(in, 1), nil)

	b.want(ok)(reader.TopicUnsubscribe(in, "news.local"))
	b.want(ok)(reader.TopicUnsubscribe(in, "news.local"))
	b.want(`{"ok":true,"sent":0}`)(publisher.TopicPublish("news.local", "nobody"))
	b.want(ok)(in.Write(map[string]any{"topic": "by hand", "msg": 1}))
	b.want(`[{"Topic":"by hand","Count":3,"Msg":1}]`)(b.topicRead(in, 1), nil)

	b.refused(nxcore.ErrInvalidPipe)(reader.TopicSubscribe(b.open(reader, "nosuch"), "news"))
	b.refused(nxcore.ErrInvalidParams)(reader.TopicSubscribe(in, "a..b"))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().TopicPublish("news", 1))
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().TopicSubscribe(in, "news"))
}

// topicRead reads n messages, in as many reads as it takes.
func (b *bus) topicRead(p *nxcore.Pipe, n int) []*nxcore.TopicMsg {
	b.t.Helper()
	var all []*nxcore.TopicMsg
	for len(all) < n {
		data, err := p.TopicRead(n-len(all), 0)
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, data.Msgs...)
	}
	return all
}

func TestTopicWildcard(t *testing.T) {
	b := newBus(t)
	c := b.root()
	below, all := b.pipe(c), b.pipe(c)
	b.want(ok)(c.TopicSubscribe(below, "news.*"))
	b.want(ok)(c.TopicSubscribe(below, "news.local")) // matches twice, and gets it once
	b.want(ok)(c.TopicSubscribe(all, "*"))
	for _, topic := range []string{"news", "newsreel", "news.local", "news.local.here", "weather"} {
		if _, err := c.TopicPublish(topic, 1); err != nil {
			t.Error(err)
		}
	}
	b.topics(b.topicRead(below, 3), "news", "news.local", "news.local.here")
	b.topics(b.topicRead(all, 5), "news", "newsreel", "news.local", "news.local.here", "weather")
}

func (b *bus) topics(got []*nxcore.TopicMsg, want ...string) {
	b.t.Helper()
	for i, m := range got {
		if m.Topic != want[i] || m.Count != int64(i+1) {
			b.t.Errorf("message %d is %+v, expected %s", i, m, want[i])
		}
	}
}

// TopicListen is how programs read topics: in a loop that ends with the pipe.
func TestTopicListen(t *testing.T) {
	b := newBus(t)
	publisher := b.root()
	const n, subscribers = 30, 3
	var pipes []*nxcore.Pipe
	var listens []chan *nxcore.TopicMsg
	for range subscribers {
		c := b.root()
		p := b.pipe(c)
		b.want(ok)(c.TopicSubscribe(p, "chat.*"))
		pipes, listens = append(pipes, p), append(listens, p.TopicListen(nil))
	}
	var publishes sync.WaitGroup
	publishes.Go(func() {
		for i := range n {
			b.want(`{"ok":true,"sent":3}`)(publisher.TopicPublish("chat.room", i))
		}
	})
	for _, messages := range listens {
		for i := range n {
			m := receive(b, messages)
			if m.Topic != "chat.room" || m.Msg != float64(i) || m.Count != int64(i+1) {
				t.Fatalf("%+v, expected %d", m, i)
			}
		}
	}
	publishes.Wait()
	for i, p := range pipes {
		b.want(ok)(p.Close())
		if m, open := next(b, listens[i]); open {
			t.Errorf("%+v after the end", m)
		}
	}
	b.until("nobody is subscribed", func() bool {
		list, err := publisher.TopicList("chat", 0, 0)
		return err == nil && len(list) == 0
	})
}

func TestTopicList(t *testing.T) {
	b := newBus(t)
	c, other := b.root(), b.root()
	one, two := b.pipe(c), b.pipe(other)
	for _, topic := range []string{"a", "a.b", "a.b.c", "z"} {
		b.want(ok)(c.TopicSubscribe(one, topic))
	}
	b.want(ok)(other.TopicSubscribe(two, "a.b"))
	list := func(prefix string, limit, skip int, opts ...*nxcore.ListOpts) (any, error) {
		return c.TopicList(prefix, limit, skip, opts...)
	}
	b.want(`[{"topic":"a","subscribers":1},{"topic":"a.b","subscribers":2},{"topic":"a.b.c","subscribers":1}]`)(list("a", 0, 0))
	b.want(`[{"topic":"a.b","subscribers":2}]`)(list("a", 1, 1))
	b.want(`[{"topic":"a","subscribers":1},{"topic":"a.b","subscribers":2}]`)(list("a", 0, 0, &nxcore.ListOpts{LimitByDepth: true, Depth: 1}))
	b.want(`[{"topic":"a.b.c","subscribers":1},{"topic":"z","subscribers":1}]`)(list("", 0, 0, &nxcore.ListOpts{Filter: "c$|z"}))
	b.want(`{"count":5}`)(c.TopicCount(""))
	b.want(`{"count":3}`)(c.TopicCount("", &nxcore.CountOpts{Filter: "b"}))
	b.want(`[{"count":1,"prefix":"a"},{"count":3,"prefix":"a.b"}]`)(c.TopicCount("a", &nxcore.CountOpts{Subprefixes: true}))
	other.Close()
	b.until("a subscription ends with its session", func() bool {
		list, err := c.TopicList("a.b", 0, 0)
		return err == nil && len(list) == 2 && list[0].Subscribers == 1
	})
}
