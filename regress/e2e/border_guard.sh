# What keeps strangers and floods out: how often and how many, scanners, and
# what fail2ban makes of our lines.  sh border_guard.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"
. "$VIPR_SRC/regress/e2e/border_b.sh"

case_limits() {
	start_b "limit 6 per hour"
	ring=$(ticket ticket b.example a.example $n180 3600)
	peer 4 a.example
	for i in 1 2 3 4; do
		send 4 ticket="$ring" uri=sip:$n180@b.example branch=z9hG4bKlive$i
		soon 3 peer_got 4 'SIP/2.0 180'
		[ $i != 1 ] || first="callid=$callid from=$from"
	done
	expect "a fifth call at once" "503 busy" 4 ticket="$ring" uri=sip:$n180@b.example
	ra=$(field Retry-After)
	ok "Retry-After 1 to 3600 ($ra)" test "$ra" -ge 1 -a "$ra" -le 3600
	expect "another number is free" 200 4 ticket="$good"
	finish_call 4
	# shellcheck disable=SC2086
	expect "CANCEL" 200 4 method=CANCEL uri=sip:$n180@b.example branch=z9hG4bKlive1 $first
	send 4 ticket="$ring" uri=sip:$n180@b.example branch=z9hG4bKlive5
	ok "frees a place" soon 3 peer_got 4 'SIP/2.0 180'
	for i in 2 3 4 5 6; do
		expect "call $i of the hour" 200 4 ticket="$good"
		finish_call 4
		is "BYE" 200 "$code"
	done
	expect "call 7 of the hour" "503 busy" 4 ticket="$good"
	ra=$(field Retry-After)
	ok "Retry-After is the rest of the hour ($ra)" test "$ra" -ge 3500 -a "$ra" -le 3600
	t=$(ticket ticket b.example a.example +14085550486 3600)
	for i in 1 2 3 4 5 6 7 8; do
		expect "refused calls do not count" 486 4 ticket="$t" uri=sip:+14085550486@b.example
		send 4 method=ACK ticket="$t" uri=sip:+14085550486@b.example branch=$branch \
		    callid=$callid "from=$from" "to=$(field To)"
	done
	ok "the log says so" grep -q 'reason=busy' "$work/b/log"
	hang_up 4
	# 60 refused INVITEs a minute, of one domain from many addresses.
	peer 4 c.example -bind 127.91.8.1
	peer 5 c.example -bind 127.91.8.2
	ask 5 method=OPTIONS
	for i in $(seq 30); do ask 4; ask 5; done
	is "60 are answered" "403 no-ticket" "$code $refusal"
	ask 4
	ok "one more closes it" soon 3 peer_gone 4
	ok "and the domain's others" soon 3 peer_gone 5
	hang_up 4
	hang_up 5
	# And of one address with many names.
	good_cert d.example
	good_cert e.example
	peer 4 d.example -bind 127.91.8.5
	peer 5 e.example -bind 127.91.8.5
	peer 6 e.example -bind 127.91.8.6
	ask 5 method=OPTIONS
	for i in $(seq 30); do ask 4; ask 5; done
	is "60 of one address are answered" "403 no-ticket" "$code $refusal"
	ask 4
	ok "one more closes it" soon 3 peer_gone 4
	ok "and the address's others" soon 3 peer_gone 5
	expect "but not those of other addresses" 200 6 method=OPTIONS
	for i in 4 5 6; do hang_up $i; done
}

case_connections() {
	start_b
	good_cert d.example
	many=
	# open_one CERTIFICATE ADDRESS: sets last
	open_one() {
		n=$((n + 1))
		sleep 30 | openssl s_client -quiet -verify_quiet -connect 127.91.2.1:5061 -bind "$2" \
		    -cert "$work/ca/$1.crt" -key "$work/ca/$1.key" -CAfile "$work/ca/sip.pem" \
		    >"$work/conn$n" 2>&1 &
		last=$!
		pids="$pids $last"
	}
	established() { [ "$(ctl b -j show sip 2>/dev/null | jq '[.. | .connections? // empty] | add // 0')" -ge "$1" ]; }
	n=0
	for i in $(seq 16); do open_one a.example 127.91.8.1; many="$many $last"; done
	sleep 1
	alive=0
	for p in $many; do gone $p || alive=$((alive + 1)); done
	is "16 connections of a domain" 16 $alive
	open_one a.example 127.91.8.2
	ok "not a 17th from elsewhere" soon 3 gone $last
	ok "and the log says so" grep -q \
	    'connection from a.example refused: reason=too-many address=127.91.8.2$' "$work/b/log"
	for i in $(seq 16); do open_one c.example 127.91.8.1; many="$many $last"; done
	sleep 1
	alive=0
	for p in $many; do gone $p || alive=$((alive + 1)); done
	is "32 connections of an address" 32 $alive
	open_one d.example 127.91.8.1
	ok "not a 33rd of another domain" soon 3 gone $last
	ok "and the log says so" grep -q \
	    'connection refused: reason=too-many address=127.91.8.1$' "$work/b/log"
	peer 4 d.example -bind 127.91.8.3
	expect "others may connect" 200 4 method=OPTIONS
	hang_up 4
}

