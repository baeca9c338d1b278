# Programs that put load on a real cluster, and one that times an apply without any.
BENCH_TOOLS := $(BUILD)/bench/load $(BUILD)/bench/rude $(BUILD)/bench/objects
$(BUILD)/bench/%: bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(LIB) $(LIBS_CORE) -lnng
tests: $(BENCH_TOOLS)

.PHONY: bench-attacks
bench-attacks: $(PROGRAMS) $(BENCH_TOOLS) ## what one traitor costs, attack by attack: ONLY=a,b ROUNDS=n PHASE=seconds JSON=1
	BUILD=$(BUILD) bench/attacks $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(PHASE),--phase $(PHASE)) $(if $(JSON),--json)
.PHONY: bench-objects
bench-objects: $(BUILD)/bench/objects ## what an apply costs, step by step: HOSTS=n SERVICES=n of each host
	$(BUILD)/bench/objects $(or $(HOSTS),1000) $(or $(SERVICES),20)
-include $(wildcard $(BUILD)/bench/*.d)
