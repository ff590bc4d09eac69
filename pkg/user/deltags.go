package user

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// DelTags is what user.delTags takes. Its subject is Prefix.
type DelTags struct {
	User, Prefix string
	Tags         []string // names
}

// ReadDelTags reads user.delTags's params: tags is a list of names, or an object whose keys they are.
func ReadDelTags(p *jsonrpc.Params) DelTags {
	out := DelTags{User: readUser(p), Prefix: readTagPrefix(p)}
	raw := readTags(p)
	var err error
	out.Tags, err = access.ParseTagNames(raw)
	p.Check("tags", err)
	return out
}

// DelTags carries out user.delTags. Tags that the user has not are no error.
func (u *Users) DelTags(ctx context.Context, c *call.Call, p DelTags) (jsonrpc.Outcome, error) {
	tags, err := u.retag(ctx, c, p.User, func(tags access.Tags) access.Tags { return tags.Delete(p.Prefix, p.Tags) })
	return u.done(ctx, c, p.User, "delTags", err, func(o *jsonrpc.Object) {
		o.String("prefix", p.Prefix).Strings("delTags", p.Tags).Raw("tags", tags)
	})
}
