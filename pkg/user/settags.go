package user

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// SetTags is what user.setTags takes. Its subject is Prefix.
type SetTags struct {
	User, Prefix string
	Tags         map[string]json.RawMessage
}

// ReadSetTags reads user.setTags's params.
func ReadSetTags(p *jsonrpc.Params) SetTags {
	out := SetTags{User: readUser(p), Prefix: readTagPrefix(p)}
	raw := readTags(p)
	var err error
	out.Tags, err = access.ParseTagSet(raw)
	p.Check("tags", err)
	return out
}

func readTagPrefix(p *jsonrpc.Params) string {
	prefix, err := access.TagPrefix(p.String("prefix"))
	p.Check("prefix", err)
	return prefix
}

func readTags(p *jsonrpc.Params) json.RawMessage {
	raw, ok := p.Raw("tags")
	if !ok {
		p.Fail("tags", "")
	}
	if len(raw) > MaxTags {
		p.Fail("tags", tagsTooLong)
	}
	return raw
}

// SetTags carries out user.setTags: it merges tags into those that the user has on the prefix.
func (u *Users) SetTags(ctx context.Context, c *call.Call, p SetTags) (jsonrpc.Outcome, error) {
	tags, err := u.retag(ctx, c, p.User, func(tags access.Tags) access.Tags { return tags.Set(p.Prefix, p.Tags) })
	return u.done(ctx, c, p.User, "setTags", err, func(o *jsonrpc.Object) {
		o.String("prefix", p.Prefix).Raw("addTags", access.TagSetJSON(p.Tags)).Raw("tags", tags)
	})
}

// retag gives a user other tags, made of its own, and returns them. What does not fit MaxTags is -32602.
func (u *Users) retag(ctx context.Context, c *call.Call, name string, edit func(access.Tags) access.Tags) (after json.RawMessage, err error) {
	err = u.change(ctx, c, name, "tags", func(item store.Item) (types.AttributeValue, error) {
		tags, err := tagsOf(item)
		if err != nil {
			return nil, err
		}
		edited := string(edit(tags).JSON())
		after = json.RawMessage(edited)
		switch {
		case edited == item.Str("tags"):
			return nil, nil
		case len(edited) > MaxTags && len(edited) > len(item.Str("tags")):
			return nil, jsonrpc.Err(jsonrpc.InvalidParams, "tags: with those that the user has "+tagsTooLong)
		}
		return store.S(edited), nil
	})
	return after, err
}
