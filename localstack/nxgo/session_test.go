package nxgo_test

import (
	"strings"
	"testing"

	"github.com/nayarsystems/nxgo/nxcore"
)

func TestSessions(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "lab.ada")
	b.user(root, "lab.bob")
	ada, _, bob, nobody := b.as("lab.ada"), b.as("lab.ada"), b.as("lab.bob"), b.nobody()

	list, err := root.SessionList("lab", 0, 0)
	if err != nil || len(list) != 2 || list[0].User != "lab.ada" || list[0].N != 2 || len(list[0].Sessions) != 2 || list[1].User != "lab.bob" {
		t.Fatalf("%+v %v", list, err)
	}
	s := list[1].Sessions[0]
	if s.Id != bob.Id() || !strings.HasPrefix(s.Id, s.NodeId) || len(s.NodeId) != 8 || s.RemoteAddress != "ws://127.0.0.1" || s.Protocol != "ws" ||
		s.CreationTime.IsZero() {
		t.Errorf("%+v, of %s", s, bob.Id())
	}
	list, err = root.SessionList("lab", 1, 1, &nxcore.ListOpts{LimitByDepth: true, Depth: 1, Filter: "ada"})
	if err != nil || len(list) != 1 || list[0].N != 1 {
		t.Errorf("%+v %v", list, err)
	}
	list, err = root.SessionList("nobody", 0, 0)
	if err != nil || len(list) != 1 || list[0].N != 1 {
		t.Errorf("%+v %v", list, err)
	}
	b.want(`{"count":5}`)(root.SessionCount(""))
	b.want(`{"count":1}`)(root.SessionCount("lab", &nxcore.CountOpts{Filter: "bob"}))
	b.want(`[{"count":2,"prefix":"lab.ada"},{"count":1,"prefix":"lab.bob"}]`)(root.SessionCount("lab", &nxcore.CountOpts{Subprefixes: true}))
	b.refused(nxcore.ErrPermissionDenied)(ada.SessionList("lab", 0, 0))
	b.refused(nxcore.ErrPermissionDenied)(nobody.SessionCount(""))
}

func TestSessionKick(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "ada")
	one, two := b.as("ada"), b.as("ada")
	b.refused(nxcore.ErrPermissionDenied)(one.SessionKick(two.Id()))
	waiting := make(chan error, 1)
	pipe := b.pipe(one)
	go func() {
		_, err := pipe.Read(1, 0)
		waiting <- err
	}()
	b.want(`{"kicked":1}`)(root.SessionKick(one.Id()))
	next(b, one.GetContext().Done())
	b.refused(nxcore.ErrConnClosed)(nil, receive(b, waiting))
	b.want(`{"kicked":0}`)(root.SessionKick(one.Id()))
	if err := two.Ping(patience); err != nil || two.Closed() {
		t.Errorf("the other one: %v", err)
	}
}

func TestSessionReload(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.user(root, "ada")
	ada := b.as("ada")
	b.want(ok)(root.UserSetTags("ada", ".", map[string]any{"@sync.count": true}))
	b.refused(nxcore.ErrPermissionDenied)(ada.LockCount(""))
	b.refused(nxcore.ErrPermissionDenied)(ada.SessionReload(ada.Id()))
	b.want(`{"reloaded":1}`)(root.SessionReload(ada.Id()))
	b.want(`{"count":0}`)(ada.LockCount(""))
	b.want(`{"reloaded":0}`)(root.SessionReload("no such connection"))
}

func TestNodes(t *testing.T) {
	b := newBus(t)
	root := b.root()
	b.nobody()
	var node nxcore.NodeInfo
	b.until("both clients are counted", func() bool {
		nodes, err := root.NodeList(0, 0)
		for _, n := range nodes {
			if strings.HasPrefix(root.Id(), n.NodeId) {
				node = n
			}
		}
		return err == nil && node.Clients == 2
	})
	if !node.Listening || node.Version == "" || len(node.Load) == 0 {
		t.Errorf("%+v", node)
	}
	mine, err := root.Node()
	if err != nil || mine.NodeId != node.NodeId {
		t.Errorf("%+v %v, expected %s", mine, err, node.NodeId)
	}
	b.refused(nxcore.ErrPermissionDenied)(b.nobody().NodeList(0, 0))
}
