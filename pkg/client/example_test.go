package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"nexus/pkg/client"
)

// A program that has something added, wherever that is done.
func Example() {
	ctx := context.Background()
	c, err := client.Dial(ctx, "ws://127.0.0.1:8080/v0", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Login(ctx, "root", "root"); err != nil {
		log.Fatal(err)
	}
	var sum int
	err = c.Push(ctx, "math.add", []int{1, 2}, &sum, &client.PushOptions{Timeout: 10 * time.Second})
	if client.IsCode(err, client.CodeTimeout) {
		log.Fatal("no worker had time")
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum)
}

// A worker that adds until its context ends.
func ExampleClient_Pull() {
	work := func(ctx context.Context, c *client.Client) error {
		for {
			task, err := c.Pull(ctx, "math", time.Minute)
			if client.IsCode(err, client.CodeTimeout) {
				continue
			}
			if err != nil {
				return err
			}
			var numbers []int
			if task.Method != "add" || json.Unmarshal(task.Params, &numbers) != nil {
				err = c.Error(ctx, task.ID, 1, "what is "+task.Method+"?", nil)
			} else {
				sum := 0
				for _, n := range numbers {
					sum += n
				}
				err = c.Result(ctx, task.ID, sum)
			}
			// A task that was cancelled meanwhile, or whose time is over, is nobody's any more.
			if err != nil && !client.IsCode(err, client.CodeInvalidTask) {
				return err
			}
		}
	}
	_ = work
}
