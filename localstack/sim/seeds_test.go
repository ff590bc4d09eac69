//go:build !race

package sim

// defaultSeeds is how many seeds `go test` runs.
const defaultSeeds = 300
