package pipe_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// short puts names where a text has ids.
func (b *bench) short(text string) string {
	for _, id := range slices.Sorted(maps.Keys(b.names)) {
		text = strings.ReplaceAll(text, id, b.names[id])
	}
	return text
}

// brief keeps long texts out of what is shown.
func brief(text string) string {
	if len(text) <= 400 {
		return text
	}
	return fmt.Sprintf("%s…(%d bytes)", text[:20], len(text))
}

// want checks everything there is of pipes, a pipe or row a line.
func (b *bench) want(lines ...string) {
	b.t.Helper()
	var got []string
	items := b.Table(store.Pipes)
	slices.SortStableFunc(items, func(a, c store.Item) int { return strings.Compare(a.Str("pipeid"), c.Str("pipeid")) })
	for _, i := range items {
		if i.Str("row") == "meta" {
			got = append(got, b.short(b.meta(i)))
		}
	}
	for _, i := range items {
		if i.Str("row") != "meta" {
			got = append(got, b.short(b.row(i)))
		}
	}
	b.InOrder("the state is", got, lines)
}

func since(i store.Item, name string) time.Duration {
	at := i.Time(name)
	delete(i, name)
	return at.Sub(harness.Start())
}

func take(i store.Item, name string) string {
	s := i.Str(name)
	delete(i, name)
	return s
}

func position(i store.Item) string {
	return fmt.Sprintf("%d.%d/%d", i.Int("n"), i.Int("o"), i.Int("s"))
}

// meta shows all of a pipe. Left out is what is as in a new one, and what only tells who did what before.
func (b *bench) meta(of store.Item) string {
	i := maps.Clone(of)
	line := b.named(take(i, "pipeid")) + " " + take(i, "owner")
	add := func(format string, args ...any) { line += " " + fmt.Sprintf(format, args...) }
	if i.Int("len") != 1000 {
		add("len=%d", i.Int("len"))
	}
	add("head=%s", position(i.Map("head")))
	tail := i.Map("tail")
	add("tail=%d/%d", tail.Int("n"), tail.Int("s"))
	if head := i.Map("head"); head.Int("n") == tail.Int("n") && head.Int("b") != tail.Int("b") {
		add("bytes=%d–%d", head.Int("b"), tail.Int("b")) // of nothing
	}
	for _, counter := range []string{"c", "w", "d"} {
		if n := tail.Int(counter); n != 0 {
			add("%s=%d", map[string]string{"c": "count", "w": "unread", "d": "drops"}[counter], n)
		}
	}
	if list, ok := i["waits"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			add("waits:%s", wait(store.Item{"": v}.Map("")))
		}
	}
	who, what, was := i.Map("who"), i.Map("what"), i.Map("was")
	for _, token := range slices.Sorted(maps.Keys(who)) {
		w, before := what.Map(token), was.Map(token)
		add("handed:%s", wait(who.Map(token)))
		switch {
		case w.Has("f"):
			add("%s–%s", position(w.Map("f")), position(w.Map("t")))
		case w.Has("mb"):
			add("body")
		default:
			add("[%s]", brief(w.Str("m")))
		}
		add("count=%d", before.Int("c"))
	}
	if len(what) != len(who) || len(was) != len(who) {
		add("what=%d was=%d", len(what), len(was))
	}
	for _, token := range slices.Sorted(maps.Keys(i.Map("owed"))) {
		o := i.Map("owed").Map(token)
		add("owed:%s/%s%s", o.Str("c"), o.Str("i"), long(o))
	}
	for _, r := range slices.Sorted(maps.Keys(i.Map("sn"))) {
		add("%s=%d", r, i.Map("sn").Int(r))
		if at := i.Map("sk").Map(r); at != nil {
			add("in %d", at.Int("n"))
			if first := i.Map("sf").Int(r); first != i.Map("sn").Int(r) {
				add("from %d", first)
			}
		}
	}
	if i.Has("closed") {
		add("closed=%s", since(i, "closed"))
	}
	if i.Int("exp") == 0 {
		add("kept")
	}
	for _, shown := range []string{"row", "len", "head", "tail", "waits", "who", "what", "was", "owed", "made", "sn", "sk", "sf", "asks", "asker",
		"closer", "exp"} {
		if !i.Has(shown) && shown != "closer" {
			add("no %s", shown)
		}
		delete(i, shown)
	}
	if len(i) > 0 {
		add("%v", slices.Sorted(maps.Keys(i)))
	}
	return line
}

// wait shows a read: its id, and what is not as it would be without params at the beginning.
func wait(w store.Item) string {
	text := w.Str("i") + long(w)
	if w.Int("m") != 10 {
		text += fmt.Sprintf(" max=%d", w.Int("m"))
	}
	if dl := w.Time("dl").Sub(w.Time("at")); dl != 3*time.Hour {
		text += fmt.Sprintf(" dl=%s", dl)
	}
	if w.Bool("armed") {
		text += " armed"
	}
	return text
}

func long(i store.Item) string {
	if i.Has("ib") {
		return "long"
	}
	return ""
}

// row shows a row of messages.
func (b *bench) row(i store.Item) string {
	line := fmt.Sprintf("%s.%s", i.Str("pipeid"), strings.TrimLeft(i.Str("row")[:15], "0")+i.Str("row")[15:])
	if i.Bool("plug") {
		return line + " plug"
	}
	text := brief(i.Str("m"))
	if i.Has("mb") {
		text = fmt.Sprintf("%s:%d", i.Str("mb"), i.Int("ml"))
	}
	line += fmt.Sprintf(" %d/%d %s", i.Int("c"), i.Int("s"), text)
	if i.Int("exp") == 0 {
		line += " kept"
	}
	return line
}
