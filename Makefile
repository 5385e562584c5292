# The one place where the project's commands are written down. `make` alone lists them.

GOLANGCI_VERSION := 2.15.0
NFPM_VERSION := 2.45.2
CYCLONEDX_VERSION := 1.10.0
FUZZTIME ?= 5s
SOAK ?= 30m
CAMPAIGN ?= 20m
SEED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)

# What is linked and not used is left out: the encoder of MessagePack that gin has for answers.
TAGS := nomsgpack

LINT := .tools/golangci-lint-$(GOLANGCI_VERSION)
NFPM := .tools/nfpm-$(NFPM_VERSION)
CYCLONEDX := .tools/cyclonedx-gomod-$(CYCLONEDX_VERSION)
RELEASE := TAGS='$(TAGS)' NFPM='$(CURDIR)/$(NFPM)' CYCLONEDX='$(CURDIR)/$(CYCLONEDX)'
GO_TEST := go test -timeout 25m

RACE := CGO_ENABLED=1 $(GO_TEST) -race

# Property tests draw the same in every run, so that the same code passes or fails the same way. "make soak" draws anew.
SAME := RAPID_SEED=1

# Go begins with the packages that are named first: those that take longest.
PACKAGES := ./internal/acceptance ./processor ./store ./dispatch ./pull ./...

# What the version control says is passed in as VERSION; asking it again fails where the checkout belongs to another user.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help build test test-unit test-memory test-platforms test-openldap test-389ds test-samba test-postgres test-browser lint vet fmt fuzz bench performance events demo release test-packages test-alerts install-servers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/idaas-ldap, one static binary
	CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '-s -w -X main.version=$(VERSION)' -o bin/idaas-ldap ./cmd/idaas-ldap

test: ## everything: set up, vet, lint, all tests, with the race detector and on real servers, a little fuzzing
	@scripts/step.sh "servers for tests"
	@scripts/install-servers.sh --if-possible
	@scripts/step.sh "linter"
	@$(MAKE) -s --no-print-directory $(LINT)
	@scripts/step.sh "vet"
	@$(MAKE) -s --no-print-directory vet
	@scripts/step.sh "platforms"
	@$(MAKE) -s --no-print-directory test-platforms
	@scripts/step.sh "lint"
	@$(MAKE) -s --no-print-directory lint
	@scripts/step.sh "test"
	@$(MAKE) -s --no-print-directory test-unit
	@scripts/step.sh "test on servers"
	@scripts/suite.sh --if-installed openldap,389ds,samba,browser,product $(GO_TEST)
	@scripts/suite.sh --if-installed postgres $(RACE) -skip '^TestPostgresCarries'
	@scripts/step.sh "memory"
	@$(MAKE) -s --no-print-directory test-memory
	@scripts/step.sh "fuzz"
	@scripts/fuzz.sh 2000x
	@scripts/step.sh "alerts"
	@$(MAKE) -s --no-print-directory test-alerts
	@scripts/step.sh "packages"
	@$(MAKE) -s --no-print-directory test-packages

# Tests that do very much one after the other: of a whole database, a whole configuration, a whole organization, or one simulated operation at a
# time. With the race detector they take ten times as long and more.
ALONE := ^TestDoctor|^TestSQLiteConforms|^TestStoresOfEveryEarlierVersion|^TestValidateLeavesNothingBehind|^TestValidateSaysWhatServeWouldSay|^TestSimulations|^TestAPlantedFault
ALONE := $(ALONE)|^TestEmbeddedGroupOfAHundredThousand|^TestAbsenceThatIsNotProven|^TestWhatWaitsForARecord|^TestANarrowerScope|^TestWhoeverIsProven
ALONE := $(ALONE)|^TestARoundCatchesUp|^TestARoundWithNothingMissed|^TestTheStartIsNotLost|^TestWhenEverythingIsRead|^TestAClockThatIsSetBackPutsOffNoRound|^TestEmbeddedEvents|^TestEmbeddedWhoFails|^TestSQLiteSurvivesBeingKilled

# What a round costs is counted without the race detector, with memory and the store.
COUNTED := ^TestTheCostOfARound

# Three packages at a time, as some wait for the disk.
test-unit: ## tests that need no server, with the race detector
	$(SAME) $(RACE) -p 3 -skip "$$(scripts/suite.sh --all)|$(ALONE)|$(COUNTED)" $(PACKAGES)
	$(SAME) go test -count=1 -run '$(ALONE)' ./store ./cmd/idaas-ldap ./internal/simulation ./pull ./internal/acceptance

