package session

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// loadAvg is a machine's load over the last 1, 5 and 15 minutes, in hundredths.
type loadAvg [3]int64

// parseLoad reads what /proc/loadavg holds.
func parseLoad(text string) (load loadAvg, ok bool) {
	fields := strings.Fields(text)
	if len(fields) < len(load) {
		return loadAvg{}, false
	}
	for i := range load {
		f, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || !(f >= 0 && f < 1e6) {
			return loadAvg{}, false
		}
		load[i] = int64(f*100 + 0.5)
	}
	return load, true
}

const (
	// reportEvery is how often an execution environment reports its load, at most.
	reportEvery = time.Minute
	// lately is how old a report may be and still count.
	lately = 5 * time.Minute
	// reported is what the keys of reports begin with. It holds white space, which no connid does: no call reaches them.
	reported = "load "
)

// reports remembers what an environment has reported.
type reports struct {
	mu   sync.Mutex
	name string // of the environment; empty before its first report
	last time.Time
}

// due returns the environment's name if it is time for a report.
func (r *reports) due(now time.Time, newID func() string) (name string, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.name != "" && now.Sub(r.last) < reportEvery {
		return "", false
	}
	if r.name == "" {
		r.name = newID()
	}
	r.last = now
	return r.name, true
}

// ReportLoad records the load of this execution environment for sys.node.list, at most once a minute. It is called by what is no client's call and
// comes often enough: connections that begin, and the watchdog's round. A report that fails is logged, and missed by nobody.
func (s *Sessions) ReportLoad(ctx context.Context) {
	if s.LoadAvg == nil {
		return
	}
	load, ok := parseLoad(s.LoadAvg())
	if !ok {
		return
	}
	now := s.Now()
	name, due := s.reports.due(now, s.NewID)
	if !due {
		return
	}
	// Key: the environment's own. No condition: nobody else writes it, and a repeated put changes nothing.
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Item: store.Item{"id": store.S(reported + name), "at": store.Millis(now),
		"load1": store.N(load[0]), "load5": store.N(load[1]), "load15": store.N(load[2]),
		store.AttrExpires: store.N(now.Add(2 * lately).Unix())}})
	if err != nil {
		s.Log.Warn("report of the load", "error", err)
	}
}

// NodeList carries out sys.node.list: the nodes of this deployment, by id. Its functions serve all of them, so that all have the mean load of
// the execution environments that reported lately.
func (s *Sessions) NodeList(ctx context.Context, _ *call.Call, l access.List, version string) (jsonrpc.Outcome, error) {
	clients := map[string]int64{}
	var sum loadAvg
	environments := int64(0)
	since := s.Now().Add(-lately)
	q := store.Query{Table: store.Sessions, Filter: "#state = :live OR begins_with(#id, :load)", Projection: "#id, #state, #at, #load1, #load5, #load15",
		Values: store.Item{":live": store.S(live), ":load": store.S(reported)}}
	for {
		items, next, err := s.DB.Scan(ctx, q)
		if err != nil {
			return "", err
		}
		for _, item := range items {
			if id := item.Str("id"); item.Str("state") == live {
				clients[id[:min(len(id), deliver.NodeDigits)]]++
			} else if item.Time("at").After(since) {
				environments++
				for i, name := range []string{"load1", "load5", "load15"} {
					sum[i] += item.Int(name)
				}
			}
		}
		if q.Start = next; next == nil {
			break
		}
	}
	var mean [3]json.RawMessage
	for i := range sum {
		mean[i] = json.RawMessage(strconv.FormatFloat(float64(sum[i]/max(environments, 1))/100, 'f', 2, 64))
	}
	var load jsonrpc.Object
	nested := load.Raw("load1", mean[0]).Raw("load5", mean[1]).Raw("load15", mean[2]).
		Raw("Load1", mean[0]).Raw("Load5", mean[1]).Raw("Load15", mean[2]).JSON()
	nodes := s.Post.Nodes()
	from, to := l.Page(len(nodes))
	out := call.NewListing(l)
	for _, node := range nodes[from:to] {
		var o jsonrpc.Object
		o.String("id", node.ID).Int("clients", clients[node.ID]).Raw("load1", mean[0]).Raw("load5", mean[1]).Raw("load15", mean[2]).
			Raw("load", nested).String("version", version).Bool("listening", true)
		if full, err := out.Add(o.JSON()); err != nil {
			return "", err
		} else if full {
			break
		}
	}
	return out.Outcome(), nil
}
