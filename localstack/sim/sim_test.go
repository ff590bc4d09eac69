package sim

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The flags of `make sim`.
var (
	seeds = flag.Uint64("seeds", defaultSeeds, "how many seeds TestSim runs")
	first = flag.Uint64("first", 1, "the first of them")
	only  = flag.String("family", "", "the only family of calls in all runs")
	log   = flag.Bool("log", false, "print the log of each seed")
)

// summary is TestSim's: TestMain prints it last.
var summary string

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400) // runs are short and make much garbage
	code := m.Run()
	if summary != "" {
		fmt.Println(summary)
	}
	os.Exit(code)
}

// run carries out a seed in a bubble.
func run(t *testing.T, seed uint64, o Options) (r *Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = Run(seed, o); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	})
	return r
}

// onlyFamily is the mix that -family asks for.
func onlyFamily() []family {
	for f := range families {
		if f.String() == *only {
			return []family{f}
		}
	}
	return nil
}

// TestSim runs seeds, some side by side.
func TestSim(t *testing.T) {
	began := time.Now()
	reports := make([]*Report, *seeds)
	var next sync.Mutex
	n := uint64(0)
	take := func() (uint64, bool) {
		next.Lock()
		defer next.Unlock()
		n++
		return n - 1, n <= *seeds
	}
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for i, ok := take(); ok; i, ok = take() {
					r := run(t, *first+i, Options{Verbose: *log, Mix: onlyFamily()})
					if reports[i] = r; len(r.Failures) > 0 {
						t.Errorf("seed %d (%s, %s, log %016x) fails; again: make sim SEEDS=1 FIRST=%d, with its log: LOG=1\n\t%s", r.Seed, r.Weather, r.Families, r.Hash, r.Seed,
							strings.Join(r.Failures, "\n\t"))
					}
				}
			})
		}
	})
	operations, requests, failing := 0, 0, 0
	for _, r := range reports {
		for _, line := range r.Lines {
			fmt.Println(line)
		}
		operations += r.Operations
		requests += r.Requests
		if len(r.Failures) > 0 {
			failing++
		}
	}
	took := time.Since(began)
	summary = fmt.Sprintf("sim: seeds %d-%d, %d operations, %d requests, %.0f seeds/s, %d failing", *first, *first+*seeds-1, operations, requests,
		float64(*seeds)/took.Seconds(), failing)
}

// TestSameSeed holds runs to being repeatable, on the first of TestSim's seeds: one that fails must fail again.
func TestSameSeed(t *testing.T) {
	for seed := *first; seed < *first+*seeds/20+1; seed++ {
		a, b := run(t, seed, Options{Verbose: true}), run(t, seed, Options{Verbose: true})
		if a.Hash == b.Hash && slices.Equal(a.Lines, b.Lines) {
			continue
		}
		for n := range a.Lines {
			if n >= len(b.Lines) || a.Lines[n] != b.Lines[n] {
				t.Fatalf("seed %d: two runs differ at line %d:\n%s\n%s", seed, n, a.Lines[n], b.Lines[min(n, len(b.Lines)-1)])
			}
		}
		t.Fatalf("seed %d: the second run is longer", seed)
	}
}