# The race detector keeps sync.Pool from pooling and multiplies memory, so both are counted without it.
test-memory: ## what may be allocated, what the store may do for one person, and what an attacker can make the service hold
	go test -run 'WithinBounds|AllocatesLittle' ./mapping
	go test -count=1 ./internal/attacks
	go test -count=1 -run '$(COUNTED)' ./pull
	go test -run 'DoesNotGrow|CostsTheSame' ./store

# Program and tests are compiled for each system, and for both processors; they run where they are built. "make release" builds for all six.
test-platforms: ## that program and tests build for linux, darwin and windows, on amd64 and arm64
	@for platform in linux/arm64 darwin/arm64 windows/amd64; do \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go vet ./... || { echo "on $$platform"; exit 1; }; \
	done

test-openldap: ## tests on a real slapd
	@scripts/suite.sh openldap $(GO_TEST)

test-389ds: ## tests on a real 389 Directory Server
	@scripts/suite.sh 389ds $(GO_TEST)

test-samba: ## tests on a real Samba domain controller
	@scripts/suite.sh samba $(GO_TEST)

test-postgres: ## tests on a real PostgreSQL server
	@scripts/suite.sh product $(GO_TEST)
	@scripts/suite.sh postgres $(RACE) -skip '^TestPostgresCarries'

test-browser: ## tests of the console in Chromium; pictures of its pages go to bin/console
	@scripts/suite.sh browser $(GO_TEST)

vet: ## what the Go team considers wrong
	go vet ./...

lint: $(LINT) ## golangci-lint with .golangci.yml
	$(LINT) run ./...

fmt: $(LINT) ## format all code
	$(LINT) fmt ./...

fuzz: ## every fuzz target for FUZZTIME, a time (5s) or a number of inputs (2000x)
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: soak campaign million
soak: ## for SOAK (30m, 8h): all tests in random order, property tests with random seeds, servers with the race detector too
	@scripts/soak.sh $(SOAK) $(RACE)

campaign: ## for CAMPAIGN (20m) each: kill the program, and on PostgreSQL three of it, while everything is in trouble; writes the figures of docs/promises.md
	go test -count=1 -timeout 0 -run '^Test(Embedded|Postgres)Campaign$$' ./internal/acceptance -v -campaign $(CAMPAIGN) -campaign-seed $$(date +%s) -update

million: ## a million simulated events, from SEED or one drawn at random; writes the figures of docs/promises.md (nine minutes on a quiet machine)
	go test -count=1 -timeout 0 -run '^TestSimulations$$' ./internal/simulation -v -seed $(SEED) -loose -events 1000000 -update

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

performance: build ## what docs/performance.md says: every target, measured anew and written down (five minutes on a quiet machine; needs slapd)
	go run ./cmd/performance

events: ## try every event on every server and write the tables and versions of docs/events.md
	go test -count=1 -timeout 20m -parallel 1 -run 'Events$$' ./internal/acceptance -update

demo: build ## the whole product on this machine
	bin/idaas-ldap demo

release: $(NFPM) $(CYCLONEDX) ## what is published, into dist: binaries for six platforms, deb, rpm, what is linked, checksums
	$(RELEASE) VERSION='$(VERSION)' scripts/release.sh dist

test-packages: $(NFPM) $(CYCLONEDX) ## builds, installs, upgrades and removes the deb, where CI=true
	@$(RELEASE) scripts/package-test.sh

test-alerts: ## alerts are right, and each is fired: with promtool
	@if command -v promtool >/dev/null; then \
		cd configs/prometheus && promtool check rules alerts.yaml && promtool test rules alerts_test.yaml; \
	else \
		echo "alerts: not tested, as promtool is not installed; run: sudo make install-servers" >&2; [ "$${CI:-}" != true ]; \
	fi

install-servers: ## slapd, 389 DS, Samba, PostgreSQL and Chromium for the tests (root on Debian or Ubuntu)
	@scripts/install-servers.sh

clean: ## remove what was built
	rm -rf bin dist .tools

# The version is in the name, so that a new version is a new file.
$(LINT):
	@mkdir -p .tools
	GOBIN='$(CURDIR)/.tools' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION)
	@mv .tools/golangci-lint $@

$(NFPM):
	@mkdir -p .tools
	GOBIN='$(CURDIR)/.tools' go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v$(NFPM_VERSION)
	@mv .tools/nfpm $@

$(CYCLONEDX):
	@mkdir -p .tools
	GOBIN='$(CURDIR)/.tools' go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v$(CYCLONEDX_VERSION)
	@mv .tools/cyclonedx-gomod $@
