# SPDX-License-Identifier: ISC
#
# The links of overlayd over real TLS connections, with linkpeer and openssl as
# peers that break the rules: what comes back, how the link ends, and what the
# operator is told.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"

# box [LINE]: one box that is up, and a certificate for a peer.
box() {
	setup 1
	[ -z "$1" ] || echo "$1" >>n1/viprd.conf
	[ -x "$(bin regress/tools/linkpeer)" ] || atf_skip "linkpeer is not built"
	atf_check -o ignore "$viprctl" ca sign -o peer ca
	start 1
	wait_until joined 1 0
}

# peer FILE ARG ...: from an address of its own, what it saw to FILE.
peer() {
	_f=$1
	shift
	_rc=0
	"$(bin regress/tools/linkpeer)" -b $net.99 "$@" >"$_f" 2>&1 || _rc=$?
}

# said FILE RC PATTERN ...: the peer ended with RC and saw these lines.
said() {
	_f=$1
	atf_check_equal "$2" "$_rc"
	shift 2
	for _p; do
		atf_check -o match:"$_p" cat "$_f"
	done
}

# told NAME COUNT PATTERN: the counter in show overlay, and the line of the log.
told() {
	wait_until has_fault "$1" "$2"
	[ -z "$3" ] || atf_check -o match:"overlayd.*overlay link .*$3" cat n1/log
}

has_fault() {
	ctl 1 -j show overlay | grep -q "\"$1\":$2[,}]"
}

atf_test_case frames cleanup
frames_head() {
	atf_set descr "frames in pieces, with gaps, of no type, too large"
	atf_set timeout 120
}
frames_body() {
	box ""
	# A byte at a time, each in a record of its own.
	peer out -c peer -t 6 $net.1 bytes
	said out 3 '^ack 0 ' '^message PingAns$' '^still open$'
	# RFC 6940, 6.6.2: a bit for each of the 32 before that has come.
	peer out -c peer -t 6 $net.1 gaps
	said out 3 '^ack 0 00000000$' '^ack 5 00000020$' '^ack 3 00000008$' \
	    '^message PingAns$'
	peer out -c peer -t 30 $net.1 type
	said out 0 '^closed after [0-9]* s'
	told bad_frames 1 'closed: [0-9a-f]{32} from .*: what it sent is not a frame'
	# The header of the message is enough for an answer; then it ends.
	peer out -c peer -t 30 $net.1 large 200000
	said out 0 '^message Error_Message_Too_Large$' '^closed after [0-9]* s'
	told too_large 1 'message above max-message-size'
	peer out -c peer -t 30 $net.1 huge 16000000
	said out 0 '^closed after [0-9]* s'
	atf_check -s exit:1 grep -q ^message out
	told too_large 2 ''
	# Nobody else has suffered.
	wait_until joined 1 0
	atf_check -s exit:1 grep -e 'killed' -e 'runtime error' n1/log
}
frames_cleanup() { finish; }

atf_test_case strangers cleanup
strangers_head() {
	atf_set descr "no certificate, a foreign one, ours, old TLS, too many"
	atf_set require.progs openssl
	atf_set timeout 120
}
strangers_body() {
	box ""
	peer out -t 30 $net.1 quiet
	said out 0 'alert certificate required'
	told handshake_failed 1 'from .*: handshake: peer did not return a certificate'
	atf_check -o ignore -e ignore "$viprctl" ca init other overlay.test
	atf_check -o ignore -e ignore "$viprctl" ca sign -o foreign other
	peer out -c foreign -t 30 $net.1 quiet
	said out 0 '^closed after [0-9]* s: .*alert'
	told handshake_failed 2 'its certificate is refused: unable to get local issuer'
	atf_check -o ignore -e ignore "$viprctl" ca init third third.test
	atf_check -o ignore -e ignore "$viprctl" ca sign -o third.node third
	peer out -c third.node -t 30 $net.1 quiet
	said out 0 '^closed after [0-9]* s: .*alert'
	told handshake_failed 3 'its certificate is refused: .*overlay'
	peer out -c n1/node -t 30 $net.1 quiet
	said out 0 '^closed after [0-9]* s: .*alert'
	told handshake_failed 4 'its certificate is refused: certificate has our own Node-ID'
	atf_check -s not-exit:0 -o ignore -e match:'alert protocol version' \
	    openssl s_client -tls1_2 -connect $net.1:6084 </dev/null
	told handshake_failed 5 'unsupported protocol'
	# Sixteen of one address may be undecided at a time.
	peer out -t 2 $net.1 many 40
	said out 0 '^refused 24 of 40$'
	told too_many 24 ''
	# A member comes in all the same, from another address.
	_rc=0
	"$(bin regress/tools/linkpeer)" -b $net.98 -c peer -t 6 $net.1 bytes >out 2>&1 || _rc=$?
	said out 3 '^message PingAns$'
	atf_check -o match:'last .*from' "$viprctl" -s "$PWD/n1/ctl" show overlay
}
strangers_cleanup() { finish; }

