package nexus

// Throttle is a token bucket: how many messages a second a route of a stage takes, of all connections together, and how many at once. API Gateway refuses what
// goes beyond, before a function runs and before it costs anything.
type Throttle struct {
	Rate  float64 // a second
	Burst int     // the bucket's size
}

// DefaultThrottle is that of a route which has no own one. It is meant for a bus's first month: one that floods a route costs some $40 a day at most.
func DefaultThrottle() Throttle { return Throttle{Rate: 200, Burst: 400} }

// own are the throttles of the routes that cost more than others, or serve strangers alone: a connection writes an item, a login hashes a password, a pipe
// stays until its session ends, and what names no method is of no use to anybody.
func own() map[string]Throttle {
	return map[string]Throttle{
		"$connect":    {Rate: 50, Burst: 200},
		"$default":    {Rate: 20, Burst: 40},
		"pipe.create": {Rate: 50, Burst: 200},
		"sys.login":   {Rate: 50, Burst: 200},
	}
}

// unthrottled is what API Gateway gives a whole account. The end of a connection costs little, and what refuses it would leave the session to the watchdog.
func unthrottled() map[string]Throttle {
	return map[string]Throttle{"$disconnect": {Rate: 10_000, Burst: 5_000}}
}

// Throttles returns the throttle of each route, by its key; rest is that of routes without an own one, which no other exceeds. The local gateway and the
// deployment go by this list.
func Throttles(rest Throttle) map[string]Throttle {
	all := map[string]Throttle{}
	for _, r := range Routes() {
		t := rest
		if less, ok := own()[r.Key]; ok {
			t = Throttle{Rate: min(less.Rate, rest.Rate), Burst: min(less.Burst, rest.Burst)}
		}
		if more, ok := unthrottled()[r.Key]; ok {
			t = more
		}
		all[r.Key] = t
	}
	return all
}
