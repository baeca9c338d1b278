# The main job as a story with real processes.
.PHONY: demo
demo: need-deps $(PROGRAMS) ## the main job as a story of about a minute; KEEP=1 leaves the cluster running
	@BUILD=$(BUILD) KEEP=$(KEEP) deploy/demo