atf_test_case expired cleanup
expired_head() {
	atf_set descr "a peer whose certificate has ended"
	atf_set timeout 60
}
expired_body() {
	box 'test clock-offset 3d'
	atf_check -o ignore "$viprctl" ca sign -d 1 -o old ca
	peer out -c old -t 30 $net.1 quiet
	said out 0 '^closed after [0-9]* s: .*alert'
	told handshake_failed 1 'its certificate is refused: .*expired'
	peer out -c peer -t 6 $net.1 bytes
	said out 3 '^message PingAns$'
}
expired_cleanup() { finish; }

# The other way round: the operator of a box that is refused sees it, too.
atf_test_case refused cleanup
refused_head() { atf_set timeout 90; }
refused_body() {
	setup 2
	echo 'test clock-offset 3d' >>n1/viprd.conf
	atf_check -o ignore -e ignore "$viprctl" ca sign -f -d 1 -o n2/node ca
	start 1 2
	wait_until grep -q "overlay link from $net.2.*its certificate is refused: .*expired" n1/log
	wait_until grep -q "overlay link .*to $net.1:6084: the other side wants no link.*alert certificate expired" n2/log
	atf_check -o not-match:'^NODE' -o match:'not_reached *[1-9]' \
	    "$viprctl" -s "$PWD/n2/ctl" show overlay
}
refused_cleanup() { finish; }

atf_test_case slow cleanup
slow_head() {
	atf_set descr "half-open, without acks, not reading: closed, and nobody waits"
	atf_set timeout 240
}
slow_body() {
	setup 2
	atf_check -o ignore "$viprctl" ca sign -o peer ca
	atf_check -o ignore "$viprctl" ca sign -o deaf ca
	start 1 2
	wait_until joined 1 1
	_l=$(bin regress/tools/linkpeer)
	[ -x "$_l" ] || atf_skip "linkpeer is not built"
	"$_l" -b $net.97 -t 60 $net.1 tcp >tcp.out 2>&1 &
	_tcp=$!
	"$_l" -b $net.98 -c deaf -t 90 $net.1 deaf >deaf.out 2>&1 &
	_deaf=$!
	# Its acks are missing: not routed through, and shown as such.
	wait_until no_acks
	"$_l" -b $net.99 -c peer -t 90 $net.1 flood 6000 >flood.out 2>&1 &
	_flood=$!
	# The others notice nothing.
	wait_until published 1 8
	for b in 1 2; do
		wait_until claims $b +14085551003 1
		wait_until claims $b +14085552003 2
	done
	wait "$_tcp" || atf_fail "half-open: $(cat tcp.out)"
	atf_check -o match:'^closed after [1-9][0-9] s' cat tcp.out
	wait "$_deaf" || atf_fail "no acks: $(cat deaf.out)"
	atf_check -o match:'^message PingAns' -o match:'^closed after [3-9][0-9] s' cat deaf.out
	wait "$_flood" || atf_fail "not reading: $(tail -n 1 flood.out)"
	told handshake_failed 1 'from .*: handshake: timed out'
	atf_check -o match:'overlay link closed: .* no acks for 30 s' cat n1/log
	# Whichever comes first: too much waits, or half a minute without acks.
	has_fault not_reading 1 || has_fault no_acks 2 || atf_fail "$(ctl 1 show overlay)"
	atf_check -o match:"closed: .* from $net.99.*: (peer does not read|no acks)" cat n1/log
	wait_until joined 1 1
}
no_acks() {
	ctl 1 -j show overlay | grep -q '"link":"no acks"'
}
slow_cleanup() { finish; }

atf_init_test_cases() {
	atf_add_test_case frames
	atf_add_test_case strangers
	atf_add_test_case expired
	atf_add_test_case refused
	atf_add_test_case slow
}
