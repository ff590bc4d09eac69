package jsonrpc

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"time"
)

// Params reads the members of a request's params. The first member that is missing or has the wrong type is remembered and named by Err, so
// that a call's parameters are read in one go and checked once. Members that nobody asks for are ignored; null is the same as absent, but for
// Raw.
type Params struct {
	whole   json.RawMessage
	members map[string]json.RawMessage
	bare    json.RawMessage // params that are neither object nor none
	err     *Error
}

// ReadParams opens params: an object, or null, absent or [], which mean none.
func ReadParams(raw json.RawMessage) *Params {
	p := &Params{whole: raw}
	switch {
	case len(raw) == 0 || isNull(raw):
	case raw[0] == '{':
		if err := json.Unmarshal(raw, &p.members); err != nil {
			p.err = Err(InvalidParams, "params")
		}
	case raw[0] == '[' && len(strings.Trim(string(raw), "[] \t\r\n")) == 0 && strings.Count(string(raw), "[") == 1:
	default:
		p.bare = raw
		p.err = Err(InvalidParams, "params")
	}
	return p
}

// Bare returns params that are neither object nor none, for the one call that takes a bare value; nil if they are.
func (p *Params) Bare() json.RawMessage {
	if p.bare != nil {
		p.err = nil
	}
	return p.bare
}

// Whole returns the params as they came; nil if they are absent.
func (p *Params) Whole() json.RawMessage { return p.whole }

// Err returns the first problem met, or nil.
func (p *Params) Err() error {
	if p.err == nil {
		return nil
	}
	return p.err
}

// Fail notes that the member name is wrong, for a reason that may be empty.
func (p *Params) Fail(name, reason string) {
	if p.err != nil {
		return
	}
	if reason != "" {
		name += ": " + reason
	}
	p.err = Err(InvalidParams, name)
}

// Check notes err, if it is one, as what is wrong with the member name.
func (p *Params) Check(name string, err error) {
	if err != nil {
		p.Fail(name, err.Error())
	}
}

// Has tells whether a member is there and not null.
func (p *Params) Has(name string) bool {
	raw, ok := p.members[name]
	return ok && !isNull(raw)
}

// Raw returns a member as it came; ok is false if it is absent. A null is there.
func (p *Params) Raw(name string) (raw json.RawMessage, ok bool) {
	raw, ok = p.members[name]
	return raw, ok
}

// String returns a member that must be there.
func (p *Params) String(name string) string {
	raw := p.members[name]
	s, ok := Text(raw)
	switch {
	case ok:
	case len(raw) > 0 && raw[0] == '"':
		p.Fail(name, "holds a lone surrogate")
	default:
		p.Fail(name, "")
	}
	return s
}

// OptString returns a member that may be absent, else def.
func (p *Params) OptString(name, def string) string {
	if !p.Has(name) {
		return def
	}
	return p.String(name)
}

// OptBool returns the first of the names that is there, else false.
func (p *Params) OptBool(names ...string) bool {
	for _, name := range names {
		if p.Has(name) {
			switch string(p.members[name]) {
			case "true":
				return true
			case "false":
				return false
			}
			p.Fail(name, "")
			return false
		}
	}
	return false
}

// OptInt returns a whole number that may be absent, else def. 1.0 and 1e2 are whole numbers; what does not fit 64 bits is wrong.
func (p *Params) OptInt(name string, def int64) int64 {
	if !p.Has(name) {
		return def
	}
	n, ok := Int(p.members[name])
	if !ok {
		p.Fail(name, "")
	}
	return n
}

// OptBound is OptInt for a number that says how much of something at most, or at least: what does not fit 64 bits is as much as fits.
func (p *Params) OptBound(name string, def int64) int64 {
	if !p.Has(name) {
		return def
	}
	n, ok := Bound(p.members[name])
	if !ok {
		p.Fail(name, "")
	}
	return n
}

// OptSeconds returns a number of seconds, fractions allowed, or def if it is absent or not positive. It is cut at 100 years.
func (p *Params) OptSeconds(name string, def time.Duration) time.Duration {
	if !p.Has(name) {
		return def
	}
	raw := p.members[name]
	f, err := json.Number(raw).Float64()
	if raw[0] == '"' || (err != nil && !math.IsInf(f, 0)) {
		p.Fail(name, "")
		return def
	}
	const most = 100 * 365 * 24 * time.Hour
	switch {
	case f <= 0:
		return def
	case f >= most.Seconds():
		return most
	}
	return max(time.Duration(f*float64(time.Second)), 1)
}

// Bound is Int, but for numbers that do not fit 64 bits: they are the greatest that does, or the least.
func Bound(raw json.RawMessage) (int64, bool) {
	if n, ok := Int(raw); ok {
		return n, true
	}
	if len(raw) == 0 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return 0, false
	}
	switch f, _ := json.Number(raw).Float64(); { // one that is out of range is infinite
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return 0, false
}

// Int reads a JSON number that is whole and fits 64 bits.
func Int(raw json.RawMessage) (int64, bool) {
	if len(raw) == 0 || len(raw) > 64 || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return 0, false
	}
	if n, err := json.Number(raw).Int64(); err == nil {
		return n, true
	}
	f, err := json.Number(raw).Float64() // rules out exponents that would make the exact value below huge
	if err != nil || math.Abs(f) > 1e19 {
		return 0, false
	}
	if f == 0 && strings.ContainsAny(string(raw), "eE") {
		mantissa, _, _ := strings.Cut(strings.ToLower(string(raw)), "e")
		return 0, strings.Trim(mantissa, "-0.") == ""
	}
	r, ok := new(big.Rat).SetString(string(raw))
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}
