# `make fuzz SECONDS=n`: each fuzzer for n seconds under ASan and UBSan, from seeds made of the golden bytes. A finding
# is kept as $(BUILD)/fuzz/NAME-crash-* and fails the target. Needs clang (DEPS_LINT).
FUZZ_CC ?= clang
FUZZ_SECONDS := $(or $(SECONDS),20)
FUZZ_ROOMS ?= base crypto proto checks
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_SEEDS := $(FUZZ_BUILD)/seeds/.made

.PHONY: fuzz fuzzers
fuzz: fuzzers $(FUZZ_SEEDS) ## SECONDS=n: libFuzzer on every decoder, n seconds each
	@failed=0; for f in $(FUZZERS); do mkdir -p $(FUZZ_BUILD)/corpus-$$f; \
	  if $(FUZZ_BUILD)/tests/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -rss_limit_mb=2048 -timeout=10 \
	    -artifact_prefix=$(FUZZ_BUILD)/$$f- $(FUZZ_BUILD)/corpus-$$f $(FUZZ_BUILD)/seeds > $(FUZZ_BUILD)/$$f.log 2>&1; \
	  then echo "$$f: $(FUZZ_SECONDS) s, $$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' $(FUZZ_BUILD)/$$f.log) inputs tried," \
	    "$$(ls $(FUZZ_BUILD)/corpus-$$f | wc -l) kept, no finding"; \
	  else failed=1; tail -40 $(FUZZ_BUILD)/$$f.log; echo "$$f: a finding, kept as $(FUZZ_BUILD)/$$f-*"; fi; done; \
	  [ $$failed = 0 ]

# The rooms are built once more beside the others, instrumented.
fuzzers:
	$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) BUILD=$(FUZZ_BUILD) CC=$(FUZZ_CC) \
	  SANITIZE=address,undefined ROOMS="$(FUZZ_ROOMS)" CFLAGS="$(CFLAGS) -fsanitize=fuzzer-no-link" \
	  $(FUZZERS:%=$(FUZZ_BUILD)/tests/fuzz/%)

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,FUZZ)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(LIB) $(LIBS_CORE)

# The corpus starts from the golden bytes, so it speaks the format of this commit.
$(FUZZ_SEEDS): $(wildcard tests/vectors/*.hex)
	@mkdir -p $(@D)
	@for v in $^; do python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' \
	  < $$v > $(@D)/$$(basename $$v .hex) || exit 1; done
	@touch $@
