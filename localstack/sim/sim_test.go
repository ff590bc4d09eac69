package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

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

func TestSim(t *testing.T) {
	seeds, first := env("SEEDS", 20), env("FIRST", 1)
	verbose := os.Getenv("SIM_LOG") != ""
	for seed := first; seed < first+seeds; seed++ {
		r := run(t, seed, Options{Verbose: verbose})
		for _, l := range r.Lines {
			fmt.Println(l)
		}
		fmt.Println(r.Seed, r.Weather, r.Operations, r.Requests, r.Hash, r.Failures)
	}
}

func env(name string, otherwise uint64) uint64 {
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}
