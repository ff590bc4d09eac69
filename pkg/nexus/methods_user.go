package nexus

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/user"
)

// Whatever changes users outlives the session that asked for it: it is written for good, and for others.
func userMethods() []Method {
	return []Method{
		outlives(guarded("user.addBlacklist", FunctionUser, user.ReadNewAddress, ofAddress, users((*user.Users).AddBlacklist))),
		outlives(twice("user.addTemplate", FunctionUser, user.ReadTemplate, ofTemplate, useTemplate, users((*user.Users).AddTemplate))),
		outlives(guarded("user.addWhitelist", FunctionUser, user.ReadNewAddress, ofAddress, users((*user.Users).AddWhitelist))),
		guarded("user.count", FunctionUser, readCount, countSubject, users((*user.Users).Count)),
		outlives(guarded("user.create", FunctionUser, user.ReadCreate, func(p user.Create) string { return p.User }, users((*user.Users).Create))),
		outlives(guarded("user.delBlacklist", FunctionUser, user.ReadAddress, ofAddress, users((*user.Users).DelBlacklist))),
		outlives(guarded("user.delTags", FunctionUser, user.ReadDelTags, func(p user.DelTags) string { return p.Prefix }, users((*user.Users).DelTags))),
		outlives(twice("user.delTemplate", FunctionUser, user.ReadTemplate, ofTemplate, useTemplate, users((*user.Users).DelTemplate))),
		outlives(guarded("user.delWhitelist", FunctionUser, user.ReadAddress, ofAddress, users((*user.Users).DelWhitelist))),
		outlives(guarded("user.delete", FunctionUser, user.ReadDelete, func(p user.Delete) string { return p.User }, users((*user.Users).Delete))),
		onSelf(guarded("user.getEffectiveTags", FunctionUser, user.ReadGetEffectiveTags,
			func(p user.GetEffectiveTags) string { return p.User }, users((*user.Users).GetEffectiveTags))),
		onSelf(guarded("user.getTags", FunctionUser, user.ReadGetTags, func(p user.GetTags) string { return p.User }, users((*user.Users).GetTags))),
		guarded("user.list", FunctionUser, readList, listSubject, users((*user.Users).List)),
		only(V0, guarded("user.listTemplate", FunctionUser, user.ReadListTemplate,
			func(p user.ListTemplate) string { return p.User }, users((*user.Users).ListTemplate))),
		// Both names: who may not make a user of a name may not make it by renaming one.
		outlives(twice("user.rename", FunctionUser, user.ReadRename, func(p user.Rename) string { return p.User },
			func(p user.Rename) permission { return permission{"user.rename", p.New} }, users((*user.Users).Rename))),
		outlives(guarded("user.setDisabled", FunctionUser, user.ReadSetDisabled, func(p user.SetDisabled) string { return p.User }, users((*user.Users).SetDisabled))),
		outlives(guarded("user.setMaxSessions", FunctionUser, user.ReadSetMaxSessions,
			func(p user.SetMaxSessions) string { return p.User }, users((*user.Users).SetMaxSessions))),
		outlives(onSelfUnlessDenied(guarded("user.setPass", FunctionUser, user.ReadSetPass,
			func(p user.SetPass) string { return p.User }, users((*user.Users).SetPass)))),
		outlives(guarded("user.setTags", FunctionUser, user.ReadSetTags, func(p user.SetTags) string { return p.Prefix }, users((*user.Users).SetTags))),
	}
}

// users makes a call of the bus of one of its users'.
func users[P any](run func(*user.Users, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error) {
	return func(b *Bus, ctx context.Context, c *call.Call, p P) (jsonrpc.Outcome, error) {
		return run(b.Users, ctx, c, p)
	}
}

func ofAddress(p user.Address) string   { return p.User }
func ofTemplate(p user.Template) string { return p.User }

// useTemplate is needed besides, on the template's name.
func useTemplate(p user.Template) permission { return permission{"user.useTemplate", p.Template} }
