package nexus

// Route is a route of the WebSocket API: the local gateway and the deployment make theirs from this list.
type Route struct {
	Key      string // API Gateway's route key
	Function string
}

// Routes returns a route per method of the table, and API Gateway's own.
//
// All routes are one-way: every answer is posted. A two-way route would save a callback request where a call is answered at once, but a handler
// cannot return nothing from it with certainty (API Gateway was seen to send an empty frame then), and any method may be called as a
// notification or be answered later. Cost: one more request of the account's 10,000/s per answer, and the function's time of one
// PostToConnection; the price of messages is the same.
func Routes() []Route {
	routes := []Route{
		{"$connect", FunctionConnection},
		{"$default", FunctionConnection},
		{"$disconnect", FunctionConnection},
	}
	for _, m := range Methods() {
		routes = append(routes, Route{m.Name, m.Function})
	}
	return routes
}
