# Works with GNU make 3.81 and later. Nothing here needs more than Go, a shell and sed.

LISTEN    ?= 127.0.0.1:8080
SEEDS     ?= 300
FIRST     ?= 1
FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))

.DEFAULT_GOAL := help
.PHONY: help run test lint build bench sim clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

run: ## start the bus on this machine; LISTEN=host:port, ARGS="-dynamodb 127.0.0.1:8000 -v"
	go run ./localstack -listen $(LISTEN) $(ARGS)

test: ## run all tests; RACE=1 with the race detector, which needs a C compiler
	go test $(if $(RACE),-race) ./...

lint: ## gofmt, go vet and the staticcheck that go.mod pins
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "gofmt -w $$unformatted" >&2; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

build: ## build each function for Lambda into build/<name>.zip, and refuse one over 10 MB
	@for name in $(FUNCTIONS); do \
		GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags="-s -w" \
			-o build/$$name/bootstrap ./functions/$$name || exit 1; \
	done
	go run ./localstack/bundle $(FUNCTIONS:%=build/%)

bench: ## measure the local stack from a separate process; ARGS="…" are the benchmark's
	go run ./localstack/bench $(ARGS)

# Go test's own lines are left out, so that the simulation's summary stands last.
sim: ## run SEEDS=n simulations from seed FIRST=k on; a seed that fails is named and fails again; LOG=1 prints what happened
	@mkdir -p build
	@{ go test ./localstack/sim -run '^TestSim$$' -count=1 -timeout 0 -v -args -seeds=$(SEEDS) -first=$(FIRST) $(if $(LOG),-log) 2>&1; \
		echo $$? > build/sim.status; } | sed -E '/^ *(=== |--- PASS)/d; /^(PASS|FAIL|FAIL	.*|ok  	.*|exit status .*)$$/d'; exit $$(cat build/sim.status)

clean: ## remove what was built
	rm -rf build
