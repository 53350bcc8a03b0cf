# make build | run | test | test-samples | test-microvm | bench | soak | clean
CONFIGURATION ?= Release
OUT := out
RID := $(shell uname -m | sed 's/x86_64/linux-x64/;s/aarch64/linux-arm64/')
PUBLISH := dotnet publish -c $(CONFIGURATION) -r $(RID) -v quiet --nologo

.PHONY: build run test test-samples test-microvm bench soak clean tools format

# Debian packages that a build and a sandbox of the host's tools need; see scripts/install-tools for what each is for.
tools:
	@scripts/install-tools build run

build: tools
	@echo "building the guest and the launcher (native)..."
	@$(PUBLISH) src/Porthole.Guest -o $(OUT)/guest
	@$(PUBLISH) src/Porthole.Launch -o $(OUT)/guest
	@echo "building porthole..."
	@$(PUBLISH) src/Porthole.Cli --self-contained false -o $(OUT)
	@rm -f $(OUT)/guest/*.dbg
	@echo "built $(OUT)/porthole"

run: build
	@scripts/run

test: tools
	@scripts/install-tools test images microvm
	@scripts/test

# The agents of samples/, each in a session; downloads their packages.
test-samples: build
	@scripts/install-tools test images
	@dotnet build -c $(CONFIGURATION) -v quiet --nologo tests/Porthole.EndToEnd.Tests
	@tests/samples/run

# The tests of shells, commands, sessions and survival once more, with microVMs around the sessions.
test-microvm: build
	@scripts/install-tools test images microvm
	@scripts/test-microvm

bench: build
	@bench/run
	@bench/run --only microvm --output out/bench/microvm.md

# Options as in tests/sdk/soak.mjs: make soak SOAK='--minutes 60'
soak: build
	@scripts/install-tools test
	@tests/sdk/run soak $(SOAK)

format:
	@dotnet format Porthole.slnx --verify-no-changes

clean:
	rm -rf $(OUT)
	find src tests bench samples -type d \( -name bin -o -name obj \) -prune -exec rm -rf {} +
