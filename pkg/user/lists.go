package user

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// MaxLists is how long a user's templates, whitelist and blacklist may be together, in bytes of JSON: with its tags they still fit a message
// of user.list.
const MaxLists = 48 << 10

// The lists that a user has, as attributes of its item.
const (
	templates = "templates"
	whitelist = "whitelist"
	blacklist = "blacklist"
)

// Template is what user.addTemplate and user.delTemplate take.
type Template struct{ User, Template string }

// ReadTemplate reads the params of user.addTemplate and user.delTemplate.
func ReadTemplate(p *jsonrpc.Params) Template {
	out := Template{User: readUser(p)}
	var err error
	out.Template, err = access.UserName(p.String("template"))
	p.Check("template", err)
	return out
}

// AddTemplate carries out user.addTemplate. The template comes after those that the user has; it need not exist (yet).
func (u *Users) AddTemplate(ctx context.Context, c *call.Call, p Template) (jsonrpc.Outcome, error) {
	return u.add(ctx, c, "addTemplate", p.User, templates, "template", p.Template)
}

// DelTemplate carries out user.delTemplate.
func (u *Users) DelTemplate(ctx context.Context, c *call.Call, p Template) (jsonrpc.Outcome, error) {
	return u.del(ctx, c, "delTemplate", p.User, templates, p.Template)
}

// Address is what the calls about whitelists and blacklists take: an RE2 expression, matched anywhere in a client's address.
type Address struct{ User, IP string }

// ReadNewAddress reads the params of user.addWhitelist and user.addBlacklist.
func ReadNewAddress(p *jsonrpc.Params) Address {
	out := ReadAddress(p)
	p.Check("ip", access.CheckExpression(out.IP))
	return out
}

// ReadAddress reads the params of user.delWhitelist and user.delBlacklist.
func ReadAddress(p *jsonrpc.Params) Address {
	out := Address{User: readUser(p), IP: p.String("ip")}
	if out.IP == "" { // it would match every address, and is a mistake
		p.Fail("ip", "empty")
	}
	return out
}

// AddWhitelist carries out user.addWhitelist.
func (u *Users) AddWhitelist(ctx context.Context, c *call.Call, p Address) (jsonrpc.Outcome, error) {
	return u.addAddress(ctx, c, "addWhitelist", p.User, whitelist, p.IP)
}

// DelWhitelist carries out user.delWhitelist.
func (u *Users) DelWhitelist(ctx context.Context, c *call.Call, p Address) (jsonrpc.Outcome, error) {
	return u.del(ctx, c, "delWhitelist", p.User, whitelist, p.IP)
}

// AddBlacklist carries out user.addBlacklist.
func (u *Users) AddBlacklist(ctx context.Context, c *call.Call, p Address) (jsonrpc.Outcome, error) {
	return u.addAddress(ctx, c, "addBlacklist", p.User, blacklist, p.IP)
}

// DelBlacklist carries out user.delBlacklist.
func (u *Users) DelBlacklist(ctx context.Context, c *call.Call, p Address) (jsonrpc.Outcome, error) {
	return u.del(ctx, c, "delBlacklist", p.User, blacklist, p.IP)
}

// addAddress is add for an expression, which has to compile: it is compiled here, for who may have it done.
func (u *Users) addAddress(ctx context.Context, c *call.Call, action, name, list, expr string) (jsonrpc.Outcome, error) {
	if _, err := u.expressions.compile(expr); err != nil {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "ip: "+err.Error())
	}
	return u.add(ctx, c, action, name, list, "ip", expr)
}

// add puts an entry at the end of one of a user's lists; one that is there stays where it is. What does not fit MaxLists is -32602, naming the
// parameter that brought the entry.
func (u *Users) add(ctx context.Context, c *call.Call, action, name, list, param, entry string) (jsonrpc.Outcome, error) {
	var entries []string
	err := u.change(ctx, c, name, list, func(item store.Item) (types.AttributeValue, error) {
		entries = item.Strs(list)
		if slices.Contains(entries, entry) {
			return nil, nil
		}
		size := len(jsonrpc.AppendString(nil, entry))
		for _, l := range []string{templates, whitelist, blacklist} {
			for _, e := range item.Strs(l) {
				size += len(jsonrpc.AppendString(nil, e)) + 1
			}
		}
		if size > MaxLists {
			return nil, jsonrpc.Err(jsonrpc.InvalidParams, param+": with the templates and lists that the user has over 48 KB")
		}
		entries = append(entries, entry)
		return store.Strings(entries), nil
	})
	return u.done(ctx, c, name, action, err, func(o *jsonrpc.Object) { o.String("add", entry).Strings(list, entries) })
}

// del takes an entry off one of a user's lists. One that is not there is no error.
func (u *Users) del(ctx context.Context, c *call.Call, action, name, list, entry string) (jsonrpc.Outcome, error) {
	var entries []string
	err := u.change(ctx, c, name, list, func(item store.Item) (types.AttributeValue, error) {
		entries = item.Strs(list)
		at := slices.Index(entries, entry)
		if at < 0 {
			return nil, nil
		}
		entries = slices.Delete(entries, at, at+1)
		return store.Strings(entries), nil
	})
	return u.done(ctx, c, name, action, err, func(o *jsonrpc.Object) { o.String("del", entry).Strings(list, entries) })
}

// ListTemplate is what user.listTemplate takes.
type ListTemplate struct{ User string }

// ReadListTemplate reads user.listTemplate's params.
func ReadListTemplate(p *jsonrpc.Params) ListTemplate { return ListTemplate{readUser(p)} }

// ListTemplate carries out user.listTemplate: the names of a user's templates, in the order in which they were added.
func (u *Users) ListTemplate(ctx context.Context, c *call.Call, p ListTemplate) (jsonrpc.Outcome, error) {
	item, err := u.read(ctx, c, p.User)
	if err != nil {
		return "", err
	}
	return jsonrpc.Success(jsonrpc.Strings(item.Strs(templates))), nil
}
