# Thin targets: what each does is in the command it runs.

.PHONY: demo test check bench

demo:
	cargo run --quiet --locked --package hedui -- demo $(ARGS)

test:
	cargo test --locked --workspace

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --offline check bans licenses sources

bench:
	cargo bench --locked --bench gateway -- $(ARGS)
	cargo bench --locked --bench verdict -- $(ARGS)
	cargo bench --locked --bench access_log -- $(ARGS)
