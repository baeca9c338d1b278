# `make install DESTDIR= PREFIX=`: programs, units and an empty /etc/quorate. The system user is made, and systemd told,
# only on a live system (DESTDIR empty); a package does both in its own scripts from deploy/quorate.sysusers.
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
UNITS_SYSTEMD := quorated@.service quorate-agent.service quorate-notify.service

install: all ## programs, units and /etc/quorate; DESTDIR= and PREFIX= as usual
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(SYSCONFDIR)/quorate
	install -m 0755 $(BUILD)/quorated $(BUILD)/quorate $(DESTDIR)$(PREFIX)/bin/
	ln -sf quorate $(DESTDIR)$(PREFIX)/bin/check_quorate
	install -d $(DESTDIR)$(PREFIX)/lib/quorate
	install -m 0644 $(BUILD)/quorate-disk.so $(DESTDIR)$(PREFIX)/lib/quorate/
	for unit in $(UNITS_SYSTEMD); do \
	  sed 's|@BINDIR@|$(PREFIX)/bin|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' deploy/$$unit > $(DESTDIR)$(UNITDIR)/$$unit && \
	  chmod 0644 $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	install -m 0644 deploy/quorate.sysusers $(DESTDIR)$(SYSUSERSDIR)/quorate.conf
	[ -n "$(DESTDIR)" ] || deploy/make-user
	[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
