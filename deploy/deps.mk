# Installing what the build, the demo and the tests need (Debian, Ubuntu). Nothing is asked; nothing is started.
need-deps: $(BUILD)/.deps
$(BUILD)/.deps: Makefile deploy/deps.mk
	@mkdir -p $(@D)
	@missing=$$(dpkg-query -W -f '$${Package} $${Status}\n' $(DEPS) 2>/dev/null | awk '/ok installed$$/ {print $$1}' | sort > $(BUILD)/.have; \
	  printf '%s\n' $(DEPS) | sort | comm -23 - $(BUILD)/.have); \
	if [ -n "$$missing" ]; then $(MAKE) --no-print-directory deps; fi
	@touch $@
deps: ## installs the Debian packages that building, demo and tests need
	DEBIAN_FRONTEND=noninteractive apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEPS)
.PHONY: need-deps deps
