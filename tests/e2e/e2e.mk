# What the end-to-end tests need beside the programs.
E2E_TOOLS := $(BUILD)/tests/e2e/check_record $(BUILD)/tests/e2e/two_faced $(BUILD)/tests/e2e/garbage \
             $(BUILD)/tests/e2e/rot $(BUILD)/tests/e2e/receiver
$(BUILD)/tests/e2e/%: tests/e2e/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(LIB) $(LIBS_REPLICA)
tests: $(E2E_TOOLS)
-include $(wildcard $(BUILD)/tests/e2e/*.d)

.PHONY: endurance away
endurance: tests ## kill -9 of each replica in turn under load, for SECONDS=300
	BUILD=$(BUILD) tests/e2e/endurance $(SECONDS)
away: tests ## a replica that was away for BATCHES=10000 comes back under load
	BUILD=$(BUILD) tests/e2e/away $(BATCHES)
