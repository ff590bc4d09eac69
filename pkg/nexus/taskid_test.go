package nexus_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"nexus/localstack/gateway"
	"nexus/pkg/nexus"
)

// Tools of Nexus show the first 16 characters of a task's id as its session, and the rest as the task. By the one the pusher can be kicked, by the other
// the task is known, in a pull's answer and in a listing alike; so can the puller of a pull that waits.
func TestWhatOldToolsShowOfATaskCanBeKicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var push nexus.Method
		for _, m := range nexus.Methods() {
			if m.Name == "task.push" {
				push = m
			}
		}
		o := newOddClient(t, push)
		pusher := &client{}
		var err error
		if pusher.conn, err = o.Gateway.Connect(t.Context(), nexus.V1, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, pusher); err != nil {
			t.Fatal(err)
		}
		connid, err := o.Bus.Sessions.Post.Connid(nexus.V1, pusher.conn.ID())
		if err != nil {
			t.Fatal(err)
		}
		o.put(connid, "actor", map[string]any{".": map[string]any{"@admin": true}})
		pusher.conn.Receive([]byte(`{"id":1,"method":"task.push","params":{"method":"a.b","params":1}}`))
		pusher.conn.Receive([]byte(`{"id":2,"method":"task.pull","params":{"prefix":"other"}}`))
		synctest.Wait()

		var list struct {
			Result []struct{ ID, Session, TargetSession, Path string }
		}
		text := o.ask("task.list", `{}`)
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Result) != 2 {
			t.Fatalf("%s %v", text, err)
		}
		task, pull := list.Result[0], list.Result[1]
		if task.Session != connid || task.TargetSession != "" || task.ID[:16] != connid[:16] {
			t.Errorf("the task of %s: %+v", connid, task)
		}
		if pull.Session != "" || pull.TargetSession != connid || pull.ID[:16] != connid[:16] {
			t.Errorf("the pull of %s: %+v", connid, pull)
		}
		if got := o.ask("task.pull", `{"prefix":"a"}`); !strings.Contains(got, `"taskid":"`+task.ID+`"`) {
			t.Errorf("pulled: %s, listed: %s", got, task.ID)
		}
		if got := o.ask("task.reject", `{"taskid":"`+task.ID+`"}`); !strings.Contains(got, `"ok":true`) {
			t.Errorf("reject by the whole id: %s", got)
		}
		if got := o.ask("task.result", `{"taskid":"`+task.ID[16:]+`","result":1}`); !strings.Contains(got, `"ok":true`) {
			t.Errorf("result by the rest of the id: %s", got)
		}
		if got := o.ask("sys.session.kick", `{"connId":"`+task.ID[:16]+`"}`); !strings.Contains(got, `"kicked":1`) {
			t.Errorf("kick: %s", got)
		}
	})
}
