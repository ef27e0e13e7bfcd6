# All that a person or CI needs: make demo | test | lint | bench | fuzz | ui

CARGO ?= cargo
UI := web/ui/dist/index.html
UI_SOURCES := $(shell find web/ui/src web/ui/*.json web/ui/*.mjs -type f 2>/dev/null)
# cargo-nextest runs each test in a process of its own; plain cargo test does as well.
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo "nextest run --no-fail-fast" || echo "test --no-fail-fast")

.PHONY: help demo test lint unit doc ui ui-test bench fuzz
.DEFAULT_GOAL := help

help:
	@echo "make demo    a network of Open vSwitch switches, a learning switch, the dashboard and a shell"
	@echo "make test    every lint and every test; installs what it needs"
	@echo "make lint    formatting, clippy, rustdoc, crate edges, the page's types"
	@echo "make bench   figures beside those of Mininet, other controllers and ovs-ofctl, in the same run; needs root"
	@echo "make fuzz    hostile input for FUZZ_SECONDS (60) a target, FUZZ_CASES (10000) texts and FUZZ_TRACES (1000000) packets against Open vSwitch"
	@echo "make ui      the dashboard's page"

demo:
	@.ci/install demo
	@$(MAKE) --no-print-directory ui
	$(CARGO) run --release --locked --bin flowbed -- up --topo tree,2,2 --switch ovs --app learning-switch --pre examples/demo.flowbed --web 127.0.0.1:0

ui: $(UI)

$(UI): $(UI_SOURCES)
	cd web/ui && npm ci --no-audit --no-fund && npm run build

test:
	@.ci/install test
	@$(MAKE) --no-print-directory lint ui-test unit

lint: ui
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked
	.ci/edges
	cd web/ui && npm run check

ui-test: ui
	cd web/ui && npm test

unit: ui
	$(CARGO) $(TEST) --workspace --locked
	$(CARGO) test --workspace --doc --locked

bench:
	@.ci/install bench
	@$(MAKE) --no-print-directory ui
	$(CARGO) bench --locked -p flowbed-openflow --bench codec
	$(CARGO) bench --locked -p flowbed-openflow --bench pipeline
	$(CARGO) bench --locked
	$(CARGO) bench --locked -p flowbed-controller

fuzz:
	@.ci/install fuzz
	fuzz/run
	FLOWBED_CASES=$${FUZZ_CASES:-10000} FLOWBED_SEED=$${FUZZ_SEED:-0} $(CARGO) test --release --locked -p flowbed-openflow --test against_ovs
	FLOWBED_CASES=$${FUZZ_TRACES:-1000000} FLOWBED_SEED=$${FUZZ_SEED:-0} $(CARGO) test --release --locked -p flowbed-openflow --test pipeline_against_ovs
