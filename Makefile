# The few commands there are. `make` alone lists them.

.POSIX:
.PHONY: help demo test bench check

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: ## install what is missing, build, start with demo creators, and say where to look
	@scripts/setup
	cargo build --release
	@exec "$${CARGO_TARGET_DIR:-target}/release/social-ledger" demo

test: ## everything that proves it
	@scripts/setup
	cargo test --workspace

bench: ## measure, with the optimised build
	@scripts/setup
	cargo run --release -p tests --bin bench

check: ## format, lints, documentation, licences and advisories
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo 'cargo deny check: skipped, cargo-deny is not installed (cargo install cargo-deny)'; fi
