# SPDX-License-Identifier: ISC
#
# What really goes over the links: boxes of an overlay join, publish, look up and
# leave while their packets are captured; with the key log of a trial tshark
# decrypts them, and its RELOAD dissectors read every frame.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"
. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/tshark.sh"

# capture_start: our links only, and from now on.
capture_start() {
	dumpcap -q -i lo -f "net $net.0/24 and tcp port 6084" -w all.pcapng \
	    >dumpcap.log 2>&1 &
	echo $! >dumpcap.pid
	_n=0
	until grep -q '^File: ' dumpcap.log; do
		_n=$((_n + 1))
		if [ $_n -gt 100 ] || ! kill -0 "$(cat dumpcap.pid)" 2>/dev/null; then
			atf_skip "capturing is not possible here: $(grep -v '^Capturing' dumpcap.log | head -n 1)"
		fi
		sleep 0.1
	done
}

capture_stop() {
	sleep 1		# dumpcap has its packets in batches
	kill "$(cat dumpcap.pid)"
	wait "$(cat dumpcap.pid)" || true
	rm -f dumpcap.pid
	atf_check -o match:'received/dropped on interface .*/0 ' cat dumpcap.log
}

# Reads what "follow" shows: a line of hex for a piece, indented when it comes
# from the other side.  Writes the frames: NAME HEX; the name begins with the
# message code, as the exceptions of tshark.sh want it.
frames_awk() {
	cat <<-'END'
	function hex(s,   i, v) {
		for (i = 1; i <= length(s); i++)
			v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
		return (v)
	}
	function code(f,   lists) {
		if (substr(f, 17, 8) != "d2454c4f") return ("none")
		lists = hex(substr(f, 81, 4)) + hex(substr(f, 85, 4)) + hex(substr(f, 89, 4))
		return (substr(f, 17 + 2 * (38 + lists), 4))
	}
	function take(side,   n, b) {
		b = left[side]
		while (length(b) >= 18) {
			if (substr(b, 1, 2) == "81") n = 9
			else if (substr(b, 1, 2) == "80") n = 8 + hex(substr(b, 11, 6))
			else { print "what-is-this", b; b = ""; break }
			if (length(b) < 2 * n) break
			print (n == 9 && substr(b, 1, 2) == "81" ? "ack" : code(b)) "-" \
			    stream "-" ++count ".framed", substr(b, 1, 2 * n)
			b = substr(b, 2 * n + 1)
		}
		left[side] = b
	}
	/^Filter: tcp.stream eq / { stream = $NF; left[0] = left[1] = "" }
	/^\t[0-9a-f]+$/ { left[1] = left[1] substr($0, 2); take(1) }
	/^[0-9a-f]+$/ { left[0] = left[0] $0; take(0) }
	/^===/ && stream != "" && left[0] left[1] != "" { print "cut", left[0] left[1] }
	END
}

# split: the frames of all links so far to the file all.
split() {
	_o="-o tls.keylog_file:keys -d tcp.port==6084,tls"
	# shellcheck disable=SC2086
	tshark -r all.pcapng $_o -T fields -e tcp.stream 2>/dev/null | sort -nu >streams
	frames_awk >frames.awk
	while read -r _s; do
		# shellcheck disable=SC2086
		tshark -q -r all.pcapng $_o -z "follow,tls,raw,$_s" 2>/dev/null
	done <streams | awk -f frames.awk >all
}

# frames: all that the links carried, a packet a frame in links.pcap, and names.
# tshark 4.0 takes only the first frame of a segment, so each gets its own.
frames() {
	split
	atf_check -s exit:1 -o empty grep -e ^what -e ^cut -e ^none all
	# An ack is known as one once its conversation is.
	grep -v ^ack all >frames
	grep ^ack all >>frames
	sed 's/ .*//' frames >names
	sed 's/.* //; s/../& /g; s/^/0000 /' frames >hex
	atf_check -o ignore -e ignore text2pcap -q -u 40001,40000 hex links.pcap
}

# has CODE ...: at least one of each was seen.
has() {
	for _c; do
		grep -q "^$_c-" names || atf_fail "no message $_c was captured"
	done
}

