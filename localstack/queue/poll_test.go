package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestALongPollWakesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		before func(f fixture)
		during func(f fixture)
		after  time.Duration
		want   string
	}{
		"a message is sent":                        {func(fixture) {}, func(f fixture) { pass(3 * time.Second); f.send("x", 0) }, 3 * time.Second, "x"},
		"a delay ends":                             {func(f fixture) { f.send("x", 7) }, func(fixture) {}, 7 * time.Second, "x"},
		"a delay ends with the wait":               {func(f fixture) { f.send("x", 20) }, func(fixture) {}, 20 * time.Second, "x"},
		"a delay set meanwhile ends with the wait": {func(fixture) {}, func(f fixture) { pass(13 * time.Second); f.send("x", 7) }, 20 * time.Second, "x"},
		"a visibility timeout ends": {func(f fixture) {
			f.send("x", 0)
			f.receive(0)
			pass(25 * time.Second)
		}, func(fixture) {}, 5 * time.Second, "x"},
		"nothing comes": {func(fixture) {}, func(fixture) {}, 20 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil)
				c.before(f)
				start := time.Now()
				go c.during(f)
				if got := f.bodies(20); got != c.want || time.Since(start) != c.after {
					t.Fatalf("received %q after %v, want %q after %v", got, time.Since(start), c.want, c.after)
				}
			})
		})
	}
}

func TestLongPollsAreServedInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		got := make(chan string, 3)
		for i := range 3 {
			go func() { got <- fmt.Sprintf("%d:%s", i, f.bodies(20)) }()
			synctest.Wait()
		}
		f.send("a", 0)
		f.send("b", 0)
		both := map[string]bool{<-got: true, <-got: true}
		if !both["0:a"] || !both["1:b"] {
			t.Fatalf("received %v", both)
		}
		if last := <-got; last != "2:" {
			t.Fatalf("the third received %q", last)
		}
	})
}

func TestALongPollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		f.send("x", 0)
		if got := f.counts(); got != "1/0/0" {
			t.Fatalf("the poll that left took the message: %s", got)
		}
	})
}

func TestALongPollEndsWithItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		done := make(chan error)
		go func() {
			_, err := f.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
			done <- err
		}()
		synctest.Wait()
		if _, err := f.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: f.url}); err != nil {
			t.Fatal(err)
		}
		err := <-done
		var gone *types.QueueDoesNotExist
		if !errors.As(err, &gone) {
			t.Fatalf("got %v", err)
		}
		wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	})
}
