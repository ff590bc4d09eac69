package sim

// checkWinners: of result, error, cancel, timeout and expiry one wins. It alone is told ok, and the pusher gets what it brought.
func (h *history) checkWinners() {
	for _, k := range h.calls {
		switch k.method {
		case "task.result", "task.error", "task.cancel":
			won := h.done[k.request] != nil
			switch got := k.got(); {
			case got == "result" && !won:
				h.failf("winners: %s was told ok, but it ended nothing", k)
			case got != "" && got != "result" && won:
				h.failf("winners: %s won, but was told %s", k, got)
			}
		case "task.reject":
			_, won := h.written[k.request]
			switch got := k.got(); {
			case got == "result" && !won:
				h.failf("winners: %s was told ok, but returned nothing", k)
			case got != "" && got != "result" && won:
				h.failf("winners: %s returned the task, but was told %s", k, got)
			}
		case "task.push":
			h.checkOutcome(k)
		}
	}
}

// checkOutcome holds what a pusher got against how its task ended.
func (h *history) checkOutcome(k *call) {
	got := k.got()
	if got == "" {
		return
	}
	l := h.tasks[k.request]
	if got == sessionEnded && !k.client.sessionEnded.IsZero() {
		return
	}
	if k.push.detached || l == nil {
		if got != "result" && got != "error -32603" {
			h.failf("winners: the detached %s got %s", k, got)
		}
		return
	}
	var over, before *snap
	for n, s := range l.snaps {
		if s.done() && over == nil {
			over, before = s, l.snaps[n-1]
		}
	}
	if over == nil {
		h.failf("winners: %s got %s, but its task is not over", k, got)
		return
	}
	want := timedOut
	switch winner := h.byRequest[over.fin]; {
	case winner != nil && winner.method == "task.reject":
		want = expired
	case winner != nil:
		want = winner.outcome
	case over.deadline.After(over.at.Add(h.apart())):
		want = expired
	case before.works() && before.ttl == 1 && got == expired:
		want = expired
	}
	if got == limitExceeded && want == expired && h.tooBig(before) {
		want = limitExceeded
	}
	if got != want {
		h.failf("winners: %s got %s, but its task ended by %s", k, got, want)
	}
	if got == timedOut && (over.at.Add(h.apart()).Before(over.deadline) ||
		k.push.timeout > 0 && over.deadline.Add(h.apart()).Before(ms(k.at.Add(k.push.timeout).UnixMilli()))) {
		h.failf("winners: %s timed out too early, at %v", k, over.at.Sub(h.began))
	}
}
