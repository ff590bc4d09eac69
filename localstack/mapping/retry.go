package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"nexus/localstack/lambda"
)

// Why records are discarded, as the message to OnFailure says it. AWS documents the first; what it says of records that grew too old is not in its
// documentation.
const (
	RetryAttemptsExhausted   = "RetryAttemptsExhausted"
	MaximumRecordAgeExceeded = "MaximumRecordAgeExceeded"
)

// retention is how long a stream keeps a record.
const retention = 24 * time.Hour

// Waits before a retry: doubling. AWS documents no numbers for streams.
const (
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
)

func backoff(n int) time.Duration {
	return min(firstBackoff<<min(n, 10), lastBackoff)
}

// Result is what came of delivering a batch once.
type Result struct {
	Response []byte
	Err      error
}

// tooOld returns how many of a batch's records, the first ones, are past the age at which they are given up.
func (s *Stream) tooOld(b *Batch, now time.Time) int {
	age := retention
	if s.MaximumRecordAge > 0 {
		age = min(age, s.MaximumRecordAge)
	}
	n := slices.IndexFunc(b.Records, func(r Record) bool { return r.Created.Add(age).After(now) })
	if n < 0 {
		n = len(b.Records)
	}
	return n
}

// expire splits off the records that are too old, to be discarded. Nothing is left of b where it returns b alone.
func (s *Stream) expire(b *Batch, now time.Time) []*Batch {
	n := s.tooOld(b, now)
	if n == 0 || b.discarded != "" {
		return []*Batch{b}
	}
	old := &Batch{Records: b.Records[:n:n], invokes: b.invokes, discarded: MaximumRecordAgeExceeded}
	if n == len(b.Records) {
		return []*Batch{old}
	}
	rest := *b
	rest.Records = b.Records[n:]
	return []*Batch{old, &rest}
}

// after decides what follows a delivery of b to the function: nothing, the same records again, or parts of them. A batch that is given up has
// discarded set.
//
//	response says nothing failed               done
//	function error, bisecting, > 1 record      two halves, each with a fresh retry quota ("splitting batches doesn't consume the retry quota")
//	function error                             the same again, until the quota is used up
//	partial failure at record i > 0            from i on; bisecting, that is a split, else a retry, whose quota progress does not renew
//	partial failure at the first record        as a function error
//	the function was not invoked               the same again, no quota used; only age ends it
func (s *Stream) after(b *Batch, r Result, now time.Time) []*Batch {
	next := *b
	next.notBefore = time.Time{}
	var refused *lambda.Refusal
	if errors.As(r.Err, &refused) {
		next.notBefore = now.Add(backoff(b.refusals))
		next.refusals++
		return []*Batch{&next}
	}
	next.refusals = 0
	next.invokes++
	failed := 0
	if r.Err == nil {
		if failed = s.firstFailure(b, r.Response); failed == len(b.Records) {
			return nil
		}
	}
	rest := b.Records[failed:]
	if s.BisectOnError && failed > 0 {
		return []*Batch{{Records: rest}}
	}
	if s.BisectOnError && len(rest) > 1 {
		half := (len(rest) + 1) / 2
		return []*Batch{{Records: rest[:half:half]}, {Records: rest[half:]}}
	}
	next.Records = rest
	if s.MaximumRetryAttempts >= 0 && b.retries >= s.MaximumRetryAttempts {
		next.discarded = RetryAttemptsExhausted
		return []*Batch{&next}
	}
	next.notBefore = now.Add(backoff(b.retries))
	next.retries++
	return []*Batch{&next}
}

// firstFailure reads batchItemFailures: the index of the first record that failed, or the number of records where none did. A response that cannot be
// read, and an identifier that is empty or not in the batch, fail the batch as a whole.
func (s *Stream) firstFailure(b *Batch, response []byte) int {
	if !s.ReportBatchItemFailures {
		return len(b.Records)
	}
	failures, ok := itemFailures(response)
	if !ok {
		return 0
	}
	first := len(b.Records)
	for _, id := range failures {
		i := slices.IndexFunc(b.Records, func(r Record) bool { return r.SequenceNumber == id })
		if i < 0 {
			return 0
		}
		first = min(first, i)
	}
	return first
}

// itemFailures reads {"batchItemFailures":[{"itemIdentifier":…}]}. Nothing, null, {} and an empty list are success; ok is false where the response,
// or an identifier, is not what it should be.
func itemFailures(response []byte) (ids []string, ok bool) {
	if len(bytes.TrimSpace(response)) == 0 {
		return nil, true
	}
	var out struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(response, &out) != nil {
		return nil, false
	}
	for _, f := range out.BatchItemFailures {
		if f.ItemIdentifier == "" {
			return nil, false
		}
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, true
}
