package user_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/user"
)

var firstStart = fmt.Sprintf("first start at=%d attributes=2", harness.Start().UnixMilli())

func TestCreateRoot(t *testing.T) {
	b := newBench(t)
	if _, err := b.users.CreateRoot(b.ctx, "abc"); err == nil {
		t.Error("a password was taken that is too short")
	}
	b.want("")

	// Several processes start at once.
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			ok, err := b.users.CreateRoot(b.ctx, "root")
			if err != nil {
				t.Error(err)
			}
			if ok {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d made root, want 1", made.Load())
	}
	p, err := b.users.Authenticate(b.ctx, "root", "root")
	if err != nil || !p.Tags.Allows("anything", "any.where") {
		t.Errorf("root: %+v %v", p, err)
	}

	// A root that was deleted stays so; the record of the first start is no user.
	b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "root"}))
	n := b.On("TransactWriteItems").Count()
	if made, err := b.users.CreateRoot(b.ctx, "root"); made || err != nil {
		t.Errorf("root made again: %t %v", made, err)
	}
	if b.On("TransactWriteItems").Count() != n {
		t.Error("a later start wrote")
	}
	b.want(firstStart)
	p2 := jsonrpc.ReadParams([]byte(`{"user":"first start","pass":"first"}`))
	user.ReadCreate(p2)
	b.fails(p2.Err(), jsonrpc.InvalidParams, "user: holds white space")
}

// TestCreateRootOvertaken has another process start, and its root deleted, between a start's read and its write.
func TestCreateRootOvertaken(t *testing.T) {
	b := newBench(t)
	b.On("TransactWriteItems").Run(func() {
		if made, err := b.users.CreateRoot(b.ctx, "root"); !made || err != nil {
			t.Errorf("the other start: %t %v", made, err)
		}
		b.ok(b.users.Delete(b.ctx, b.call(), user.Delete{User: "root"}))
	})
	if made, err := b.users.CreateRoot(b.ctx, "root"); made || err != nil {
		t.Errorf("root made again: %t %v", made, err)
	}
	b.want(firstStart)
}
