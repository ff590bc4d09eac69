package nxgo_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jaracil/ei"
	"github.com/nayarsystems/nxgo/nxcore"
)

// A watcher hears what becomes of tasks and users, some seconds after it subscribed.
func TestHooks(t *testing.T) {
	inBubble(t, func(b *bus) {
		watcher, c := b.root(), b.root()
		tasks, users := b.pipe(watcher), b.pipe(watcher)
		b.want(ok)(watcher.TopicSubscribe(tasks, "hook.task|math.*"))
		b.want(ok)(watcher.TopicSubscribe(users, "hook.user|ada|root"))
		b.refused(nxcore.ErrPermissionDenied)(b.nobody().TopicSubscribe(tasks, "hook.task|*"))
		time.Sleep(10 * time.Second)

		push := b.push(c, "math.add", []any{1, 2})
		b.heard(tasks, "hook.task|math.add|root", "push")
		task := b.pull(c, "math")
		b.heard(tasks, "hook.task|math.add|root", "pull")
		b.want(ok)(task.SendResult(3))
		b.want(`3`)(push.answer())
		b.heard(tasks, "hook.task|math.add|root", "result")

		b.user(c, "bob")
		b.user(c, "ada")
		b.heard(users, "hook.user|ada|root", "create")
		b.want(ok)(c.UserSetPass("ada", "changed"))
		b.heard(users, "hook.user|ada|root", "setPass")
		b.want(ok)(c.UserDelete("ada"))
		b.heard(users, "hook.user|ada|root", "delete")
	})
}

// heard reads the next message of a pipe: of a hook, about an action. No password is in it.
func (b *bus) heard(p *nxcore.Pipe, topic, action string) {
	b.t.Helper()
	m := b.topicRead(p, 1)[0]
	text, _ := json.Marshal(m.Msg) // it came as JSON
	if m.Topic != topic || ei.N(m.Msg).M("action").StringZ() != action || strings.Contains(string(text), "secret") ||
		strings.Contains(string(text), "changed") {
		b.t.Errorf("%s %s, expected %s %s", m.Topic, text, topic, action)
	}
}
