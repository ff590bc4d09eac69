package session

import (
	"context"
	"strings"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// MaxTags is how long the tags in force for a session may be, the templates' included, in bytes of JSON: the answer to its login holds them, and
// no message is over 128 KB.
const MaxTags = 120 << 10

// Users is what this family asks of users.
type Users interface {
	// Login returns what is in force for who logs in as a user, with the password of a perhaps other one, from an address, and how many live
	// sessions that user may have, < 1 any number. Refusals are -32010.
	Login(ctx context.Context, user, as, pass, ip string) (in call.Session, maxSessions int64, err error)
	// InForce returns what is in force for a user now. -32004 if there is no such user.
	InForce(ctx context.Context, user string) (call.Session, error)
}

// The login method that needs no worker.
const basic = "basic"

// Login is what sys.login takes.
type Login struct {
	Method string
	// Of the basic method: whose password it is, and who is logged in with it, mostly the same.
	User, As, Pass string
}

// ReadLogin reads sys.login's params. A password of a length that none has is no mistake, but wrong.
func ReadLogin(p *jsonrpc.Params) Login {
	out := Login{Method: p.OptString("method", basic)}
	if out.Method != basic {
		return out
	}
	user, as, two := strings.Cut(p.String("user"), ">")
	var err error
	out.User, err = access.UserName(user)
	p.Check("user", err)
	out.As = out.User
	if two {
		out.As, err = access.UserName(as)
		p.Check("user", err)
	}
	out.Pass = p.String("pass")
	return out
}

// Login carries out sys.login. Until all is checked nothing is written: a failed login leaves the session as it was, logged in or not.
func (s *Sessions) Login(ctx context.Context, c *call.Call, p Login) (jsonrpc.Outcome, error) {
	if p.Method != basic {
		return "", jsonrpc.Err(jsonrpc.PermissionDenied, "there is no such login method")
	}
	in, most, err := s.Users.Login(ctx, p.User, p.As, p.Pass, c.IP)
	if err != nil {
		return "", err
	}
	tags, err := storable(in.Tags)
	if err != nil {
		return "", err
	}
	room, err := s.room(ctx, c.Connid, in.User, most)
	if err != nil {
		return "", err
	}
	if !room {
		return "", jsonrpc.Err(jsonrpc.PermissionDenied, "too many sessions of "+in.User)
	}
	// Key: the session. Condition: live, for an update would make an ended one anew. Effect: user and tags, also under the user in the index;
	// this request is their writer. A loser's session has ended. A repeated write changes nothing.
	_, err = s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(c.Connid), If: "#state = :live",
		Update: "SET #user = :user, #owner = :user, #tags = :tags, #req = :req",
		Values: store.Item{":live": store.S(live), ":user": store.S(in.User), ":tags": store.S(tags), ":req": store.S(c.Request)}})
	if _, lost := store.Lost(err); lost {
		return "", ErrEnded
	}
	if err != nil {
		return "", err
	}
	var answer jsonrpc.Object
	answer.Bool("ok", true).String("connid", c.Connid).String("user", in.User).Raw("tags", []byte(tags)).Raw("metadata", nil)
	return jsonrpc.Success(answer.JSON()), nil
}

// storable returns tags as a session stores them, or -32602 if they are too long.
func storable(tags access.Tags) (string, error) {
	text := string(tags.JSON())
	if len(text) > MaxTags {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "user: tags, with those of its templates, over 120 KB")
	}
	return text, nil
}
