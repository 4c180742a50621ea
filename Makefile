# What the project is tested with, pinned; everything lands in target/.
OPENAPI_VERSION := 23.0.2
OPENAPI_SHA256 := 71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c
OPENAPI := target/openapi/api.github.com.json

.PHONY: test lint doc bless cases broken

# Every test.
test: $(OPENAPI)
	cargo test --locked

# Format and lints; warnings are errors.
lint:
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings

# The documentation of the code, without a warning.
doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

# Writes down anew what comes of every story (fixtures/*/*/expected.json). Outcome, status and reasons stay as they are written in
# story.toml, and `git diff` shows the rest.
bless: $(OPENAPI)
	BLESS=1 cargo test --locked --test tests corpus::

# Plays a catalogue of cases against the built function: make cases CASES=path
cases:
	CASES="$(abspath $(CASES))" cargo test --locked --test tests cases:: -- --ignored --nocapture

# Breaks each invariant with a patch and sees the named test fail.
broken: $(OPENAPI)
	bash tests/broken/run

# GitHub's own description of its API.
$(OPENAPI): Makefile
	mkdir -p $(@D)
	cd $(@D) && npm pack --silent @octokit/openapi@$(OPENAPI_VERSION) >/dev/null
	cd $(@D) && echo "$(OPENAPI_SHA256)  octokit-openapi-$(OPENAPI_VERSION).tgz" | sha256sum --check --quiet
	tar -xzf $(@D)/octokit-openapi-$(OPENAPI_VERSION).tgz -C $(@D) --strip-components=2 package/generated/$(@F)
	rm $(@D)/octokit-openapi-$(OPENAPI_VERSION).tgz
	touch $@
