# `make model`: the slot model, searched by Spin (tests/model/run). VIEWS=4 searches one view more.
.PHONY: model
model: need-deps ## VIEWS=3|4: every state of one slot over view changes; each broken rule must break agreement
	@CC="$(CC)" VIEWS=$(or $(VIEWS),3) tests/model/run
