package client

import (
	"context"
	"encoding/json"
)

// Session is what a login tells.
type Session struct {
	ConnID   string          `json:"connid"`
	User     string          `json:"user"`
	Tags     json.RawMessage `json:"tags"` // by prefix
	Metadata json.RawMessage `json:"metadata"`
}

// Login makes the session a user's. An *Error with CodePermissionDenied says that it was refused; the session is then what it was.
func (c *Client) Login(ctx context.Context, user, pass string) (*Session, error) {
	params := struct {
		User string `json:"user"`
		Pass string `json:"pass"`
	}{user, pass}
	session := &Session{}
	if err := c.Call(ctx, "sys.login", params, session); err != nil {
		return nil, err
	}
	return session, nil
}

// Ping asks for an answer, whatever the dialect calls it.
func (c *Client) Ping(ctx context.Context) error {
	return c.Call(ctx, "sys.ping", nil, nil)
}
