# Calls to outside and when they fall back: section 3 of the border's rules.
# Each row of the table has a number, a route and a hostile callee of its own.
# sh border_out.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"

siptrap=$build/regress/tools/siptrap
rows=60

# routes "ROW TRUNK'S ANSWER"...: box A with an active route for each.
start_a() {
	sip_ca || fatal "no certificate authority"
	good_cert a.example
	names=
	hosts=
	more=
	for i in $(seq $rows); do
		if [ $i -le 30 ]; then names="$names,DNS:r$i.example"; else more="$more,DNS:r$i.example"; fi
		hosts="$hosts
host r$i.example address 127.91.6.$i port 5061"
	done
	cert hosts "subjectAltName=${names#,}\nextendedKeyUsage=serverAuth"
	cert more "subjectAltName=${more#,}\nextendedKeyUsage=serverAuth"
	good_cert wrong
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \
	    "$work/ca/other.key" -out "$work/ca/other.pem" -subj "/CN=other" -days 30 2>/dev/null
	ca=$work/ca/other.pem cakey=$work/ca/other.key
	cert chain "subjectAltName=${names#,}\nextendedKeyUsage=serverAuth"
	cert eku "subjectAltName=${names#,}\nextendedKeyUsage=clientAuth"
	unset ca cakey
	cert eku "subjectAltName=${names#,}\nextendedKeyUsage=clientAuth"
	cert wild "subjectAltName=DNS:*.example\nextendedKeyUsage=serverAuth"
	sip_conf a "+12125550100 to +12125550199" "$hosts" ""
	phone pbx "$(pbx a):5060"
	phone trunk 127.91.9.1:5060
	# The store is made at the first start; the routes are put in between.
	box_up a
	box_stop a
	for r in "$@"; do
		# shellcheck disable=SC2086
		set -- $r
		n=$(row_number "$1" "${2:-200}")
		"$forge" "$work/a/data/key" "$work/a/master.key" route "r$1.example" \
		    "sip:$n@r$1.example;transport=tls" "$n" 86400 TICKET-OF-ROW-$1 ||
		    fatal "no route for $n"
	done
	box_again a
	ok "there is an active route" soon 5 route_is a "$n" active
}
# trap_row ROW CERTIFICATE ARGUMENTS...
trap_row() {
	r=$1
	c=$2
	shift 2
	[ "$c" != hosts ] || [ "$r" -le 30 ] || c=more
	"$siptrap" -l "127.91.6.$r:5061" -c "$work/ca/$c.crt" -k "$work/ca/$c.key" "$@" \
	    >"$work/trap$r" 2>&1 &
	pids="$pids $!"
	eval "trap$r=$!"
	echo "$r" >>"$work/traps"
}
# All that were started since the last time listen.
traps_ready() {
	while read -r r; do
		soon 10 grep -q "$(printf '%02X' "$r")065B7F:13C5.* 0A " /proc/net/tcp ||
		    fatal "the trap of row $r does not listen"
	done <"$work/traps"
	: >"$work/traps"
}
end_trap() {
	eval "end_of \$trap$1"
}
# dial ROW NUMBER [ARGUMENTS OF sipua]: a call, in the background.
dials=0
dial() {
	dials=$((dials + 1))
	r=$1
	n=$2
	shift 2
	{
		printf 'INVITE sip:%s@127.91.1.1:5060;user=phone;row=%s SIP/2.0\r\n' "$n" "$r"
		printf 'Via: SIP/2.0/UDP 127.91.1.10:%d;branch=z9hG4bKdial%d\r\n' $((20000 + dials)) $dials
		printf 'From: "Alice" <sip:%s@127.91.1.10>;tag=d%d\r\n' \
		    "${dial_from:-+12125550150}" $dials
		printf 'To: <sip:%s@127.91.1.1>\r\nCall-ID: dial%d@127.91.1.10\r\n' "$n" $dials
		printf 'CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n'
		printf 'Contact: <sip:+12125550150@127.91.1.10:%d>\r\n' $((20000 + dials))
		printf '%s' "${dial_headers:-}"
		sdp="v=0${crlf}o=a 1 1 IN IP4 198.51.100.1${crlf}s=-${crlf}c=IN IP4 198.51.100.1${crlf}t=0 0${crlf}m=audio 6000 RTP/SAVP 0${crlf}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz${crlf}"
		printf 'Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s' ${#sdp} "$sdp"
	} >"$work/dial$dials"
	eval "last$r=$dials"
	{
		"$sipua" -l "127.91.1.10:$((20000 + dials))" -d 127.91.1.1:5060 "$@" \
		    "$work/dial$dials" 2>&1
		echo END
	} >"$work/heard$dials" &
}
# heard ROW: the final answer of its last call.
heard() {
	eval "_n=\$last$1"
	soon 12 grep -q '^END' "$work/heard$_n"
	tr -d '\r' <"$work/heard$_n" | awk '/^SIP\/2.0 [2-6]/ { c = $2 }
	    /^CSeq: .*INVITE/ && c != "" { print c; exit } /^--/ { c = "" }'
}
trunked() { grep -c "^INVITE sip:$1@" "$work/trunk.msg" || :; }
trapped() { grep -c "^${2:-INVITE} " "$work/trap$1" || :; }
# facts ROW NUMBER: state, strikes, skipped or not.
facts() { ctl a -j show routes "$1" | jq -r '"\(.state) \(.strikes) \(if (.skip_until // 0) == 0 then "kept" else "skipped" end)"'; }

# plan ROW "CODE HEARD, INVITES AT THE TRUNK" "STATE STRIKES SKIP" WHAT
plan() { printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" >>"$work/plan"; }
run_plan() {
	while IFS='|' read -r r w f what; do
		n=$(grep -E "^$r " "$work/numbers" | cut -d' ' -f2)
		is "$what: the call" "$w" "$(heard "$r") $(trunked "$n")"
		is "$what: the route" "$f" "$(facts "$n")"
	done <"$work/plan"
}

case_table() {
	: >"$work/plan"
	: >"$work/numbers"
	set --
	for i in $(seq 1 45) 48 49; do set -- "$@" "$i"; done
	start_a "$@" "46 404" "47 503"
	for i in $(seq 1 45) 48 49; do echo "$i $(row_number "$i")" >>"$work/numbers"; done
	echo "46 $(row_number 46 404)" >>"$work/numbers"
	echo "47 $(row_number 47 503)" >>"$work/numbers"
	# No connection, wrong name or chain, silence, connection lost.
	plan 1 "200 1" "active 0 skipped" "nobody listens"
	trap_row 2 wrong -r 200
	plan 2 "200 1" "active 0 skipped" "wrong name"
	trap_row 3 chain -r 200
	plan 3 "200 1" "active 0 skipped" "wrong chain"
	trap_row 4 eku -r 200
	plan 4 "200 1" "active 0 skipped" "certificate for clients"
	trap_row 5 wild -r 200
	plan 5 "200 1" "active 0 skipped" "wildcard"
	trap_row 6 hosts -s
	plan 6 "200 1" "active 0 skipped" "silence"
	trap_row 7 hosts -s -p 100
	plan 7 "200 1" "active 0 skipped" "silence after 100"
	trap_row 8 hosts -x
	plan 8 "200 1" "active 0 skipped" "connection lost"
	trap_row 9 hosts -r 200
	plan 9 "200 1" "active 0 skipped" "no TLS in time"
	# A strike.
	r=10
	for s in 408 491 500 502 503 504 400 403 404 410 420 488 302 305 401 407 606; do
		trap_row $r hosts -r $s -H "Contact: <sip:+19005550100@127.91.9.1>"
		plan $r "200 1" "active 1 kept" "$s"
		r=$((r + 1))
	done
	# 27: known codes decide before the status.
	trap_row 27 hosts -r 503 -H "ViPR-Refusal: busy${crlf}Retry-After: 100"
	plan 27 "200 1" "active 0 skipped" "busy"
	trap_row 28 hosts -r 486 -H "ViPR-Refusal: busy"
	plan 28 "200 1" "active 0 skipped" "busy on a 486"
	trap_row 29 hosts -r 403 -H "ViPR-Refusal: expired"
	plan 29 "200 1" "expired 0 kept" "expired"
	r=30
	for s in no-ticket bad-ticket revoked wrong-number not-ours policy; do
		trap_row $r hosts -r 403 -H "ViPR-Refusal: $s"
		plan $r "200 1" "removed 0 kept" "$s"
		r=$((r + 1))
	done
	trap_row 36 hosts -r 603 -H "ViPR-Refusal: policy"
	plan 36 "200 1" "removed 0 kept" "policy on a 603"
	trap_row 37 hosts -r 403 -H "ViPR-Refusal: weird"
	plan 37 "200 1" "active 1 kept" "an unknown code"
	trap_row 38 hosts -r 403 -H "ViPR-Refusal: policy${crlf}ViPR-Refusal: policy"
	plan 38 "200 1" "active 1 kept" "two codes"
	trap_row 39 hosts -r 486 -H "ViPR-Refusal: weird"
	plan 39 "486 0" "active 0 kept" "an unknown code on a 486"
	# Passed on.
	r=40
	for s in 486 480 487 600 603 604; do
		[ $r -lt 46 ] || break
		# These want to see our certificate.
		trap_row $r hosts -r $s -a "$work/ca/sip.pem"
		plan $r "$s 0" "active 0 kept" "$s"
		r=$((r + 1))
	done
	# The trunk fails too.
	trap_row 46 hosts -r 500
	plan 46 "404 1" "active 1 kept" "500, then the trunk's 404"
	trap_row 47 hosts -s
	plan 47 "503 1" "active 0 skipped" "silence, then the trunk's 503"
	cert old "subjectAltName=${more#,}\nextendedKeyUsage=serverAuth" / -days -1
	trap_row 48 old -r 200
	plan 48 "200 1" "active 0 skipped" "expired certificate"
	openssl s_server -tls1_2 -quiet -accept 127.91.6.49:5061 -cert "$work/ca/more.crt" \
	    -key "$work/ca/more.key" </dev/null >/dev/null 2>&1 &
	pids="$pids $!"
	echo 49 >>"$work/traps"
	plan 49 "200 1" "active 0 skipped" "TLS 1.2"
	traps_ready
	kill -STOP $trap9
	while read -r r n; do dial "$r" "$n"; done <"$work/numbers"
	run_plan
	kill -CONT $trap9
	# What left, and what did not.
	until_=$(route_field a "$(row_number 27)" skip_until)
	left=$((until_ - $(date +%s)))
	ok "Retry-After is kept ($left)" test $left -ge 80 -a $left -le 100
	ok "a ticket went out" grep -q '^ViPR-Ticket: TICKET-OF-ROW-40' "$work/trap40"
	is "no ticket at the trunk" 0 "$(grep -ci ticket "$work/trunk.msg")"
	is "no redirect was followed" 0 "$(trunked +19005550100)"
	is "the trunk got the Request-URI of the PBX" 1 \
	    "$(grep -c "^INVITE sip:$(row_number 10)@127.91.1.1:5060;user=phone;row=10 SIP/2.0" "$work/trunk.msg")"
	is "no CANCEL before a 1xx" 0 "$(trapped 6 CANCEL)"
	is "CANCEL after one" 1 "$(trapped 7 CANCEL)"
	# At once, the next time.
	for r in 1 6 27 28 29 30; do dial $r "$(row_number $r)"; done
	for r in 1 6 27 28 29 30; do
		is "row $r: the next call takes the trunk" "200 2" \
		    "$(heard $r) $(trunked "$(row_number $r)")"
	done
	is "one INVITE to a host that is skipped" 1 "$(trapped 6)"
	is "one INVITE on a route that is skipped" 1 "$(trapped 27)"
	is "one INVITE on a route that expired" 1 "$(trapped 29)"
	# Two strikes in a row suspend.
	n=$(row_number 12)
	dial 12 "$n"
	is "a second strike: the call" "200 2" "$(heard 12) $(trunked "$n")"
	is "a second strike: the route" suspended "$(route_state a "$n")"
	dial 12 "$n"
	is "then it is not tried" "200 3 2" "$(heard 12) $(trunked "$n") $(trapped 12)"
	# A 2xx between them clears.
	n=$(row_number 13)
	end_trap 13
	trap_row 13 hosts -r 200 -H "Contact: <sip:x@r13.example;transport=tls>"
	soon 3 grep -q '0D065B7F:13C5.* 0A ' /proc/net/tcp
	dial 13 "$n"
	is "answered: the call" "200 1" "$(heard 13) $(trunked "$n")"
	is "answered: the route" "active 0 kept" "$(facts "$n")"
	is "it got the ACK" 1 "$(trapped 13 ACK)"
	for k in domain not_after number proofs skip_until state strikes; do
		is "show routes has $k" true "$(ctl a -j show routes "$n" | jq "has(\"$k\")")"
	done
}

case_passed() {
	: >"$work/plan"
	: >"$work/numbers"
	set --
	for i in $(seq 1 16); do
		set -- "$@" "$i"
		echo "$i $(row_number "$i")" >>"$work/numbers"
	done
	start_a "$@"
	r=1
	for s in 500 503 408 486 603 606; do
		trap_row $r hosts -p 180 -r $s
		plan $r "$s 0" "active 0 kept" "$s after 180"
		r=$((r + 1))
	done
	for s in 302 401 407; do
		trap_row $r hosts -p 183 -r $s -H "Contact: <sip:+19005550100@127.91.9.1>"
		plan $r "480 0" "active 0 kept" "$s after 183"
		r=$((r + 1))
	done
	trap_row 10 hosts -p 180 -r 404
	plan 10 "404 0" "active 1 kept" "404 after 180"
	trap_row 11 hosts -p 180 -r 403 -H "ViPR-Refusal: policy"
	plan 11 "403 0" "removed 0 kept" "policy after 180"
	trap_row 12 hosts -p 199 -r 503 -H "ViPR-Refusal: busy"
	plan 12 "503 0" "active 0 skipped" "busy after 199"
	trap_row 13 hosts -p 180 -d 5000 -r 200 -H "Contact: <sip:x@r13.example;transport=tls>"
	plan 13 "200 0" "active 0 kept" "200 five seconds after 180"
	# 2xx after we gave up: ACK and BYE, and the PBX never sees it.
	trap_row 14 hosts -p 100 -d 4600 -r 200 -H "Contact: <sip:x@r14.example;transport=tls>"
	plan 14 "200 1" "active 0 skipped" "200 after the time was up"
	trap_row 15 hosts -p 182 -d 300 -r 486
	plan 15 "486 0" "active 0 kept" "486 after 182"
	# Privacy is not for strangers; a call of the PBX with headers of its own.
	trap_row 16 hosts -r 486
	plan 16 "486 0" "active 0 kept" "a call with headers of the inside"
	traps_ready
	while read -r r n; do
		dial_headers=
		[ "$r" != 16 ] || dial_headers="P-Charging-Vector: x${crlf}X-Host: 127.91.1.10${crlf}User-Agent: pbx 127.91.1.10${crlf}P-Asserted-Identity: <sip:+12125550150@127.91.1.10>${crlf}Route: <sip:127.91.1.1;lr>${crlf}Subject: x${crlf}Alert-Info: <http://x>${crlf}ViPR-Ticket: mine${crlf}ViPR-Refusal: policy${crlf}"
		dial "$r" "$n"
	done <"$work/numbers"
	dial_headers=
	run_plan
	tr -d '\r' <"$work/heard$last13" | sed -n '/^SIP.2.0 200/,/^$/p' >"$work/answer13"
	ok "the PBX sees our Contact" grep -q '^Contact: .*127.91.1.1' "$work/answer13"
	is "and no other host" 0 "$(grep -c 'r13.example' "$work/answer13")"
	ok "a late 200 gets ACK" soon 3 grep -q '^ACK ' "$work/trap14"
	ok "and BYE" soon 3 grep -q '^BYE ' "$work/trap14"
	is "and is not shown" 0 "$(grep -c 'r14' "$work/heard$last14")"
	tr -d '\r' <"$work/trap16" | sed -n '/^INVITE/,/^$/p' >"$work/outward"
	is "nothing of the PBX leaves" 0 "$(grep -c '127.91.1.10' "$work/outward")"
	is "one ticket, ours" "ViPR-Ticket: TICKET-OF-ROW-16" "$(grep ViPR "$work/outward")"
	is "only these pass outward" "CSeq Call-ID Contact Content-Length Content-Type From Max-Forwards Record-Route To ViPR-Ticket Via " \
	    "$(sed -n '2,/^$/s/^\([A-Za-z-]*\):.*/\1/p' "$work/outward" | grep -v '^\(Session-Expires\|Min-SE\|Supported\)$' | sort -u | tr '\n' ' ')"
	is "no name of the PBX's user" 0 "$(grep -c Alice "$work/outward")"
	is "a Call-ID that tells nothing" 0 "$(grep '^Call-ID' "$work/outward" | grep -c 'dial\|127.91')"
	is "Request-URI" "INVITE sip:$(row_number 16)@r16.example;transport=tls SIP/2.0" \
	    "$(head -n 1 "$work/outward")"
	is "From" 1 "$(grep -c '^From: .*<sip:+12125550150@a.example>' "$work/outward")"
	is "no Alert-Info, Subject, identity" 0 \
	    "$(grep -ciE '^(Alert-Info|Subject|P-|X-|Route)' "$work/outward")"
	is "no refusal's code to the PBX" 0 "$(cat "$work"/heard* | grep -c ViPR)"
	is "no redirect's target to the PBX" 0 "$(cat "$work"/heard* | grep -c 19005550100)"
}

# The caller gives up.
case_cancel() {
	: >"$work/plan"
	start_a 1 2 3 4 5
	trap_row 1 hosts -p 180 -s
	trap_row 2 hosts -p 180 -d 600 -r 200 -H "Contact: <sip:x@r2.example;transport=tls>"
	trap_row 3 hosts -s
	traps_ready
	dial 1 "$(row_number 1)" -c 180
	dial 2 "$(row_number 2)" -c 180
	dial 3 "$(row_number 3)" -c 100
	is "CANCEL while it rings" 487 "$(heard 1)"
	is "reaches the callee" 1 "$(trapped 1 CANCEL)"
	is "CANCEL that a 2xx crosses" 487 "$(heard 2)"
	ok "the 2xx gets ACK" soon 3 grep -q '^ACK ' "$work/trap2"
	ok "and BYE" soon 3 grep -q '^BYE ' "$work/trap2"
	is "CANCEL before any sign" 487 "$(heard 3)"
	is "is not sent before a 1xx" 0 "$(trapped 3 CANCEL)"
	# How long a caller waits.
	trap_row 4 hosts -r 486
	trap_row 5 hosts -s
	traps_ready
	kill -STOP $trap4
	for r in 4 5; do
		t0=$(date +%s%N)
		dial $r "$(row_number $r)"
		is "row $r: the trunk" 200 "$(heard $r)"
		eval "took$r=$((($(date +%s%N) - t0) / 1000000))"
	done
	kill -CONT $trap4
	ok "2 s for TCP and TLS ($took4 ms)" test $took4 -ge 1900 -a $took4 -le 3500
	ok "4 s for an answer ($took5 ms)" test $took5 -ge 3900 -a $took5 -le 5500
	for r in 1 2 3; do is "row $r: no trunk" 0 "$(trunked "$(row_number $r)")"; done
}

# A host that fails is skipped for a minute, doubling to an hour, with an alarm
# after three times; time is let pass with `test boot-offset`.
pass_time() {
	passed=$((passed + $1))
	sed -i "s/^test boot-offset.*/test boot-offset ${passed}s/" "$work/a/viprd.conf"
	ctl a reload
}
unskipped() { [ "$(route_field a "$1" skip_until)" = null ]; }
case_skips() {
	passed=0
	start_a 1 2
	echo "test boot-offset 0s" >>"$work/a/viprd.conf"
	n=$(row_number 1)
	calls=0
	alarms() { grep -c 'r1.example failed 3 times in a row' "$work/a/log"; }
	for want in 60 120 240 480 960 1920 3600 3600; do
		dial 1 "$n"
		calls=$((calls + 1))
		is "$want s: the call takes the trunk" "200 $calls" "$(heard 1) $(trunked "$n")"
		left=$(($(route_field a "$n" skip_until) - $(date +%s)))
		ok "the host is skipped for $want s ($left)" test $left -ge $((want - 5)) -a $left -le $((want + 1))
		is "the route is kept" "active 0 skipped" "$(facts "$n")"
		if [ "$want" -lt 240 ]; then is "no alarm yet" 0 "$(alarms)"; else is "one alarm" 1 "$(alarms)"; fi
		dial 1 "$n"
		calls=$((calls + 1))
		is "the next is not tried" "200 $calls" "$(heard 1) $(trunked "$n")"
		is "says explain" "trunk: host-skipped" \
		    "$(ctl a -j explain "$n" | jq -r '[.[] | select(.process == "sipgw" and .what == "latest call")][0].text')"
		pass_time $((want + 1))
		ok "until it is over" soon 5 unskipped "$n"
	done
	# It comes back: what it did is forgotten.
	trap_row 1 hosts -r 486
	traps_ready
	dial 1 "$n"
	is "it answers again" "486 $calls" "$(heard 1) $(trunked "$n")"
	end_trap 1
	# Its connection is gone with it.
	dropped() {
		dial 1 "$n"
		calls=$((calls + 1))
		heard 1 >/dev/null
		! unskipped "$n"
	}
	ok "it fails once more" soon 5 dropped
	left=$(($(route_field a "$n" skip_until) - $(date +%s)))
	ok "and begins with a minute ($left)" test $left -ge 55 -a $left -le 61
	is "no further alarm" 1 "$(alarms)"
}

# What the operator rules: always the trunk, log only, classes of callers.
case_rules() {
	start_a 1 2 3 4
	for r in 1 2 3 4; do trap_row $r hosts -r 486; done
	traps_ready
	sed -i "s/^	media pass/	always trunk $(row_number 1)\n	log only { $(row_number 2), +999 }\n	class secret {\n		from 4711\n		direct no\n	}\n	media pass/" "$work/a/viprd.conf"
	ctl a reload
	why() { ctl a -j explain "$1" | jq -r --arg w "$2" '[.[] | select(.process == "sipgw" and .what == $w)][0].text'; }
	ruled() { [ "$(why "$(row_number 1)" "next call")" = "trunk: always-trunk" ]; }
	ok "explain says what would be" soon 5 ruled
	is "and of the others" "trunk: log-only direct" \
	    "$(why "$(row_number 2)" "next call") $(why "$(row_number 3)" "next call")"
	for r in 1 2 4; do dial $r "$(row_number $r)"; done
	dial_from=4711
	dial 3 "$(row_number 3)"
	dial_from=
	for r in 1 2 3; do
		is "row $r takes the trunk" "200 1 0" \
		    "$(heard $r) $(trunked "$(row_number $r)") $(trapped $r)"
	done
	is "row 4 goes directly" "486 0 1" "$(heard 4) $(trunked "$(row_number 4)") $(trapped 4)"
	is "explain: always-trunk" "trunk: always-trunk" "$(why "$(row_number 1)" "latest call")"
	is "explain: log-only" "trunk: log-only" "$(why "$(row_number 2)" "latest call")"
	is "explain: class" "trunk: class" "$(why "$(row_number 3)" "latest call")"
	ok "the log says what could have been" \
	    grep -q 'could have gone directly to r2.example: reason=log-only' "$work/a/log"
	for w in always-trunk log-only class; do
		is "$w is counted" 1 "$(ctl a -j show metrics | jq --arg w $w \
		    '.[] | select(.name == "vipr_sip_not_diverted" and .reason == $w) | .value')"
	done
}

complete=no
case_"$1"
complete=yes
