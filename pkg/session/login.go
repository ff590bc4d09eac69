package session

import (
	"context"
	"errors"
	"strings"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MaxTags is how long the tags in force for a session may be, the templates' included, in bytes of JSON: the answer to its login holds them, and
// no message is over 128 KB.
const MaxTags = 120 << 10

// Users is what this family asks of users.
type Users interface {
	// Login returns what is found of who logs in as a user, with the password of a perhaps other one, from an address. Refusals are -32010.
	Login(ctx context.Context, user, as, pass, ip string) (call.Admission, error)
	// Admit is Login for a user whom a login method vouches for.
	Admit(ctx context.Context, user, ip string) (call.Admission, error)
	// InForce returns what is in force now for the user of a name and uid. -32600 if there is none, -32010 while disabled.
	InForce(ctx context.Context, user, uid string) (call.Session, error)
	// Nobody returns what is in force for who connects from an address and has not logged in.
	Nobody(ctx context.Context, ip string) (access.Tags, error)
}

// The login method that needs no worker.
const basic = "basic"

// Login is what sys.login takes.
type Login struct {
	Method string
	// Of the basic method: whose password it is, and who is logged in with it, mostly the same.
	User, As, Pass string
	// Of another method: where its task is pushed, and the params as they came, which are the task's.
	Path, Task, Params string
}

// ReadLogin reads sys.login's params. A name that no user has, and a password of a length that none has, are no mistakes, but wrong.
func ReadLogin(p *jsonrpc.Params) Login {
	out := Login{Method: strings.ToLower(p.OptString("method", basic))}
	if out.Method != basic && out.Method != "" {
		return out.byTask(p)
	}
	out.Method = basic
	out.User, out.As = twoNames(p.String("user"))
	out.Pass = p.String("pass")
	return out
}

// twoNames reads the name that a login gives: whose password it is, and who is logged in with it. a>b is two, any other twice the same.
func twoNames(given string) (user, as string) {
	first, second, two := strings.Cut(given, ">")
	if user = someName(first); !two {
		return user, user
	}
	return user, someName(second)
}

// someName is the canonical name of a user. What no user can be called is made a name that none has, for it begins with a space: to who asks for it it is one of
// those that do not exist.
func someName(given string) string {
	name, err := access.UserName(given)
	if err != nil {
		const enough = 100 // bytes to tell one from another
		return " " + strings.ToValidUTF8(given[:min(len(given), enough)], "")
	}
	return name
}

// Login carries out sys.login, one at a time on a connection. Until all is checked nothing is written but that it is under way: a failed login leaves the session
// as it was, logged in or not.
func (s *Sessions) Login(ctx context.Context, c *call.Call, p Login) (jsonrpc.Outcome, error) {
	how, run := basicTurn(), s.byPassword
	if p.Method != basic {
		how, run = methodTurn(), s.askMethod
	}
	// Before the user is read: what was written to the session by then is not newer than what the user has.
	item, err := s.begin(ctx, c.Connid, c.Request, how)
	if err != nil {
		return "", err
	}
	outcome, err := run(ctx, c, p, item)
	if err != nil && !call.IsRecorded(err) {
		s.release(ctx, c.Connid, c.Request, how)
	}
	return outcome, err
}

func (s *Sessions) byPassword(ctx context.Context, c *call.Call, p Login, session store.Item) (jsonrpc.Outcome, error) {
	in, err := s.Users.Login(ctx, p.User, p.As, p.Pass, c.IP)
	if err != nil {
		return "", err
	}
	return s.enter(ctx, entry{connid: c.Connid, request: c.Request, ip: c.IP, seen: session["req"], in: in})
}

// entry is a login that was found good.
type entry struct {
	connid, request, ip string
	// seen is the last write of the session's tags, as it was read before the user was; nil if there was none.
	seen types.AttributeValue
	in   call.Admission
	// vouched is what the worker of a login method said; nil for the basic one.
	vouched *vouched
}

// enter makes a session that of a user.
func (s *Sessions) enter(ctx context.Context, e entry) (jsonrpc.Outcome, error) {
	for n := range reloads {
		told, w, err := s.entering(ctx, &e, n)
		if err != nil {
			return "", err
		}
		// Key: the session. Condition: live, for an update would make an ended one anew; its tags last written by the write that was read, for a
		// login or reload since may have brought newer ones, and an attempt that comes late must not undo them; and, if a worker was asked,
		// that no other login came since it was. Effect: user and tags, also under the user's uid in the index, and the mask that later reloads go
		// by; this write is their last, and this request the last login, whose turn is over. A loser's session has ended, or, if a worker was asked, another
		// login won, or it finds what to begin again with, or, by the request, that it was itself.
		_, err = s.DB.Do(ctx, w)
		old, lost := store.Lost(err)
		switch {
		case !lost && err != nil:
			return "", err
		case !lost || old.Str("login") == e.request:
			s.entered.add(e.connid)
			s.noteLogin(ctx, e.in, e.vouched)
			return told, nil
		case old.Str("state") != live:
			return "", ErrEnded
		case e.vouched != nil && old.Str("login") != e.vouched.after:
			return "", jsonrpc.Err(jsonrpc.PermissionDenied, "another login came meanwhile")
		}
		e.seen = old["req"]
		uid := e.in.UID
		if e.in, err = s.Users.Admit(ctx, e.in.User, e.ip); err != nil {
			return "", err
		}
		if e.in.UID != uid { // another user by now, whom nobody vouches for
			return "", jsonrpc.Err(jsonrpc.PermissionDenied, "")
		}
	}
	return "", errors.New("session " + e.connid + ": its user changed at each attempt to log in")
}

// entering returns the nth write of a login, and what its caller is told then.
func (s *Sessions) entering(ctx context.Context, e *entry, n int) (told jsonrpc.Outcome, w store.Write, err error) {
	t := basicTurn()
	if e.vouched != nil {
		t = methodTurn()
	}
	set := "SET #user = :user, #uid = :uid, #owner = :uid, #tags = :tags, #req = :req, #login = :login, #" + t.last + " = :login"
	remove, unmask := " REMOVE #"+t.at+", #"+t.of, ", #mask"
	only, vals := "#state = :live", store.Item{":live": store.S(live), ":user": store.S(e.in.User), ":uid": store.S(e.in.UID), ":login": store.S(e.request),
		":req": store.S(store.Stamp(e.request, n))}
	if e.seen == nil {
		only += " AND attribute_not_exists(#req)"
	} else {
		only += " AND #req = :seen"
		vals[":seen"] = e.seen
	}
	var metadata []byte
	if v := e.vouched; v != nil {
		metadata = v.metadata
		if v.mask != nil {
			e.in.Tags = access.Mask(e.in.Tags, v.mask)
			set, unmask = set+", #mask = :mask", ""
			vals[":mask"] = store.S(string(v.mask.JSON()))
		}
		if v.after == "" {
			only += " AND attribute_not_exists(#login)"
		} else {
			only += " AND #login = :after"
			vals[":after"] = store.S(v.after)
		}
	}
	tags, err := storable(e.in.Tags)
	if err != nil {
		return "", w, err
	}
	told = welcome(e.connid, e.in.User, tags, metadata)
	if len(told) > maxAnswer {
		return "", w, jsonrpc.Err(jsonrpc.PermissionDenied, "tags and metadata do not fit one message")
	}
	room, err := s.room(ctx, e.connid, e.in.UID, e.in.MaxSessions)
	if err != nil {
		return "", w, err
	}
	if !room {
		return "", w, jsonrpc.Err(jsonrpc.PermissionDenied, "too many sessions of "+e.in.User)
	}
	vals[":tags"] = store.S(tags)
	return told, store.Write{Table: store.Sessions, Key: key(e.connid), If: only, Update: set + remove + unmask, Values: vals}, nil
}

// welcome is the answer of a login.
func welcome(connid, user, tags string, metadata []byte) jsonrpc.Outcome {
	var o jsonrpc.Object
	return jsonrpc.Success(o.Bool("ok", true).String("connid", connid).String("user", user).Raw("tags", []byte(tags)).Raw("metadata", metadata).JSON())
}

// maxAnswer is how long an answer may be, without its envelope, so that its message stays under 128 KB.
const maxAnswer = 127 << 10

// storable returns tags as a session stores them, or -32602 if they are too long.
func storable(tags access.Tags) (string, error) {
	text := string(tags.JSON())
	if len(text) > MaxTags {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "user: tags, with those of its templates, over 120 KB")
	}
	return text, nil
}