# Whom nobody asked: at the inside face only PBXs and trunks are heard.
scan() {
	printf '%s sip:100@127.91.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\n' \
	    "$1" "$2" "$1"
	printf 'From: <sip:100@1.1.1.1>;tag=x\r\nTo: <sip:100@1.1.1.1>\r\nCall-ID: %s\r\n' "$1"
	printf 'CSeq: 1 %s\r\nMax-Forwards: 70\r\nUser-Agent: friendly-scanner\r\n' "$1"
	printf 'Contact: <sip:100@%s>\r\nContent-Length: 0\r\n\r\n' "$2"
}
# knock ADDRESS: TCP to the inside face, which stays open if it is let.
knock() {
	rm -f "$work/knock"
	mkfifo "$work/knock"
	openssl s_client -connect 127.91.2.1:5060 -bind "$1" <"$work/knock" >/dev/null 2>&1 &
	knocker=$!
	pids="$pids $knocker"
	exec 7>"$work/knock"
}
case_scanners() {
	start_b "listen inside on 127.91.2.1 port 5060 tcp"
	heard=
	n=0
	for m in OPTIONS REGISTER INVITE SUBSCRIBE BYE; do
		n=$((n + 1))
		scan $m 127.91.8.9:508$n >"$work/scan$n"
		"$sipua" -l 127.91.8.9:508$n -d 127.91.2.1:5060 -t 1 "$work/scan$n" >"$work/heard$n" &
		heard="$heard $!"
	done
	ok "five strangers are counted" soon 3 metric_is strangers 5
	scan OPTIONS 127.91.2.10:5099 | sed 's/sip:100@127.91.2.1 /sip:127.91.2.1 /' >"$work/scan0"
	"$sipua" -l 127.91.2.10:5099 -d 127.91.2.1:5060 -t 2 "$work/scan0" >"$work/heard0"
	ok "the PBX's machine is answered" grep -q '^SIP/2.0 200' "$work/heard0"
	# shellcheck disable=SC2086
	wait $heard
	for i in 1 2 3 4 5; do is "stranger $i heard nothing" 0 "$(grep -c . "$work/heard$i")"; done
	is "nor did the PBX or the trunk hear them" 0 "$(($(seen pbx friendly) + $(seen trunk friendly)))"
	knock 127.91.8.9
	ok "TCP is closed at once" soon 3 gone $knocker
	ok "and counted" soon 3 metric_is strangers 6
	is "show says so" 6 "$(ctl b -j show | jq '[.. | .strangers? // empty] | add')"
	is "one line says who" 1 "$(grep -c 'tcp from a stranger inside refused: reason=unknown-hop address=127.91.8.9$' "$work/b/log")"
	ok "of UDP, too" grep -q 'udp from a stranger inside refused: reason=unknown-hop address=127.91.8.9$' "$work/b/log"
	is "and nothing that they said" 0 "$(grep -c friendly "$work/b/log")"
	# Outside nothing is said to who has no certificate.
	peer 4 ""
	request method=OPTIONS
	cat "$work/msg" >&4 2>/dev/null
	ok "outside: no certificate, no SIP" soon 3 peer_gone 4
	is "nothing came back" 0 "$(grep -c SIP "$work/out4")"
	is "no request was read" 1 "$(metric requests)"
	hang_up 4
}