# A neighbour that is silent for half a minute is asked.
pinged() {
	_m=0
	until split && grep -q ^0018- all; do
		_m=$((_m + 1))
		[ $_m -lt 30 ] || atf_fail "no Ping in two minutes"
		sleep 4
	done
}

atf_test_case links cleanup
links_head() {
	atf_set descr "tshark decrypts the links of real boxes and reads each byte"
	atf_set require.progs dumpcap tshark text2pcap
	atf_set require.user root
	atf_set timeout 300
}
links_body() {
	setup 3
	capture_start
	SSLKEYLOGFILE=$PWD/keys
	export SSLKEYLOGFILE
	start 1 2 3
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until published $b 8
	done
	for b in 1 2 3; do
		wait_until claims $b +14085552003 2
		wait_until unclaimed $b +14085559999
	done
	pinged
	stop 3
	wait_until joined 1 1
	stop 2 1
	capture_stop
	atf_check -o match:'^600$' stat -c %a keys
	atf_check -o match:'^[A-Z_0-9]* [0-9a-f]{64} [0-9a-f]{64,96}$' cat keys
	atf_check -o ignore grep 'TLS secrets of the overlay.s links are written' n1/log
	frames
	# Attach, Store, Fetch, Join, Leave, Update, Ping, each with its answer.
	has 0003 0004 0007 0008 0009 000a 000f 0010 0011 0012 0013 0014 0017 0018 ack
	inspect links.pcap names -d udp.port==40000,reload-framing
}
links_cleanup() {
	[ ! -f dumpcap.pid ] || kill "$(cat dumpcap.pid)" 2>/dev/null || true
	finish
}

# Without both -u and -d nothing is written, whatever is asked for.
atf_test_case nowhere_else cleanup
nowhere_else_head() {
	atf_set descr "no key log outside of a trial"
	atf_set require.user root
	atf_set timeout 120
}
nowhere_else_body() {
	setup 2
	SSLKEYLOGFILE=$PWD/keys
	export SSLKEYLOGFILE
	: >keys
	chmod 600 keys
	# -u alone: it goes to the background and logs to syslog.
	for b in 1 2; do
		"$viprd" -u -f "$PWD/n$b/viprd.conf" >n$b/log 2>&1 || atf_fail "$(cat n$b/log)"
		atf_check -o match:'SSLKEYLOGFILE is set and ignored' cat n$b/log
		wait_until ctl $b show
		pid_of $b viprd >n$b/pid
	done
	for b in 1 2; do
		wait_until joined $b 1
		wait_until published $b 8
		for _f in /proc/"$(pid_of $b overlayd)"/fd/*; do
			case $(readlink "$_f") in
			*/keys) atf_fail "overlayd of n$b holds the key log" ;;
			esac
		done
	done
	atf_check test ! -s keys
	for b in 1 2; do
		kill "$(cat n$b/pid)"
		wait_until test ! -e n$b/ctl
	done
	# -d alone: with users, chroot and all.
	if getent passwd _overlayd >/dev/null; then
		rm -rf n1/state
		"$viprd" -d -f "$PWD/n1/viprd.conf" >n1/log 2>&1 &
		echo $! >n1/pid
		wait_until joined 1 0
		atf_check -o match:'SSLKEYLOGFILE is set and ignored' cat n1/log
		stop 1
	fi
	atf_check test ! -s keys
}
nowhere_else_cleanup() { finish; }

# What is no private file of the caller's is refused.
atf_test_case bad_file cleanup
bad_file_head() { atf_set timeout 60; }
bad_file_body() {
	setup 1
	: >open
	chmod 644 open
	ln -s secret link
	mkfifo pipe
	chmod 600 pipe
	for f in open link pipe /dev/null none/at/all; do
		atf_check -s exit:1 -e match:"SSLKEYLOGFILE.*$f" env SSLKEYLOGFILE="$f" \
		    "$viprd" -u -d -f "$PWD/n1/viprd.conf"
	done
	atf_check test ! -e secret
}
bad_file_cleanup() { finish; }

atf_init_test_cases() {
	atf_add_test_case links
	atf_add_test_case nowhere_else
	atf_add_test_case bad_file
}
