# The stories of the protocol: `make script`, `make script SCRIPT=NAME`; build/tests/script/script --write.
SCRIPT_SRCS := $(wildcard tests/script/*.c)
SCRIPTS := $(BUILD)/tests/script/script
.PHONY: script
script: $(SCRIPTS) ## SCRIPT=name: the stories of the protocol, with their golden traces
	$(SCRIPTS) $(SCRIPT)
$(SCRIPTS): $(SCRIPT_SRCS:%.c=$(BUILD)/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lcmocka $(LIBS_CORE)
tests: $(SCRIPTS)
-include $(SCRIPT_SRCS:%.c=$(BUILD)/%.d)
