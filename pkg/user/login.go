package user

import (
	"context"
	"errors"
	"fmt"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Profile is what a login goes by.
type Profile struct {
	User, UID            string
	Tags                 access.Tags // with the templates'
	Disabled             bool
	MaxSessions          int64 // < 1: any number
	Whitelist, Blacklist []string
}

// refused is the answer for a user that does not exist and for a wrong password alike.
func refused() error { return jsonrpc.Err(jsonrpc.PermissionDenied, "") }

// Login returns what is found of who logs in from an address (without port). With another name in as, the login is as that user with the first one's
// password: that takes @admin on as, and neither may be one that is refused alone. Refusals are -32010; only who has the password learns why.
func (u *Users) Login(ctx context.Context, user, as, pass, ip string) (call.Admission, error) {
	p, err := u.counted(ctx, user, pass, ip)
	if err != nil {
		return call.Admission{}, err
	}
	if err := u.admit(p, ip); err != nil {
		return call.Admission{}, err
	}
	if as != user {
		if !p.Tags.Allows("admin", as) {
			return call.Admission{}, jsonrpc.Err(jsonrpc.PermissionDenied, "@admin on "+as)
		}
		return u.Admit(ctx, as, ip)
	}
	return p.admission(), nil
}

// Nobody returns the tags of who connects from an address (without port) and has not logged in: those of the user of that name, if there is one whom
// a login from there would not be refused for its state or the address.
func (u *Users) Nobody(ctx context.Context, ip string) (access.Tags, error) {
	item, err := u.DB.Get(ctx, store.Users, key(call.Nobody))
	if err != nil || item == nil {
		return nil, err
	}
	p, err := u.profile(ctx, item)
	if _, refused := errors.AsType[*jsonrpc.Error](err); refused {
		return nil, nil // or nobody could connect
	}
	if err != nil || u.admit(p, ip) != nil {
		return nil, err
	}
	return p.Tags, nil
}

// Admit returns what Login does for a user whom somebody else vouches for, from an address (without port). Refusals are -32010.
func (u *Users) Admit(ctx context.Context, name, ip string) (call.Admission, error) {
	if name == call.Nobody {
		return call.Admission{}, refused()
	}
	item, err := u.entitled(ctx, name)
	if err != nil {
		return call.Admission{}, err
	}
	if item == nil {
		return call.Admission{}, refused()
	}
	p, err := u.profile(ctx, item)
	if err == nil {
		err = u.admit(p, ip)
	}
	if err != nil {
		return call.Admission{}, err
	}
	return p.admission(), nil
}

// entitled reads of a user's item what says who it is and what it may, nil if there is none: not the password's hash, which most functions must not read.
func (u *Users) entitled(ctx context.Context, name string) (store.Item, error) {
	return u.DB.GetSome(ctx, store.Users, key(name), "#user, #uid, #tags, #templates, #disabled, #maxsessions, #whitelist, #blacklist")
}

// InForce returns what is in force now for the user of a name and uid. -32600 if there is none, be it that the name is another's by now; -32010 while
// the user is disabled.
func (u *Users) InForce(ctx context.Context, name, uid string) (call.Session, error) {
	item, err := u.entitled(ctx, name)
	switch {
	case err != nil:
		return call.Session{}, err
	case item.Str("uid") != uid || uid == "":
		return call.Session{}, jsonrpc.Err(jsonrpc.InvalidRequest, "the user is no more")
	case item.Bool("disabled"):
		return call.Session{}, jsonrpc.Err(jsonrpc.PermissionDenied, name+" is disabled")
	}
	p, err := u.profile(ctx, item)
	return call.Session{User: p.User, UID: p.UID, Tags: p.Tags}, err
}

// counted is Authenticate from an address, whose failures are counted: -32012, before a password is hashed, where there were too many of them.
func (u *Users) counted(ctx context.Context, name, pass, ip string) (Profile, error) {
	type read struct {
		counters *counters
		err      error
	}
	beside := make(chan read, 1)
	go func() {
		c, err := u.failures(ctx, name, ip)
		beside <- read{c, err}
	}()
	item, err := u.DB.Get(ctx, store.Users, key(name))
	counts := <-beside
	if err := errors.Join(err, counts.err); err != nil {
		return Profile{}, err
	}
	if err := counts.counters.wait(u.Now()); err != nil {
		return Profile{}, err
	}
	p, err := u.authenticate(ctx, item, pass)
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok && e.Code == jsonrpc.PermissionDenied {
		if err := u.failed(ctx, counts.counters); err != nil {
			return Profile{}, err
		}
	}
	return p, err
}

// Authenticate returns the profile of the user who has a password; -32010, after the same work, if no such user has it.
func (u *Users) Authenticate(ctx context.Context, name, pass string) (Profile, error) {
	item, err := u.DB.Get(ctx, store.Users, key(name))
	if err != nil {
		return Profile{}, err
	}
	return u.authenticate(ctx, item, pass)
}

// authenticate is Authenticate for a user's item, nil if there is no such user.
func (u *Users) authenticate(ctx context.Context, item store.Item, pass string) (Profile, error) {
	ok, err := u.Passwords.Verify(ctx, item.Str("hash"), pass)
	switch {
	case err != nil:
		return Profile{}, err
	case !ok || item.Str("user") == call.Nobody: // nobody logs in as that
		return Profile{}, refused()
	}
	return u.profile(ctx, item)
}

// Profile returns the profile of the user that a call is on. -32004 if there is no such user, -32010 if it is not oneself and has to be.
func (u *Users) Profile(ctx context.Context, c *call.Call, name string) (Profile, error) {
	item, err := u.read(ctx, c, name)
	if err != nil {
		return Profile{}, err
	}
	return u.profile(ctx, item)
}

// MaxInherited is how many templates a user may have, those of its templates included: each is up to MaxTags that every login reads. More are -32012.
const MaxInherited = 256

func (u *Users) profile(ctx context.Context, item store.Item) (Profile, error) {
	p := Profile{User: item.Str("user"), UID: item.Str("uid"), Disabled: item.Bool("disabled"), MaxSessions: item.Int("maxsessions"),
		Whitelist: item.Strs("whitelist"), Blacklist: item.Strs("blacklist")}
	var err error
	inherited := 0
	p.Tags, err = access.Effective(p.User, func(names []string) (map[string]access.Holder, error) {
		if names[0] == p.User { // the first level, and only that
			return holders(item)
		}
		if inherited += len(names); inherited > MaxInherited {
			return nil, jsonrpc.Err(jsonrpc.LimitExceeded, fmt.Sprintf("%s has over %d templates, with theirs", p.User, MaxInherited))
		}
		keys := make([]store.Key, len(names))
		for i, name := range names {
			keys[i] = store.Key{Table: store.Users, Key: key(name)}
		}
		found, err := u.DB.GetAll(ctx, keys, "#user, #tags, #templates")
		if err != nil {
			return nil, err
		}
		templates := make([]store.Item, len(found))
		for i, f := range found {
			templates[i] = f.Item
		}
		return holders(templates...)
	})
	return p, err
}

func holders(items ...store.Item) (map[string]access.Holder, error) {
	out := make(map[string]access.Holder, len(items))
	for _, item := range items {
		tags, err := tagsOf(item)
		if err != nil {
			return nil, err
		}
		out[item.Str("user")] = access.Holder{Tags: tags, Templates: item.Strs("templates")}
	}
	return out, nil
}

func (p Profile) admission() call.Admission {
	return call.Admission{Session: call.Session{User: p.User, UID: p.UID, Tags: p.Tags}, MaxSessions: p.MaxSessions, Whitelist: p.Whitelist, Blacklist: p.Blacklist}
}

// admit says why a user, known by the password, may not log in from an address.
func (u *Users) admit(p Profile, ip string) error {
	switch {
	case p.Disabled:
		return jsonrpc.Err(jsonrpc.PermissionDenied, p.User+" is disabled")
	case access.Refused(ip, p.Whitelist, p.Blacklist, u.expressions.compile):
		return jsonrpc.Err(jsonrpc.PermissionDenied, p.User+" from "+ip)
	}
	return nil
}
