//go:build race

package sim

// defaultSeeds is how many seeds `go test -race` runs, which takes many times as long for each.
const defaultSeeds = 30
