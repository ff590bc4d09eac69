package user

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// GetTags is what user.getTags takes.
type GetTags struct{ User string }

// ReadGetTags reads user.getTags's params.
func ReadGetTags(p *jsonrpc.Params) GetTags { return GetTags{readUser(p)} }

// GetTags carries out user.getTags: the tags by prefix that the user's next login will have, those of its templates among them. That it needs no
// tag on oneself is the guard's affair.
func (u *Users) GetTags(ctx context.Context, c *call.Call, p GetTags) (jsonrpc.Outcome, error) {
	profile, err := u.Profile(ctx, c, p.User)
	if err != nil {
		return "", err
	}
	return tagsAnswer(profile.Tags.JSON())
}

// GetEffectiveTags is what user.getEffectiveTags takes.
type GetEffectiveTags struct{ User, Prefix string }

// ReadGetEffectiveTags reads user.getEffectiveTags's params. The prefix may be ".", or "" for what listing everything is on.
func ReadGetEffectiveTags(p *jsonrpc.Params) GetEffectiveTags {
	out := GetEffectiveTags{User: readUser(p), Prefix: p.String("prefix")}
	if out.Prefix != "." {
		var err error
		out.Prefix, err = access.ListPrefix(out.Prefix)
		p.Check("prefix", err)
	}
	return out
}

// GetEffectiveTags carries out user.getEffectiveTags: the tags in force on the prefix.
func (u *Users) GetEffectiveTags(ctx context.Context, c *call.Call, p GetEffectiveTags) (jsonrpc.Outcome, error) {
	profile, err := u.Profile(ctx, c, p.User)
	if err != nil {
		return "", err
	}
	return tagsAnswer(access.TagSetJSON(profile.Tags.InForce(p.Prefix)))
}

// maxAnswer is how long tags may be that are answered, in bytes of JSON: no message is over 128 KB.
const maxAnswer = 127 << 10

func tagsAnswer(tags []byte) (jsonrpc.Outcome, error) {
	if len(tags) > maxAnswer {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "user: its tags, with those of its templates, do not fit one message")
	}
	var o jsonrpc.Object
	return jsonrpc.Success(o.Raw("tags", tags).JSON()), nil
}
