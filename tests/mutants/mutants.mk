# `make mutants`: every rule of tests/mutants/list broken once, and each break must be noticed.
.PHONY: mutants
mutants: need-deps $(LIB) $(SIM_SRCS:%.c=$(BUILD)/%.o) ## ONLY=a,b JOBS=n: breaks one rule at a time; a break that no test sees fails
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" SANITIZE="$(SANITIZE)" tests/mutants/run $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS)) $(if $(TAP),--tap)

.PHONY: drills-broken
drills-broken: need-deps $(LIB) $(SIM_SRCS:%.c=$(BUILD)/%.o) ## builds that are broken on purpose, each played by all drills; an hour
	@BUILD=$(abspath $(BUILD)) CC="$(CC)" SANITIZE="$(SANITIZE)" tests/mutants/run --every-drill $(if $(ONLY),--only $(ONLY))
