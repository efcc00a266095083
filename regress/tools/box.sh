# SPDX-License-Identifier: ISC
#
# What tests with whole processes share: where programs are, patience, and one
# box without an overlay in the folder of the test.

: "${VIPRD_WAIT:=300}"		# tenths of a second

bin() {
	echo "$(atf_get_srcdir)/../../$1"
}

# Shown when a test waits in vain.
logs() {
	cat log
}

wait_until() {
	_n=0
	until "$@" >/dev/null 2>&1; do
		_n=$((_n + 1))
		if [ $_n -gt "$VIPRD_WAIT" ]; then
			logs >&2 || true
			atf_fail "waited in vain: $*"
		fi
		sleep 0.1
	done
}

# box_config DOMAIN LAST LINES-IN-SIP LINES: viprd.conf, on an address below
# 127/8 that no other test uses at the same time and that ends in LAST.
box_config() {
	addr=127.$(($$ / 250 % 250 + 1)).$(($$ % 250 + 1)).$2
	mkdir -p state
	cat >viprd.conf <<-END
		domain "$1"
		data "$PWD/state"
		control socket "$PWD/ctl.sock"
		master key "$PWD/master"
		sip {
			listen inside on $addr port 5060 udp
			pbx "pbx" at $addr port 5070 udp ping no
			trunk "pstn" at $addr port 5080 udp ping no${3:+
			$3}
		}
		numbers { +14085550100 to +14085550199 }
		$4
	END
	viprd=$(bin viprd)
	for _p in "$viprd" "$(bin viprctl)" "$(bin sipgw)"; do
		[ -x "$_p" ] || atf_skip "$_p is not built"
	done
}

ready_or_dead() {
	grep -q '\]: ready' log || [ ! -e /proc/"$(cat pid)" ]
}

# box_start [ARG ...]: in the foreground, and ready, or it has ended.
box_start() {
	: >log
	"$viprd" -d -v -f "$PWD/viprd.conf" "$@" >>log 2>&1 &
	echo $! >pid
	wait_until ready_or_dead
}

# atf_check runs programs, not functions: ./ctl is viprctl for this box.
box_ctl() {
	printf '#!/bin/sh\nexec "%s" -s "%s" "$@"\n' "$(bin viprctl)" \
	    "$PWD/ctl.sock" >ctl
	chmod 755 ctl
}

box_end() {
	for _f in pid pid2 sink.pid; do
		[ ! -f $_f ] || kill "$(cat $_f)" 2>/dev/null || true
	done
}

# A test case after which nothing goes on running.
tc() {
	atf_test_case "$1" cleanup
	eval "$1_cleanup() { box_end; }"
}
