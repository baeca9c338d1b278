# `make fuzz SECONDS=n`: each door for n seconds under ASan and UBSan, from its kept corpus and the golden bytes. A
# finding is kept as $(BUILD)/fuzz/NAME-crash-* and fails the target. Needs clang (DEPS_LINT).
# `make fuzz-keep`: what a run found is boiled down into tests/fuzz/corpus/, which `make test` replays.
# `make fuzz-coverage`: which branches of the decoders that corpus reaches. Needs llvm.
FUZZ_CC ?= clang
FUZZ_SECONDS := $(or $(SECONDS),20)
FUZZ_SANITIZE ?= address,undefined
FUZZ_ROOMS ?= base crypto proto checks replica/pbft replica/ledger replica client client/agent
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
DOORS ?= $(FUZZERS:fuzz_%=%)
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_SEEDS := $(FUZZ_BUILD)/seeds/.made
FUZZ_LIMITS := -max_len=65536 -rss_limit_mb=2048 -timeout=10
REPLAYS := $(FUZZERS:fuzz_%=$(BUILD)/tests/fuzz/replay_%)
NODE_PARTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/node_*.c) tests/sim/standin.c tests/sim/sim_disk.c)

.PHONY: fuzz fuzzers fuzz-keep fuzz-coverage
fuzz: fuzzers $(FUZZ_SEEDS) ## SECONDS=n DOORS="frame op ...": libFuzzer on every door, n seconds each
	@failed=0; for d in $(DOORS); do f=fuzz_$$d; mkdir -p $(FUZZ_BUILD)/corpus-$$d tests/fuzz/corpus/$$d; \
	  dict=$$(ls tests/fuzz/$$d.dict 2>/dev/null); \
	  if $(FUZZ_BUILD)/tests/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) $(FUZZ_LIMITS) $${dict:+-dict=$$dict} \
	    -artifact_prefix=$(FUZZ_BUILD)/$$f- $(FUZZ_BUILD)/corpus-$$d tests/fuzz/corpus/$$d $(FUZZ_BUILD)/seeds \
	    > $(FUZZ_BUILD)/$$f.log 2>&1; \
	  then echo "$$f: $(FUZZ_SECONDS) s, $$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' $(FUZZ_BUILD)/$$f.log) inputs tried," \
	    "$$(ls $(FUZZ_BUILD)/corpus-$$d | wc -l) kept, no finding"; \
	  else failed=1; tail -40 $(FUZZ_BUILD)/$$f.log; echo "$$f: a finding, kept as $(FUZZ_BUILD)/$$f-*"; fi; done; \
	  [ $$failed = 0 ]

# The rooms are built once more beside the others, instrumented.
fuzzers:
	$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) BUILD=$(FUZZ_BUILD) CC=$(FUZZ_CC) \
	  SANITIZE=$(FUZZ_SANITIZE) ROOMS="$(FUZZ_ROOMS)" CFLAGS="$(CFLAGS) -fsanitize=fuzzer-no-link" \
	  $(FUZZERS:%=$(FUZZ_BUILD)/tests/fuzz/%)

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIB)
	$(call say,FUZZ)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(LIB) $(LIBS_CLIENT)
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIB) $(LIBS_CLIENT)
$(BUILD)/tests/fuzz/fuzz_node $(BUILD)/tests/fuzz/replay_node: $(NODE_PARTS)
tests: $(REPLAYS)
.SECONDARY: $(FUZZERS:%=$(BUILD)/tests/fuzz/%.o) $(BUILD)/tests/fuzz/replay.o
-include $(wildcard $(BUILD)/tests/fuzz/*.d)

# The golden bytes speak the format of this commit.
$(FUZZ_SEEDS): $(wildcard tests/vectors/*.hex)
	@mkdir -p $(@D)
	@for v in $^; do python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' \
	  < $$v > $(@D)/$$(basename $$v .hex) || exit 1; done
	@touch $@

# The fewest inputs that reach what runs reached. Inputs with a name of their own stay, those named by libFuzzer go when
# others do their work.
fuzz-keep: fuzzers $(FUZZ_SEEDS) ## DOORS="...": boils down what was found into tests/fuzz/corpus/
	@for d in $(DOORS); do kept=tests/fuzz/corpus/$$d; new=$(FUZZ_BUILD)/merged-$$d log=$(FUZZ_BUILD)/merge-$$d.log; \
	  rm -rf $$new; mkdir -p $$new $(FUZZ_BUILD)/corpus-$$d $$kept; \
	  $(FUZZ_BUILD)/tests/fuzz/fuzz_$$d -set_cover_merge=1 -use_counters=0 -max_len=4096 -timeout=10 $$new $$kept \
	    $(FUZZ_BUILD)/corpus-$$d $(FUZZ_BUILD)/seeds > $$log 2>&1 || { tail $$log; exit 1; }; \
	  find $$kept -regextype egrep -regex '.*/[0-9a-f]{40}' -delete; cp -n $$new/* $$kept/; \
	  echo "$$d: $$(ls $$kept | wc -l) inputs, $$(du -sb $$kept | cut -f1) bytes"; done

# The doors, each with the files whose branches it answers for. llvm is no part of DEPS: only this target needs it.
COVER_BUILD := $(BUILD)/coverage
fuzz-coverage: ## branch coverage of the decoders by the kept corpus
	@command -v llvm-cov >/dev/null && command -v llvm-profdata >/dev/null || \
	  { echo "quorate: fuzz-coverage: llvm-cov and llvm-profdata are not installed: apt-get install llvm clang"; exit 1; }
	@$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) BUILD=$(COVER_BUILD) CC=$(FUZZ_CC) \
	  ROOMS="$(FUZZ_ROOMS)" CFLAGS="$(CFLAGS) -fprofile-instr-generate -fcoverage-mapping" LDFLAGS=-fprofile-instr-generate \
	  $(FUZZERS:fuzz_%=$(COVER_BUILD)/tests/fuzz/replay_%)
	@BUILD=$(COVER_BUILD) SEEDS=$(FUZZ_BUILD)/seeds tests/fuzz/coverage $(DOORS)
fuzz-coverage: $(FUZZ_SEEDS)
