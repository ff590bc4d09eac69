package user

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// directory is what every user has in the attribute of that index's partition key, and nothing else of the table: user writes are rare, so that
// one partition holds them all, in the order of their names.
const directory = "users"

// each calls f with the names of the users that a list selects, in their order, until it says that it has enough. The index lags behind by a
// moment.
func (u *Users) each(ctx context.Context, l access.List, f func(name string) (enough bool, err error)) error {
	q := store.Query{Table: store.Users, Index: store.IndexDirectory, If: "#dir = :dir", Values: store.Item{":dir": store.S(directory)}, Eventual: true}
	if l.Prefix != "" {
		q.If += " AND begins_with(#user, :prefix)"
		q.Values[":prefix"] = store.S(l.Prefix)
	}
	for {
		items, next, err := u.DB.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, item := range items {
			name := item.Str("user")
			if !l.Match(name) {
				continue
			}
			if enough, err := f(name); enough || err != nil {
				return err
			}
		}
		if q.Start = next; next == nil {
			return nil
		}
	}
}

// List carries out user.list: the users, by name, with what is their own.
func (u *Users) List(ctx context.Context, _ *call.Call, l access.List) (jsonrpc.Outcome, error) {
	const batch = 100 // a request reads so many
	out := call.NewListing(l)
	var names []string
	flush := func() (full bool, err error) {
		items, err := u.readAll(ctx, names)
		for _, name := range names {
			item, there := items[name]
			if err != nil || full || !there { // deleted since the index showed it
				continue
			}
			full, err = out.Add(listed(item))
		}
		names = names[:0]
		return full, err
	}
	skipped, taken := 0, 0
	err := u.each(ctx, l, func(name string) (enough bool, err error) {
		if skipped < l.Skip {
			skipped++
			return false, nil
		}
		names = append(names, name)
		if taken++; len(names) == batch {
			enough, err = flush()
		}
		return enough || l.Limit > 0 && taken == l.Limit, err
	})
	if err == nil {
		_, err = flush() // of none, where there is no room for more
	}
	if err != nil {
		return "", err
	}
	return out.Outcome(), nil
}

// readAll returns the items of some users, those that exist, without their hashes.
func (u *Users) readAll(ctx context.Context, names []string) (map[string]store.Item, error) {
	keys := make([]store.Key, len(names))
	for i, name := range names {
		keys[i] = store.Key{Table: store.Users, Key: key(name)}
	}
	found, err := u.DB.GetAll(ctx, keys, "#user, #tags, #templates, #whitelist, #blacklist, #maxsessions, #disabled, #createdAt")
	items := make(map[string]store.Item, len(found))
	for _, f := range found {
		items[f.Item.Str("user")] = f.Item
	}
	return items, err
}

// listed is a user as user.list shows it.
func listed(item store.Item) []byte {
	var o jsonrpc.Object
	return o.String("user", item.Str("user")).Raw("tags", []byte(item.Str("tags"))).Strings("templates", item.Strs("templates")).
		Strings("whitelist", item.Strs("whitelist")).Strings("blacklist", item.Strs("blacklist")).Int("maxsessions", item.Int("maxsessions")).
		Bool("disabled", item.Bool("disabled")).Time("createdAt", item.Time("createdAt")).JSON()
}

// Count carries out user.count.
func (u *Users) Count(ctx context.Context, _ *call.Call, p access.Count) (jsonrpc.Outcome, error) {
	tally := call.NewTally(p)
	err := u.each(ctx, p.List, func(name string) (bool, error) {
		tally.Add(name, 1)
		return false, nil
	})
	if err != nil {
		return "", err
	}
	return tally.Outcome()
}
