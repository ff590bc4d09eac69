package pipe

import (
	"context"
	"encoding/json"
	"errors"
	"math"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// maxAnswer is the longest message that API Gateway carries, in bytes.
const maxAnswer = 128 << 10

// fits returns how many bytes of messages, as message.size counts them, an answer holds.
func fits(idLength int) int {
	return maxAnswer - len(jsonrpc.Answer(nil, answer(math.MaxInt64, math.MaxInt64, nil))) + len("null") - idLength
}

// idLength is how long the id of a read is, or may be.
func (w wait) idLength() int {
	if w.id.body != "" {
		return jsonrpc.MaxID
	}
	return len(w.id.text)
}

// answer is what a read gets.
func answer(waiting, drops int64, messages []message) jsonrpc.Outcome {
	list := make([]json.RawMessage, len(messages))
	for n, m := range messages {
		list[n] = m.json()
	}
	var o jsonrpc.Object
	return jsonrpc.Success(o.Int("waiting", waiting).Int("drops", drops).Raw("msgs", jsonrpc.Array(list)).JSON())
}

// answer is what the read of a hand-over gets, each time the same.
func (h *handover) answer(messages []message) jsonrpc.Outcome {
	return answer(h.was.waiting-h.taken, h.was.drops, messages)
}

// messagesOf returns the messages of a hand-over, from where they are.
func (p *Pipes) messagesOf(ctx context.Context, pipeid string, h *handover) ([]message, error) {
	switch {
	case h.direct():
		text, err := p.textOf(ctx, h.message)
		if err != nil {
			return nil, err
		}
		list, err := textsOf(text, h.many)
		return counted(list, h.was.count), err
	case h.from != h.to:
		return p.between(ctx, pipeid, h.from, h.to)
	}
	return nil, nil
}

// handOver posts the messages of a hand-over, and ok to the writer who made it, if one did; then it clears what arrived. It returns the pipe as it
// is then, nil where that is not known or it is gone.
func (p *Pipes) handOver(ctx context.Context, m *meta, h *handover, messages []message, writer *call.Call) (*meta, error) {
	id, err := p.textOf(ctx, h.wait.id)
	if err != nil {
		return nil, err
	}
	var toWriter error
	toRead := func() error { return p.post(ctx, m.owner, id, h.answer(messages)) }
	if writer == nil {
		err = toRead()
	} else {
		err, toWriter = beside(toRead, func() error { return p.post(ctx, writer.Connid, writer.ID, jsonrpc.OK) })
	}
	then, failed := p.clear(ctx, m.pipeid, h.token, posted(err), posted(toWriter))
	failed = errors.Join(failed, p.gone(ctx, m.owner, err))
	if writer != nil && (writer.Connid != m.owner || !errors.Is(err, deliver.ErrGone)) {
		failed = errors.Join(failed, p.gone(ctx, writer.Connid, toWriter))
	}
	if errors.Is(err, deliver.ErrGone) {
		then = nil // it went with its session
	}
	return then, failed
}

// clear takes from a pipe what arrived of a hand-over: its messages, its writer's ok, or both. What is left is repair's. It returns the pipe as it
// is then, nil if it is gone.
func (p *Pipes) clear(ctx context.Context, pipeid, token string, handed, acknowledged bool) (*meta, error) {
	var update, condition string
	switch {
	case handed && acknowledged:
		update = "REMOVE #who.#token, #what.#token, #was.#token, #owed.#token"
		condition = "attribute_exists(#who.#token) OR attribute_exists(#owed.#token)"
	case handed:
		update, condition = "REMOVE #who.#token, #what.#token, #was.#token", "attribute_exists(#who.#token)"
	case acknowledged:
		update, condition = "REMOVE #owed.#token", "attribute_exists(#owed.#token)"
	default:
		return nil, nil
	}
	// Key: the pipe. Condition: the hand-over, or the ok that is owed, is still there. Effect: it is not. A loser finds that it was cleared, by itself
	// if a response was lost or by repair, or that the pipe is gone.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid), Update: update, If: condition,
		Names: map[string]string{"#token": token}})
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	if err != nil {
		return nil, err
	}
	m := decode(i)
	return m, p.bury(ctx, m)
}
