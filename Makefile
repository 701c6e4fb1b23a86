# Thin targets: what each does is in the command it runs.

.PHONY: demo test oracle check soak bench bench-chaos bench-pressed bench-peers join

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
ORACLE := $(TARGET)/oracle
GATEWAYS := $(TARGET)/gateways

demo:
	cargo run --quiet --locked --package hedui -- demo $(ARGS)

test:
	cargo test --locked --workspace
	$(MAKE) oracle

# Built as the tests are, so that nothing is built twice.
oracle: $(ORACLE)/ready
	cargo test --quiet --locked --workspace --no-run
	HEDUI=$(TARGET)/debug/hedui ORACLE_OUT=$(ORACLE) PYTHONPYCACHEPREFIX=$(ORACLE)/pycache \
	$(ORACLE)/venv/bin/python -m pytest -q -p no:cacheprovider tests/oracle

$(ORACLE)/ready: tests/oracle/requirements.txt tests/oracle/install.sh
	mkdir -p $(ORACLE)
	tests/oracle/install.sh $(ORACLE)
	touch $@

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --offline check bans licenses sources

# What tests do a few times, many times.
soak:
	HEDUI_KILLS=200 cargo test --locked --package hedui --test it -- twenty_kills
	HEDUI_SEEDS=20000 cargo test --locked --package hedui --lib -- simulation

# Two departments nobody has seen, from `adapter new` to conformance L2 and a verdict: the time and the lines.
join:
	cargo test --locked --package hedui --test it -- joining --nocapture

bench:
	cargo bench --locked --bench gateway -- $(ARGS)
	cargo bench --locked --bench verdict -- $(ARGS)
	cargo bench --locked --bench access_log -- $(ARGS)

# Hive Router takes a long time to build: cargo install hive-router --version 0.3.10 --locked --features graphiql --bin hive_router --root $(GATEWAYS)
$(GATEWAYS)/ready: benches/gateway/peers/package.json benches/gateway/peers/apollo.mjs
	mkdir -p $(GATEWAYS)
	cp benches/gateway/peers/package.json benches/gateway/peers/apollo.mjs $(GATEWAYS)
	cd $(GATEWAYS) && npm install --no-package-lock --ignore-scripts --no-audit --no-fund
	touch $@

# In full, on a quiet machine: make bench-chaos ARGS="seconds=60"
bench-chaos:
	cargo bench --locked --bench gateway -- chaos $(ARGS)

bench-pressed:
	cargo bench --locked --bench gateway -- overload
	cargo bench --locked --bench gateway -- shared

# Not --locked: what Hedui depends on changes without benches/peers/Cargo.lock.
bench-peers: $(ORACLE)/ready $(GATEWAYS)/ready
	cargo bench --locked --bench gateway -- peers $(GATEWAYS)
	cargo run --release --manifest-path benches/peers/Cargo.toml --target-dir $(TARGET) -- $(ORACLE)/venv/bin/python $(ARGS)
