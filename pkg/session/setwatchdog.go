package session

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// Watchdog is what sys.watchdog takes: a number of seconds, or nil to ask.
type Watchdog struct{ Seconds *int64 }

// ReadWatchdog reads sys.watchdog's params: a bare number, {"watchdog":n}, or nothing.
func ReadWatchdog(p *jsonrpc.Params) Watchdog {
	const name = "watchdog"
	if bare := p.Bare(); bare != nil {
		n, ok := jsonrpc.Bound(bare)
		if !ok {
			p.Fail(name, "")
		}
		return Watchdog{&n}
	}
	if !p.Has(name) {
		return Watchdog{}
	}
	n := p.OptBound(name, 0)
	return Watchdog{&n}
}

// Watchdog carries out sys.watchdog. It answers what is in force afterwards.
func (s *Sessions) Watchdog(ctx context.Context, c *call.Call, p Watchdog) (jsonrpc.Outcome, error) {
	n, err := s.SetWatchdog(ctx, c.Connid, p.Seconds)
	if err != nil {
		return "", err
	}
	var answer jsonrpc.Object
	return jsonrpc.Success(answer.Bool("ok", true).Int("watchdog", n).JSON()), nil
}
