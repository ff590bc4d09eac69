package queue

import (
	"errors"
	"strings"
)

const maxBatch = 10 // entries of a batch request

type batchOutput struct {
	Successful []any
	Failed     []batchFailure
}

type batchFailure struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// batch checks the entries of a batch request as a whole and then does each of them. entry names the entries' type in errors.
func batch[E any](entry string, entries []E, id func(*E) string, do func(*E) (any, error)) (any, error) {
	if len(entries) == 0 {
		return nil, errEmptyBatchRequest.with("There should be at least one %s in the request.", entry)
	}
	if len(entries) > maxBatch {
		return nil, errTooManyEntriesInBatchRequest.with("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := map[string]bool{}
	for i := range entries {
		switch id := id(&entries[i]); {
		case !validEntryID(id):
			return nil, errInvalidBatchEntryID.with(
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[id]:
			return nil, errBatchEntryIdsNotDistinct.with("Id %s repeated.", id)
		default:
			seen[id] = true
		}
	}
	out := batchOutput{Successful: []any{}, Failed: []batchFailure{}}
	for i := range entries {
		done, err := do(&entries[i])
		var e *apiError
		switch {
		case err == nil:
			out.Successful = append(out.Successful, done)
		case errors.As(err, &e):
			out.Failed = append(out.Failed, batchFailure{id(&entries[i]), true, e.kind.queryCode, e.message})
		default:
			return nil, err
		}
	}
	return out, nil
}

func validEntryID(id string) bool {
	return id != "" && len(id) <= 80 && !strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}

// entrySuccess is the success of an entry that returns nothing.
type entrySuccess struct {
	ID string `json:"Id"`
}
