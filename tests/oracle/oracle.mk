# `make oracle`: Debian's nagios4 and checks/ on the same results. `make deps-test` fetches nagios4's two packages and
# unpacks them under the build directory: nothing is installed, nothing is started.
NAGIOS := $(BUILD)/nagios4
NAGIOS_PACKAGES := nagios4-core nagios4-common
ORACLE_SRCS := $(filter-out tests/oracle/clock.c,$(wildcard tests/oracle/*.c))
ORACLE := $(BUILD)/tests/oracle/oracle
ORACLE_CLOCK := $(BUILD)/tests/oracle/clock.so

.PHONY: oracle deps-test need-deps-test
deps-test: need-deps-test ## fetches the Debian packages that only tests need, into the build directory
need-deps-test: $(NAGIOS)/.unpacked
$(NAGIOS)/.unpacked:
	@mkdir -p $(@D)/packages
	$(call say,FETCH)
	$(Q)cd $(@D)/packages && rm -f *.deb && { apt-get download -q $(NAGIOS_PACKAGES) || \
	  { apt-get update -q && apt-get download -q $(NAGIOS_PACKAGES); }; } > fetch.log 2>&1 || { cat fetch.log; exit 1; }
	$(Q)for deb in $(@D)/packages/*.deb; do dpkg-deb -x $$deb $(@D) || exit 1; done
	@touch $@

oracle: need-deps need-deps-test $(ORACLE) $(ORACLE_CLOCK) ## SEQUENCES=200 SEED=1: checks/ and a real nagios4 on the same results, event by event
	$(ORACLE) --nagios $(NAGIOS)/usr/sbin/nagios4 --clock $(abspath $(ORACLE_CLOCK)) --sequences $(or $(SEQUENCES),200) \
	  --seed $(or $(SEED),1) $(if $(RESULTS),--results $(RESULTS)) $(if $(JOBS),--jobs $(JOBS)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(KEEP),--keep)
$(ORACLE): $(ORACLE_SRCS:%.c=$(BUILD)/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CORE)
$(ORACLE_CLOCK): tests/oracle/clock.c
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $<
tests: need-deps-test $(ORACLE) $(ORACLE_CLOCK)
-include $(ORACLE_SRCS:%.c=$(BUILD)/%.d)