# How often a domain may ask.
case_rates() {
	start_b "limit 5 requests per second
	limit 2 calls per second
	limit 3 calls at once"
	peer 4 a.example
	for i in $(seq 40); do request method=OPTIONS; cat "$work/msg"; done >"$work/flood"
	mark 4
	cat "$work/flood" >&4
	many() { [ "$(news 4 | grep -c '^SIP/2.0 ')" -ge 40 ]; }
	ok "all of a flood are answered" soon 5 many
	n=$(news 4 | grep -c '^SIP/2.0 503')
	ok "most with 503 ($n)" test "$n" -ge 20 -a "$n" -le 30
	is "each says when to come again" "$n" "$(news 4 | grep -c '^Retry-After: ')"
	is "they are counted" "$n" "$(metric too_fast)"
	ok "and logged" grep -q 'OPTIONS from a.example refused: reason=too-fast address=127.0.0.1$' "$work/b/log"
	fine() { ask 4 method=OPTIONS; [ "$code" = 200 ]; }
	ok "a moment later all is well" soon 5 fine
	# Many more, and the connection is closed.
	for i in $(seq 10); do sed "s/z9hG4bK/z9hG4bK$i/" "$work/flood"; done >"$work/more"
	cat "$work/more" >&4
	ok "a flood that goes on is cut off" soon 5 peer_gone 4
	ok "the log says so" grep -q 'OPTIONS from a.example refused: reason=flood address=127.0.0.1: closing' "$work/b/log"
	hang_up 4
	# New calls, and calls that are up, of all numbers together.
	peer 4 c.example
	up=0
	busy=0
	for i in 200 210 220 230 240 250; do
		t=$(ticket ticket b.example c.example +14085551$i 3600)
		ask 4 ticket="$t" uri=sip:+14085551$i@b.example
		if [ "$code $refusal" = "503 busy" ]; then busy=$((busy + 1)); else up=$((up + 1)); fi
	done
	is "no more than three are up" 3 $up
	is "the others are busy" 3 $busy
	is "and say when to try again" 1 "$(printf '%s\n' "$resp" | grep -c '^Retry-After: [1-9]')"
	is "refusals are counted by reason" 3 "$(metric refused reason busy)"
	hang_up 4
	# How often an address may connect.
	sed -i 's/^	limit 5 requests/	limit 2 connections per second\n	limit 5 requests/' "$work/b/viprd.conf"
	ctl b reload
	shut() {
		for i in 1 2 3 4 5 6 7 8; do
			openssl s_client -connect 127.91.2.1:5061 -bind 127.91.8.7 </dev/null >/dev/null 2>&1
		done
		grep -q 'connection refused: reason=too-many address=127.91.8.7$' "$work/b/log"
	}
	ok "an address that connects too often" soon 5 shut
	ok "is counted" test "$(metric connections_refused)" -ge 1
	peer 4 a.example -bind 127.91.8.8
	expect "others are not touched" 200 4 method=OPTIONS
	hang_up 4
}

