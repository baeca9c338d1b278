# Programs that put load on a real cluster.
BENCH_TOOLS := $(BUILD)/bench/load
$(BUILD)/bench/%: bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(LIB) $(LIBS_CORE) -lnng
tests: $(BENCH_TOOLS)
-include $(wildcard $(BUILD)/bench/*.d)
