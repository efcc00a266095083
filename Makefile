# Works with GNU make and BSD make.  etc/mkrules writes a rule a file, so that
# a new source needs no line here; objects go to $(O).
#
#   make                all programs
#   make check          every test (the same as sh regress/check)
#   make check-asan     the tests under ASan and UBSan
#   make demo, bench, fuzz FUZZ_SECONDS=n
#   make bench-overlay  32 real overlayds beside OpenDHT
#   make bench-sip      calls through sipgw beside Kamailio
#   make soak-sip MINUTES=60
#   make sim NODES=10000 STORED=100000 SEED=1 CHURN=50 MINUTES=60 KILL=30
#   make sim NODES=10000 STORED=100000 CHURN=0 KILL=0 MALICIOUS=20 EARLY=
#   make install DESTDIR=... PREFIX=...

PREFIX	= /usr/local
DESTDIR	=
O	= build
CC	= cc
YACC	= byacc
AR	= ar
OPT	= -O2 -g
SAN	=

WARN	= -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow \
	  -Wpointer-arith -Wcast-qual -Wsign-compare -Wconversion \
	  -Wimplicit-fallthrough -Wvla -Wformat=2
HARDEN	= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CPPFLAGS = -D_GNU_SOURCE -DLIBBSD_OVERLAY -isystem /usr/include/bsd \
	  -iquote common -iquote overlayd -iquote sipgw -iquote pvpd -iquote viprd -DVIPR_PREFIX=\"$(PREFIX)\"
CFLAGS	= -std=c11 $(OPT) $(WARN) $(HARDEN) $(SAN)
LDFLAGS	= -pie -Wl,-z,relro,-z,now $(SAN)
LIBS	= -levent_core -lssl -lcrypto -lsodium -llmdb -lseccomp -lcares -lexpat -lbsd

RULES	!= mkdir -p $(O) && sh etc/mkrules $(O) >$(O)/rules.new && { cmp -s $(O)/rules.new $(O)/rules.mk || mv $(O)/rules.new $(O)/rules.mk; }; echo ok

all: programs

include $(O)/rules.mk

programs: $(ALL)

tests: $(ALL) $(TESTS) $(FUZZ)

benches: $(ALL) $(BENCH)

check:
	sh regress/check

check-asan:
	sh regress/check -a

demo:
	sh regress/demo

bench:
	sh regress/bench

bench-overlay:
	sh regress/bench-overlay

bench-sip:
	sh regress/bench-sip

soak-sip:
	sh regress/soak-sip $(MINUTES)

fuzz:
	sh regress/fuzz

# The overlay in one process and in virtual time; see regress/sim/sim.c.
NODES	= 1000
STORED	= 10000
SEED	= 1
CHURN	= 50
MINUTES	= 60
KILL	= 30
SPLIT	= 0
LOOKUPS	= 0
LOSS	= 5
IDLE	= 10
MALICIOUS = 0
EARLY	=

sim: $(O)/regress/sim/sim
	GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
	    $(O)/regress/sim/sim -n $(NODES) -s $(STORED) -S $(SEED) -c $(CHURN) \
	    -m $(MINUTES) -k $(KILL) -p $(SPLIT) -l $(LOOKUPS) -L $(LOSS) -i $(IDLE) \
	    -x $(MALICIOUS) $(EARLY:1=-X)

# All of it below $(DESTDIR)$(PREFIX), the sample configuration in
# share/examples/vipr: nothing in /etc is touched.
DAEMONS	= overlayd pvpd sipgw
MANUALS	= viprd/*.[578] overlayd/*.8 pvpd/*.8 sipgw/*.8
D	= $(DESTDIR)$(PREFIX)

install: $(O)/viprd $(O)/viprctl $(O)/overlayd $(O)/pvpd $(O)/sipgw
	install -d $(D)/sbin $(D)/bin $(D)/libexec/vipr $(D)/share/man/man5 \
	    $(D)/share/man/man7 $(D)/share/man/man8 $(D)/share/examples/vipr \
	    $(D)/lib/systemd/system $(D)/lib/sysusers.d $(D)/lib/tmpfiles.d
	install -m 755 $(O)/viprd $(D)/sbin/viprd
	install -m 755 $(O)/viprctl $(D)/bin/viprctl
	for p in $(DAEMONS); do install -m 755 $(O)/$$p $(D)/libexec/vipr/$$p || exit 1; done
	for m in $(MANUALS); do \
	    install -m 644 $$m $(D)/share/man/man$${m##*.}/ || exit 1; done
	for f in viprd.conf vipr.rsyslog vipr.logrotate; do \
	    install -m 644 etc/$$f $(D)/share/examples/vipr/$$f || exit 1; done
	install -m 644 etc/rtpengine/rtpengine.conf $(D)/share/examples/vipr/rtpengine.conf
	install -d $(D)/share/examples/vipr/kamailio
	install -m 644 etc/kamailio/redirect.cfg \
	    $(D)/share/examples/vipr/kamailio/redirect.cfg
	for f in filter.d jail.d; do \
	    install -d $(D)/share/examples/vipr/fail2ban/$$f && \
	    install -m 644 etc/fail2ban/$$f/vipr.conf \
	    $(D)/share/examples/vipr/fail2ban/$$f/vipr.conf || exit 1; done
	install -m 755 etc/rc.d/viprd $(D)/share/examples/vipr/rc.viprd
	sed 's,@PREFIX@,$(PREFIX),g' etc/viprd.service >$(O)/viprd.service
	install -m 644 $(O)/viprd.service $(D)/lib/systemd/system/viprd.service
	install -m 644 etc/vipr.sysusers $(D)/lib/sysusers.d/vipr.conf
	install -m 644 etc/vipr.tmpfiles $(D)/lib/tmpfiles.d/vipr.conf

uninstall:
	rm -f $(D)/sbin/viprd $(D)/bin/viprctl \
	    $(D)/lib/systemd/system/viprd.service \
	    $(D)/lib/sysusers.d/vipr.conf $(D)/lib/tmpfiles.d/vipr.conf
	for m in $(MANUALS); do \
	    rm -f $(D)/share/man/man$${m##*.}/$${m##*/} || exit 1; done
	rm -rf $(D)/libexec/vipr $(D)/share/examples/vipr

clean:
	rm -rf build build-*

.PHONY: all programs tests benches check check-asan demo bench bench-overlay bench-sip soak-sip fuzz sim clean install uninstall
