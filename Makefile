# The few commands there are. `make` alone lists them.

.POSIX:
.PHONY: help demo test test-eventstore bench check

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## install what is missing, build, start with demo creators, and say where to look
	@scripts/setup
	cargo build --release -p bin
	@exec "$${CARGO_TARGET_DIR:-target}/release/social-ledger" demo

test: ## everything that proves it
	@scripts/setup
	cargo test --workspace

# Needs no Postgres. The built file alone does too: docs/eventstore.md says how to run it elsewhere.
test-eventstore: ## the log's contract against a real server: make test-eventstore URL=esdb://...
	@test -n '$(URL)' || { echo "set URL: make test-eventstore URL='kurrentdb://127.0.0.1:2113?tls=false'"; exit 2; }
	@scripts/setup
	@TEST_EVENTSTORE_URL='$(URL)' cargo test -p tests --test it -- log_conformance::eventstore_server --nocapture

bench: ## measure, with the optimised build
	@scripts/setup
	cargo run --release -p tests --bin bench

check: ## format, lints, documentation, licences and advisories
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo 'cargo deny check: skipped, cargo-deny is not installed (cargo install cargo-deny)'; fi
