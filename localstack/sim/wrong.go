package sim

// API Gateway was seen to say 410 of a connection that was there, of a post that arrived too. In some runs it says so of a few.

// mostWrong is how often it does in a run. A session whose end met all of them is closed by its last clean-up.
const mostWrong = 3

// mistaken tells whether a request to @connections is to be told that its connection, which is there, is gone.
func (w *world) mistaken(r *request) bool {
	if w.weather.wrong == 0 || r.dynamo() || r.queue() || w.wrongs >= mostWrong {
		return false
	}
	c := w.clientOf(r.target)
	return c != nil && c.open && w.rng.Float64() < w.weather.wrong
}

// mistake tells a handler that the connection is gone. A post may arrive nevertheless; nothing else has an effect.
func (w *world) mistake(r *request) {
	w.wire.remove(r)
	w.wrongs++
	w.clientOf(r.target).wronged = true
	r.inv.hurt = true
	w.logf("say 410 of %s, which is there", r)
	if r.op == "POST" {
		if w.rng.IntN(2) == 0 {
			w.apply(r)
		} else {
			r.inv.mute = true
		}
	}
	r.answer <- refusal(r, 410, "GoneException", "")
}

// wronged tells whether a request is to a connection of which API Gateway has said 410 although it was there.
func (w *world) wronged(r *request) bool {
	if r.dynamo() || r.queue() {
		return false
	}
	c := w.clientOf(r.target)
	return c != nil && c.wronged
}
