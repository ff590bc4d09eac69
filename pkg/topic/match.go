package topic

// wildcard as the last label of what is subscribed to takes everything below, and alone everything; what is above it, too.
const wildcard = "*"

// patterns returns what a subscription may be to in order to match a published topic: each once, always in the same order. For L labels they are L +
// 2 at most.
func patterns(topic string) []string {
	all := []string{topic}
	add := func(p string) {
		if p != topic { // whose own last label may be a *
			all = append(all, p)
		}
	}
	for i, c := range topic {
		if c == '.' {
			add(topic[:i+1] + wildcard)
		}
	}
	add(topic + "." + wildcard)
	add(wildcard)
	return all
}

// patternsOf returns what a subscription may be to in order to match a publication.
func (t *Topics) patternsOf(p *publication) []string {
	if p.parts == nil {
		return patterns(p.topic)
	}
	return t.Patterns(p.parts)
}
