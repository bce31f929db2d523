# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench soak fuzz fixtures static docs
CARGO ?= cargo

help: ## what each target does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: ## build, compile the sample advisories, scan the committed image
	@scripts/demo.sh

test: ## install what the tests need, then run every test and each fuzz target for five seconds
	@scripts/install-test-tools.sh
	# What a passing test prints is why it was skipped.
	$(CARGO) test --workspace --locked --no-fail-fast -- --show-output
	@scripts/fuzz.sh 5

lint: ## formatting, clippy and docs without warnings, dependencies' licences and sources, workspace lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked --quiet
	@scripts/check-lints.sh
	@scripts/cargo-deny.sh

bench: ## ours beside inflating alone, Trivy and Syft, in one run, as ratios
	@scripts/bench.py

soak: ## the large counts: a million version pairs, ten minutes for each fuzz target; resumable
	@scripts/soak.sh

fuzz: ## each fuzz target for a minute
	@scripts/fuzz.sh 60

fixtures: ## build the demonstration image anew (root, mmdebstrap and a Debian mirror: MIRROR=URL)
	fixtures/make-demo.py $(MIRROR)

static: ## a binary that runs on any Linux
	@command -v musl-gcc >/dev/null || { echo "make static needs musl-gcc: the Debian package musl-tools" >&2; exit 1; }
	rustup target add x86_64-unknown-linux-musl
	$(CARGO) build --release --locked -p imagescan --target x86_64-unknown-linux-musl

docs: ## the API documentation
	$(CARGO) doc --workspace --no-deps --locked
