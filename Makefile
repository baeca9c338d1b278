# quorate. `make help` lists the targets.
# Variants build beside each other: `make BUILD=build-asan SANITIZE=address,undefined`.
BUILD ?= build
CC ?= cc
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)
, := ,
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $@)

DEPS := gcc make pkg-config libsodium-dev libnng-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler librocksdb-dev \
        libcyaml-dev libjansson-dev libcmocka-dev libcurl4-openssl-dev monitoring-plugins-basic nftables iproute2 mount procps jq busybox \
        spin tzdata openssl
DEPS_LINT := clang clang-format clang-tidy libclang-rt-14-dev

SANITIZE ?=
CFLAGS_ALL := -std=c17 -D_GNU_SOURCE -DQUORATE_VERSION='"$(VERSION)"' -O2 -g -fno-omit-frame-pointer -fstack-protector-strong \
              -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith \
              -I. -I$(BUILD) -MMD -MP $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all) $(CFLAGS)
LDFLAGS_ALL := -Wl,--as-needed $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
LIBS_CORE := -lsodium -lprotobuf-c -lcyaml -lpthread
LIBS_REPLICA := $(LIBS_CORE) -lnng -lrocksdb
LIBS_CLIENT := $(LIBS_CORE) -lnng -ljansson -lcurl

MAINS := replica/main.c client/main.c
ROOMS := base crypto proto checks replica/pbft replica/ledger replica client client/agent client/drill
SRCS := $(filter-out $(MAINS),$(foreach r,$(ROOMS),$(wildcard $(r)/*.c)))
OBJS := $(SRCS:%.c=$(BUILD)/%.o) $(BUILD)/proto/quorate.pb-c.o
LIB := $(BUILD)/libquorate.a
PROGRAMS := $(BUILD)/quorated $(BUILD)/quorate

UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
SIM_SRCS := $(wildcard tests/sim/*.c)
SIM := $(if $(SIM_SRCS),$(BUILD)/tests/sim/sim)

.PHONY: all help deps clean test sim mutants demo install lint format asan tsan tests
all: need-deps $(PROGRAMS) $(BUILD)/check_quorate $(BUILD)/quorate-disk.so

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | sort | expand -t 18

include deploy/deps.mk

$(BUILD)/quorated: $(BUILD)/replica/main.o $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_REPLICA)
$(BUILD)/quorate: $(BUILD)/client/main.o $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CLIENT)
$(BUILD)/check_quorate: $(BUILD)/quorate
	$(Q)ln -sf quorate $@

# Preloaded into the replicas of a drill, so it is a library of its own and knows nothing of the others.
$(BUILD)/quorate-disk.so: client/drill/preload/disk.c
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -shared -fPIC -o $@ $< -ldl

$(LIB): $(OBJS)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/proto/quorate.pb-c.c: proto/quorate.proto
	@mkdir -p $(@D)
	$(call say,PROTOC)
	$(Q)protoc-c --c_out=$(BUILD) $<
$(BUILD)/proto/quorate.pb-c.o: $(BUILD)/proto/quorate.pb-c.c
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-error -c -o $@ $<
$(OBJS): | $(BUILD)/proto/quorate.pb-c.c
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(LIB) -lcmocka $(LIBS_REPLICA) -ljansson -lcurl

$(BUILD)/tests/unit/test_drill_disk: $(BUILD)/quorate-disk.so
# These play the cluster behind the client library, and its time.
$(BUILD)/tests/unit/test_drill_live_%: LDFLAGS_ALL += $(addprefix -Wl$(,)--wrap=,client_call client_status client_alerts clock_mono clock_sleep \
    order_open order_check_key order_close)

# The simulator links its own signatures and digests (tests/sim/standin.c) before the archive, so sign.o and digest.o
# are never pulled in.
$(BUILD)/tests/sim/sim: $(SIM_SRCS:%.c=$(BUILD)/%.o) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_CORE)

tests: need-deps $(PROGRAMS) $(BUILD)/check_quorate $(BUILD)/quorate-disk.so $(UNITS) $(SIM)

include tests/e2e/e2e.mk tests/script/script.mk tests/oracle/oracle.mk
-include bench/bench.mk tests/model/model.mk tests/fuzz/fuzz.mk tests/mutants/mutants.mk deploy/install.mk deploy/lint.mk deploy/demo.mk

test: tests ## unit tests, simulator, house rules, end to end; closes with N passed, N failed
	BUILD=$(BUILD) tests/run

asan: ## every test again under AddressSanitizer and UndefinedBehaviorSanitizer
	$(MAKE) --no-print-directory test BUILD=build-asan SANITIZE=address,undefined SIM_SEEDS=$(or $(SEEDS),60)

TSAN_CC ?= clang
tsan: ## unit tests and end to end under ThreadSanitizer (needs clang); every report of a race is a failure
	$(MAKE) --no-print-directory test BUILD=build-tsan SANITIZE=thread CC=$(TSAN_CC)

.PHONY: drills
drills: all ## NAME=ci or all: real processes, real faults, a score card; JOBS=n
	$(BUILD)/quorate drill run $(or $(NAME),all) --sandbox $(if $(JOBS),--jobs $(JOBS)) --junit $(BUILD)/drills.xml

sim: $(SIM) ## SEEDS=n runs n seeds, SEED=x replays one with its trace; N=members BEHAVE=traitor LIE=observer BEYOND=1
	$(SIM) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),300)) $(if $(FROM),--from $(FROM)) $(if $(N),--n $(N)) \
	    $(if $(BEHAVE),--behave $(BEHAVE)) $(if $(LIE),--lie $(LIE)) $(if $(BEYOND),--beyond 1)

clean: ## removes what was built
	rm -rf build build-*

-include $(OBJS:.o=.d) $(BUILD)/replica/main.d $(BUILD)/client/main.d $(SIM_SRCS:%.c=$(BUILD)/%.d) $(wildcard $(BUILD)/tests/unit/*.d)
