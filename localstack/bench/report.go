package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// result is one measurement.
type result struct {
	Scenario string  `json:"scenario"`
	Number   int     `json:"number"` // of pairs, clients or subscribers
	Rate     float64 `json:"rate"`   // per second
	P50      float64 `json:"p50"`    // ms
	P99      float64 `json:"p99"`    // ms
	// What Nexus on RethinkDB reached on two such cores; 0 where nobody measured it.
	NexusRate float64 `json:"nexusRate,omitempty"`
	NexusP50  float64 `json:"nexusP50,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"` // of the rates
}

// nexus is what Nexus on RethinkDB reached: its rate per second and, where known, its median in ms.
var nexus = map[string]map[int][2]float64{
	"pings":                {1: {4500}, 16: {13000}, 64: {15700}},
	"tasks, a prefix each": {1: {79, 12}, 16: {92, 164}, 64: {74, 803}},
	"tasks, one prefix":    {1: {47}, 16: {32}, 64: {15}},
	"pipe messages":        {1: {350}, 16: {617}, 64: {627}},
	"lock pairs":           {1: {248}, 16: {707}, 64: {680}},
	"logins":               {1: {3.4}, 16: {11}, 64: {17}},
	deliveries:             {1: {385}, 10: {1447}, 100: {3309}},
}

func summarize(scenario string, number int, last time.Duration, times []time.Duration) result {
	slices.Sort(times)
	before := nexus[scenario][number]
	r := result{Scenario: scenario, Number: number, Rate: float64(len(times)) / last.Seconds(),
		P50: percentile(times, 50), P99: percentile(times, 99), NexusRate: before[0], NexusP50: before[1]}
	if r.NexusRate > 0 {
		r.Ratio = r.Rate / r.NexusRate
	}
	return r
}

// percentile returns, in ms, the smallest of the sorted times that p percent are not above; 0 if there are none.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)*p+99)/100-1]) / float64(time.Millisecond)
}

func printJSON(w io.Writer, results []result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(results)
}

func printTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "scenario\tnumber\tper second\tp50 ms\tp99 ms\tNexus per second\tp50 ms\tratio\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%d\t%.*f\t%.2f\t%.2f\t%s\t%s\t%s\t\n", r.Scenario, r.Number, decimals(r.Rate), r.Rate, r.P50, r.P99,
			known(r.NexusRate, ""), known(r.NexusP50, ""), known(r.Ratio, "×"))
	}
	return t.Flush()
}

// decimals is how many of a rate are worth showing.
func decimals(rate float64) int {
	if rate < 100 {
		return 1
	}
	return 0
}

// known writes a number, or nothing for 0.
func known(f float64, unit string) string {
	switch {
	case f == 0:
		return ""
	case f < 100 && f != float64(int(f)):
		return strconv.FormatFloat(f, 'f', 1, 64) + unit
	default:
		return strconv.FormatFloat(f, 'f', 0, 64) + unit
	}
}