# What fail2ban makes of the lines that the daemon really writes.
ban_dir() {
	mkdir -p "$work/fail2ban/filter.d"
	cp /etc/fail2ban/filter.d/common.conf "$VIPR_SRC/etc/fail2ban/filter.d/vipr.conf" \
	    "$work/fail2ban/filter.d/"
}
# banned FILE: addresses that its lines would count against.
banned() {
	fail2ban-regex -c "$work/fail2ban" -o '<ip>' "$1" "$work/fail2ban/filter.d/vipr.conf" 2>/dev/null |
	    grep . | sort -u | tr '\n' ' '
}
case_fail2ban() {
	ban_dir
	start_b "listen inside on 127.91.2.1 port 5060 tcp
	limit 100 requests per second"
	# hostile REASON ADDRESS, harmless REASON ADDRESS: its line stands in the log.
	line() { grep -q "refused: reason=$1 address=$2\\(:.*\\)*\$" "$work/b/log"; }
	hostile() { ok "a line for $1" soon 5 line "$1" "$2"; want="$want$2 "; }
	harmless() { ok "a line for $1, of no consequence" soon 5 line "$1" "$2"; }
	want=
	peer 4 a.example -bind 127.91.7.1
	expect "no ticket" "403 no-ticket" 4
	hostile no-ticket 127.91.7.1
	hang_up 4
	peer 4 a.example -bind 127.91.7.2
	expect "bad ticket" "403 bad-ticket" 4 ticket=AAAA
	hostile bad-ticket 127.91.7.2
	hang_up 4
	peer 4 a.example -bind 127.91.7.3
	expect "wrong number" "403 wrong-number" 4 ticket="$good" uri=sip:200@b.example
	hostile wrong-number 127.91.7.3
	hang_up 4
	peer 4 a.example -bind 127.91.8.1
	peer 5 c.example -bind 127.91.7.4
	open_call 4
	within "another domain in the dialog" 481 5 INFO
	hostile other-peer 127.91.7.4
	hang_up 5
	peer 5 a.example -bind 127.91.7.5
	within "a forged seal" 481 5 INFO uri="$(altered "$cookie" 30)"
	hostile forged-dialog 127.91.7.5
	hang_up 5
	peer 5 a.example -bind 127.91.7.6
	within "a forged route" 481 5 INFO hdr="Route: <sip:127.91.9.1;lr>"
	hostile forged-route 127.91.7.6
	hang_up 5
	peer 5 a.example -bind 127.91.7.7
	send 5 method=OPTIONS sed='/^From/d'
	result 5
	is "malformed" 400 "$code"
	hostile malformed 127.91.7.7
	hang_up 5
	cert evil "subjectAltName=DNS:*.example\nextendedKeyUsage=serverAuth" "/CN=x address=127.91.8.99"
	peer 5 evil -bind 127.91.7.8
	soon 3 peer_gone 5
	hostile handshake 127.91.7.8
	hang_up 5
	knock 127.91.7.9
	hostile unknown-hop 127.91.7.9
	# What honest peers, and PBXs, do.
	peer 5 a.example -bind 127.91.8.2
	expect "expired" "403 expired" 5 ticket="$(ticket ticket b.example a.example $n200 -60)"
	harmless expired 127.91.8.2
	expect "not ours" "403 not-ours" 5 uri=sip:+14085559999@b.example \
	    ticket="$(ticket ticket b.example a.example +14085559999 3600)"
	harmless not-ours 127.91.8.2
	expect "policy" "403 policy" 5 ticket="$good" hdr="Replaces: a@b;to-tag=1;from-tag=2"
	harmless policy 127.91.8.2
	expect "no dialog" 481 5 method=BYE "to=<sip:x@b.example>;tag=x"
	harmless no-dialog 127.91.8.2
	ctl b revoke grantee a.example >/dev/null
	expect "revoked" "403 revoked" 5 ticket="$good"
	harmless revoked 127.91.8.2
	hang_up 5
	hang_up 4
	scan OPTIONS 127.91.8.3:5080 >"$work/scan1"
	"$sipua" -l 127.91.8.3:5080 -d 127.91.2.1:5060 -t 1 "$work/scan1" >/dev/null
	harmless unknown-hop 127.91.8.3
	scan OPTIONS 127.91.2.10:5080 | sed '/^From/d' >"$work/scan2"
	"$sipua" -l 127.91.2.10:5080 -d 127.91.2.1:5060 -t 1 "$work/scan2" >/dev/null
	harmless malformed 127.91.2.10
	# These last: what they write leaves no room for other lines.
	peer 5 a.example -bind 127.91.8.2
	for i in $(seq 250); do request method=OPTIONS; cat "$work/msg"; done >"$work/flood"
	cat "$work/flood" >&5
	harmless too-fast 127.91.8.2
	hang_up 5
	peer 5 c.example -bind 127.91.7.10
	for i in $(seq 61); do ask 5; done
	hostile too-many-refused 127.91.7.10
	hang_up 5
	# Room for one line comes back after three seconds.
	flood() {
		peer 5 d.example -bind 127.91.7.11
		for i in $(seq 6); do sed "s/z9hG4bK/z9hG4bK$i/" "$work/flood"; done >&5 2>/dev/null
		soon 1 peer_gone 5
		hang_up 5
		line flood 127.91.7.11
	}
	good_cert d.example
	ok "a line for flood" soon 10 flood
	want="${want}127.91.7.11 "
	# As syslog would write them, and the journal's short form is the same.
	grep 'sipgw\[[0-9]*\]: ' "$work/b/log" | sed 's/.*\(sipgw\[[0-9]*\]: \)/Nov 22 12:00:00 border \1/' >"$work/ban.log"
	is "just the hostile ones are banned" "$(printf '%s\n' $want | sort -u | tr '\n' ' ')" \
	    "$(banned "$work/ban.log")"
	jail=$(sed -n 's/^filter = //p' "$VIPR_SRC/etc/fail2ban/jail.d/vipr.conf")
	is "the jail names the filter" vipr "$jail"
}

complete=no
case_"$1"
complete=yes
