# Everything that is done with a checkout. `make` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# No version stamps: git refuses to look at a checkout that another user owns.
GOFLAGS := $(GOFLAGS) -buildvcs=false
export GOFLAGS

ARGS ?=
SEED ?= 1
DURATION ?= 10m
LOG ?=
SQLC := go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
WORKFLOWCHECK := go run go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

# What runs in several goroutines at once is tested with the race detector, which needs a C compiler.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
RACED = ./activities/... ./api/... ./doorbell/... ./intake/... ./metrics/... ./store/... ./upkeep/... ./worker/... ./workflows/...

GO_FILES = $$(find . -name '*.go' -not -path '*/node_modules/*')
# What the front ends are built from.
sources = $(shell find $(1) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test/*')

.PHONY: help up build test test-go test-web test-e2e chaos chaos-mutants slow generate lint fmt formatted check tools

help: ## list the targets
	@echo "Parley. Targets:"
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

up: build ## set everything up and run Parley on this machine (options: make up ARGS="--listen 127.0.0.1:9000")
	@exec bin/parley up $(ARGS)

build: check tools web/inbox/dist/index.html web/widget/dist/widget.js ## build bin/parley with its front ends
	@go build -o bin/parley ./cmd/parley

test: formatted ## set everything up and run every test (at most 15 minutes)
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory test-go
	@$(MAKE) --no-print-directory test-web
	@$(MAKE) --no-print-directory test-e2e
	@echo "All tests passed."

test-go: formatted check tools e2e/peers/node_modules/.installed ## only the Go tests
	@echo "== Go: vet, tests"
	go vet ./...
	$(WORKFLOWCHECK) ./workflows/...
	@test -n "$(RACE)" || echo "no C compiler: the race detector is left out"
	@failed=; \
	go test $(RACE) $(RACED) || failed=1; \
	go test $$(go list ./... | grep -v -x -F "$$(go list $(RACED))") || failed=1; \
	test -z "$$failed"

test-web: check web/inbox/node_modules/.installed web/widget/node_modules/.installed ## only the unit tests of the front ends
	@echo "== Inbox: unit tests"
	@cd web/inbox && npm test --silent
	@echo "== Widget: unit tests"
	@cd web/widget && npm test --silent

test-e2e: build web/e2e/node_modules/.installed ## only the browser tests
	@echo "== Browser tests"
	@chromium=$$(scripts/chromium.sh) && cd web/e2e && PARLEY_CHROMIUM="$$chromium" npm test --silent

chaos: build ## break things while customers write, and check what they got (options: SEED=1 DURATION=10m LOG=directory)
	@go build -o bin/ ./e2e/chaos ./e2e/chaos/check
	@bin/chaos -seed $(SEED) -duration $(DURATION) $(if $(LOG),-log $(LOG))

chaos-mutants: build ## plant faults in Parley and show that make chaos finds each (options: SEED=1 LOG=directory)
	@go build -o bin/ ./e2e/chaos ./e2e/chaos/check ./e2e/chaos/mutants
	@bin/mutants -seed $(SEED) $(if $(LOG),-log $(LOG))

slow: build ## the long tests: with the race detector, ten minutes of faults with three seeds, planted faults
	PARLEY_TEST_LIMITS=full go test -race -timeout 2h ./...
	go test ./activities -run TestSwitchAndFenceInAnyOrder -rapid.checks=3000 -timeout 1h
	for seed in 1 2 3; do $(MAKE) --no-print-directory chaos SEED=$$seed DURATION=10m || exit 1; done
	$(MAKE) --no-print-directory chaos-mutants

generate: check web/inbox/node_modules/.installed ## regenerate the SQL queries and the front end's API types
	cd store && $(SQLC) generate
	cd web/inbox && npm run --silent generate

lint: formatted check ## look for mistakes that the compiler does not see
	go vet ./...
	cd devserver && go vet ./...
	$(STATICCHECK) ./...
	$(WORKFLOWCHECK) ./workflows/...
	cd store && $(SQLC) diff

fmt: ## format the Go code
	gofmt -w $(GO_FILES)

# First of all, since it takes a second and what follows takes minutes.
formatted: check
	@unformatted=$$(gofmt -l $(GO_FILES)) || exit 1; test -z "$$unformatted" || { echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; }

check:
	@scripts/check-tools.sh

# Postgres and the Temporal engine, from the cache or into it.
tools: check
	@go run ./scripts/setup

web/inbox/dist/index.html: web/inbox/node_modules/.installed $(call sources,web/inbox)
	@echo "Building the inbox…"
	@cd web/inbox && out=$$(npm run --silent build 2>&1) || { echo "$$out"; exit 1; }
	@touch web/inbox/dist/.gitkeep $@

web/widget/dist/widget.js: web/widget/node_modules/.installed $(call sources,web/widget)
	@echo "Building the widget…"
	@cd web/widget && out=$$(npm run --silent build 2>&1) || { echo "$$out"; exit 1; }
	@touch web/widget/dist/.gitkeep $@

%/node_modules/.installed: %/package.json %/package-lock.json
	@echo "Installing the packages of $*…"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
