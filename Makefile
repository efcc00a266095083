# Works with GNU make and BSD make.  etc/mkrules writes a rule a file, so that
# a new source needs no line here; objects go to $(O).
#
#   make                all programs
#   make check          every test (the same as sh regress/check)
#   make check-asan     the tests under ASan and UBSan
#   make demo, bench, fuzz FUZZ_SECONDS=n
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

fuzz:
	sh regress/fuzz

clean:
	rm -rf build build-*

.PHONY: all programs tests benches check check-asan demo bench fuzz clean install
