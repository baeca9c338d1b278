# `make lint` changes nothing and says nothing when all is well; `make format` puts every C file into the house's form.
# Each file is analysed again only when it or a header that it includes has changed.
LINT_DIRS := base crypto proto checks replica client tests bench
LINT_ALL := $(shell find $(LINT_DIRS) -name '*.[ch]' 2>/dev/null | sort)
LINT_SRCS := $(filter-out tests/unit/% tests/fuzz/%,$(filter %.c,$(LINT_ALL)))

.PHONY: lint lint-tools lint-format format
lint: lint-tools lint-format $(LINT_SRCS:%.c=$(BUILD)/lint/%.ok) ## clang-tidy, clang-format and the rules of tests/tidy
	@tests/tidy > $(BUILD)/lint/tidy.log || { grep -A20 '^not ok' $(BUILD)/lint/tidy.log; exit 1; }

lint-tools:
	@missing=$$(for p in $(DEPS_LINT); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	  [ -z "$$missing" ] || { echo "quorate: lint: not installed: $$missing: apt-get install them"; exit 1; }

lint-format:
	$(Q)clang-format --dry-run -Werror $(LINT_ALL)

$(BUILD)/lint/%.ok: %.c .clang-tidy | $(BUILD)/proto/quorate.pb-c.c
	@mkdir -p $(@D)
	$(call say,LINT)
	$(Q)clang-tidy --quiet $< -- $(filter-out -fsanitize% -MMD -MP,$(CFLAGS_ALL)) 2> $(@:.ok=.log) || { cat $(@:.ok=.log); exit 1; }
	@$(CC) -I. -I$(BUILD) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

format: ## clang-format over all C files
	clang-format -i $(LINT_ALL)

-include $(LINT_SRCS:%.c=$(BUILD)/lint/%.d)
