# Everything here needs Go and git only; what else a target needs it fetches
# through the Go module proxy, at the versions below.

STATICCHECK  := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEADCODE     := golang.org/x/tools/cmd/deadcode@v0.52.0
GOSEC        := github.com/securego/gosec/v2/cmd/gosec@v2.30.0
GOVULNCHECK  := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# What gosec is not asked, and why: G304, files are named by the operator; G202,
# SQL is put together from constants only; G404, jitter needs no secrecy; G115, a
# hash may wrap. The simulated GitHub is left out: git's own SHA-1, test data.
GOSEC_FLAGS := -exclude=G304,G202,G404,G115 -exclude-dir=internal/sandbox

# The data that the simulated GitHub is held against (see internal/sandbox/openapi/cut).
OCTOKIT_OPENAPI  ?= 23.0.2
OCTOKIT_EXAMPLES ?= 7.6.1

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null)
FUZZTIME ?= 30s

# The packages in which goroutines meet. The server as a whole takes the race
# detector many minutes: "make race" has it too, "make test" has the rest.
RACE     := ./internal/queue ./internal/webhook ./internal/dispatch ./internal/hub
RACE_ALL := $(RACE) ./internal/store ./internal/worker ./internal/app ./internal/sandbox

# The race detector needs cgo and a C compiler.
CC_FOUND := $(shell command -v $$(go env CC 2>/dev/null || echo cc) 2>/dev/null)

# Where there is no home directory, Go must be told where its caches are.
ifeq ($(strip $(HOME)$(GOCACHE)),)
export GOCACHE := $(or $(TMPDIR),/tmp)/gonogo-go-cache
endif
ifeq ($(strip $(HOME)$(GOPATH)),)
export GOPATH := $(or $(TMPDIR),/tmp)/gonogo-go-path
endif

.DEFAULT_GOAL := help
.PHONY: help build test histories race lint vuln fmt bench demo fuzz cover openapi webhook-examples golden clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the static binary bin/gonogo
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o bin/gonogo ./cmd/gonogo

test: fmt ## Run all tests: format, vet, the whole suite, then the race detector where it can run
	go vet ./...
	go test -timeout 30m ./...
	@$(MAKE) --no-print-directory race RACE_ALL='$(RACE)'

HISTORIES ?= 100000

histories: ## Play HISTORIES (100,000) random lives of pull requests against the reference model
	GONOGO_HISTORY_SEED=$${GONOGO_HISTORY_SEED:-$$(date +%s)} GONOGO_HISTORIES=$(HISTORIES) go test -count=1 -timeout 24h -run '^TestHistories$$' -v ./internal/app

race: ## Run the tests of the server and its parts under the race detector (needs a C compiler)
ifeq ($(CC_FOUND),)
	@echo '!!! NOT RUN: the race detector. It needs a C compiler, and none was found (install gcc or clang). !!!'
else
	CGO_ENABLED=1 go test -race -timeout 30m $(RACE_ALL)
endif

fmt:
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l cmd config internal) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

lint: fmt ## Run gofmt, vet, staticcheck, deadcode and gosec
	go vet ./...
	go run $(STATICCHECK) ./...
	@found=$$(go run $(DEADCODE) -test ./...) || exit 1; \
	if [ -n "$$found" ]; then echo "unreachable:"; echo "$$found"; exit 1; fi
	go run $(GOSEC) -quiet $(GOSEC_FLAGS) ./...

vuln: ## Look dependencies up in Go's vulnerability database (needs the network)
	go run $(GOVULNCHECK) ./...

bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

demo: ## Play a release story against a simulated GitHub
	go run ./cmd/gonogo demo

fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

cover: ## Measure how much of the code the tests run; writes bin/cover.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -1

golden: ## Rewrite the expected outputs in testdata and the generated parts of the documentation
	go test ./internal/decision ./internal/report ./internal/policy ./internal/ledger ./internal/project -update

openapi: ## Cut testdata/openapi anew from GitHub's API description (needs npm; unpacks 400 MB)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	npm pack --silent --pack-destination "$$dir" @octokit/openapi@$(OCTOKIT_OPENAPI) && \
	tar -xzf "$$dir"/*.tgz -C "$$dir" && \
	go run ./internal/sandbox/openapi/cut -openapi "$$dir/package"

webhook-examples: ## Cut testdata/webhooks anew from GitHub's webhook examples (needs npm)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	npm pack --silent --pack-destination "$$dir" @octokit/webhooks-examples@$(OCTOKIT_EXAMPLES) && \
	tar -xzf "$$dir"/*.tgz -C "$$dir" && \
	go run ./internal/sandbox/openapi/cut -webhooks "$$dir/package"

clean: ## Remove what the targets made
	rm -rf bin
