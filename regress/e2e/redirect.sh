# The redirect server with a real client: Kamailio asks, follows the 302 and
# takes its own trunk otherwise, by the configuration that we ship.  And the
# copies for a capture server, as another Kamailio and tshark read them.
# sh redirect.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"

siptrap=$build/regress/tools/siptrap
kamailio=$(command -v kamailio)

# start_a [LINES OF sip]: box A with routes for rows 1 to 6; the PBX is Kamailio.
start_a() {
	sip_ca || fatal "no certificate authority"
	good_cert a.example
	names=
	hosts=
	for i in 1 2 3 4 5 6; do
		names="$names,DNS:r$i.example"
		hosts="$hosts
host r$i.example address 127.91.6.$i port 5061"
	done
	cert hosts "subjectAltName=${names#,}\nextendedKeyUsage=serverAuth"
	sip_conf a "+12125550100 to +12125550199" "$hosts" "
	listen inside on 127.91.1.1 port 5060 tcp
	listen redirect on 127.91.1.1 port 5070 udp
	listen redirect on 127.91.1.1 port 5070 tcp
	${1:-}"
	phone trunk 127.91.9.1:5060
	box_up a
	box_stop a
	for r in 1 2 3 4 5 6; do
		"$forge" "$work/a/data/key" "$work/a/master.key" route "r$r.example" \
		    "sip:$(row_number $r)@r$r.example;transport=tls" "$(row_number $r)" 86400 \
		    TICKET-OF-ROW-$r || fatal "no route"
	done
	box_again a
	ok "there is an active route" soon 5 route_is a "$(row_number 6)" active
}
start_kamailio() {
	mkdir -p "$work/kam"
	"$kamailio" -f "$VIPR_SRC/etc/kamailio/redirect.cfg" -l "udp:$(pbx a):5060" \
	    -l "tcp:$(pbx a):5060" -A "PBX_ADDRESS=$(pbx a)" \
	    -A "VIPR_REDIRECT=\"sip:127.91.1.1:5070${1:-}\"" \
	    -A 'TRUNK_ADDRESS="sip:127.91.9.1:5060"' \
	    -DD -E -n 1 -m 16 -M 4 -Y "$work/kam" -w "$work/kam" \
	    >"$work/kam/log" 2>&1 </dev/null &
	kam=$!
	pids="$pids $kam"
	# It listens once it answers.
	ok "Kamailio is up" soon 15 sh -c "ss -Hlun 'src $(pbx a):5060' | grep -q ." ||
	    fatal "$(cat "$work/kam/log")"
}
# trap_row ROW ARGUMENTS...: the callee of a row.
trap_row() {
	r=$1
	shift
	"$siptrap" -l "127.91.6.$r:5061" -c "$work/ca/hosts.crt" -k "$work/ca/hosts.key" "$@" \
	    >"$work/trap$r" 2>&1 &
	pids="$pids $!"
	soon 10 sh -c "ss -Hltn 'src 127.91.6.$r:5061' | grep -q ." ||
	    fatal "the callee of row $r does not listen"
}
# dial ROW NUMBER TO [ARGUMENTS OF sipua]: a call; waits, and sets code.
dials=0
dial() {
	dials=$((dials + 1))
	_n=$2
	to=$3
	shift 3
	from=127.91.1.${dial_from:-20}
	{
		printf 'INVITE sip:%s@%s SIP/2.0\r\n' "$_n" "$to"
		printf 'Via: SIP/2.0/UDP %s:%d;branch=z9hG4bKd%d\r\n' "$from" $((20000 + dials)) $dials
		printf 'From: "Alice" <sip:+12125550150@a.example>;tag=d%d\r\n' $dials
		printf 'To: <sip:%s@a.example>\r\nCall-ID: dial%d@inside.example\r\n' "$_n" $dials
		printf 'CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n'
		printf 'Contact: <sip:alice@%s:%d>\r\n' "$from" $((20000 + dials))
		sdp="v=0${crlf}o=a 1 1 IN IP4 198.51.100.1${crlf}s=-${crlf}c=IN IP4 198.51.100.1${crlf}t=0 0${crlf}m=audio 6000 RTP/SAVP 0${crlf}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz${crlf}"
		printf 'Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s' ${#sdp} "$sdp"
	} >"$work/dial$dials"
	"$sipua" -l "$from:$((20000 + dials))" -d "$to" -t 12 "$@" "$work/dial$dials" \
	    >"$work/heard$dials" 2>&1
	code=$(tr -d '\r' <"$work/heard$dials" | awk '/^SIP\/2.0 [2-6]/ { c = $2 }
	    /^CSeq: .*INVITE/ && c != "" { print c; exit } /^--/ { c = "" }')
}
trunked() { grep -c "^INVITE sip:$1@" "$work/trunk.msg" || :; }
trapped() { grep -c "^${2:-INVITE} " "$work/trap$1" || :; }
logged() { grep -c -e "$1" "$work/a/log" || :; }
metric() { ctl a show metrics | sed -n "s/^$1 //p"; }

case_kamailio() {
	start_a
	start_kamailio "${1:-}"
	k=$(pbx a):5060
	trap_row 1 -p 180 -r 200 -H "Contact: <sip:x@r1.example;transport=tls>"
	trap_row 2 -r 503
	trap_row 3 -r 486
	trap_row 4 -r 403 -H "ViPR-Refusal: not-ours"
	trap_row 5 -s

	# 302, and the call goes directly.
	n=$(row_number 1)
	dial 1 "$n" "$k" -w 300
	is "a direct call" "200 0 1" "$code $(trunked "$n") $(trapped 1)"
	ok "its ACK arrives" soon 3 grep -q '^ACK ' "$work/trap1"
	ok "and its BYE" soon 3 grep -q '^BYE ' "$work/trap1"
	ok "with our ticket" grep -q '^ViPR-Ticket: TICKET-OF-ROW-1' "$work/trap1"
	is "the token does not leave" 0 "$(tr -d '\r' <"$work/trap1" | grep -cE "[+][0-9]+[.][a-z2-7]{16}" || :)"
	is "the telephone rings" 1 "$(grep -c '^SIP/2.0 180 ' "$work/heard$dials")"
	is "the telephone sees no 302" 0 "$(grep -c '^SIP/2.0 302 ' "$work/heard$dials")"
	# 404, and Kamailio takes its trunk.
	n=+14089990200
	dial 0 "$n" "$k"
	is "no route: the trunk" "200 1" "$code $(trunked "$n")"
	dial 0 911 "$k"
	is "an emergency call: the trunk, as dialled" 1 "$(trunked 911)"
	# 500, and Kamailio takes its trunk.
	for r in 2 4 5; do
		n=$(row_number $r)
		dial $r "$n" "$k"
		is "row $r fails directly: the trunk" "200 1 1" "$code $(trunked "$n") $(trapped $r)"
	done
	is "nothing of the token at the trunk" 0 \
	    "$(tr -d '\r' <"$work/trunk.msg" | grep -cE '[+][0-9]+[.][a-z2-7]{16}' || :)"
	is "a strike" "active 1" "$(ctl a -j show routes "$(row_number 2)" | jq -r '"\(.state) \(.strikes)"')"
	is "a refusal removes the route" removed "$(route_state a "$(row_number 4)")"
	n=$(row_number 4)
	dial 4 "$n" "$k"
	is "next time the trunk at once" "200 2 1" "$code $(trunked "$n") $(trapped 4)"
	# The callee's own answer.
	n=$(row_number 3)
	dial 3 "$n" "$k"
	is "busy is passed on" "486 0" "$code $(trunked "$n")"
	# Nobody at the callee's host.
	n=$(row_number 6)
	dial 6 "$n" "$k"
	is "no connection: the trunk" "200 1" "$code $(trunked "$n")"
	dial 6 "$n" "$k"
	is "its host is skipped" "200 2 1" \
	    "$code $(trunked "$n") $(logged 'not redirected: reason=host-skipped')"
	# The caller gives up while it rings.
	n=$(row_number 3)
	is "302s are counted" 6 "$(metric vipr_sip_redirects_total)"
	is "calls that came" 6 "$(metric vipr_sip_redirected_calls_total)"
	is "and failed" 4 "$(metric vipr_sip_redirected_failed_total)"
	is "none went to a trunk here" 0 "$(metric vipr_sip_calls_to_trunk_total)"
	ok "explain tells" sh -c "'$viprctl' -s '$work/a/vipr.sock' explain $(row_number 2) | grep -q 'redirected: failed status-503'"
	is "no alarm of Kamailio" 0 "$(grep -cE 'ERROR|CRITICAL' "$work/kam/log" || :)"
	# The box dies: Kamailio goes on.
	box_stop a
	n=+14089980200
	dial 0 "$n" "$k"
	is "no box: the trunk" "200 1" "$code $(trunked "$n")"
}

# The same over TCP between Kamailio and the box.
case_tcp() {
	case_kamailio ";transport=tcp"
}

# Whoever finds a token.
case_token() {
	start_a
	trap_row 1 -r 200 -H "Contact: <sip:x@r1.example;transport=tls>"
	n=$(row_number 1)
	dial_from=10
	dial 1 "$n" 127.91.1.1:5070
	is "302" 302 "$code"
	uri=$(tr -d '\r' <"$work/heard$dials" | sed -n 's/^Contact: <sip:\([^@]*\)@.*/\1/p')
	is "form of the token" 1 "$(printf '%s\n' "$uri" | grep -cE '^[+][0-9]+[.][a-z2-7]{47}$')"
	dial_from=66
	dial 1 "$n" 127.91.1.1:5070
	is "a stranger learns nothing" 0 "$(grep -c '^SIP/2.0 302' "$work/heard$dials")"
	dial_from=10
	dial 1 "$(printf '%s' "$uri" | sed 's/.$/b/; s/[.]a/.b/')" 127.91.1.1:5060
	is "a forged token" "403 0" "$code $(trapped 1)"
	is "its line in the log" 1 "$(logged 'redirected call refused: reason=token-forged')"
	dial 1 "$uri" 127.91.1.1:5060
	is "the right one" "200 1" "$code $(trapped 1)"
	dial 1 "$(printf '%s' "$uri" | tr a-z A-Z)" 127.91.1.1:5060
	is "in capitals" "200 2" "$code $(trapped 1)"
	# Sealed under a key that a restart keeps.
	box_stop a
	box_start a || fatal "a did not start"
	ok "there is an active route again" soon 5 route_is a "$n" active
	dial 1 "$uri" 127.91.1.1:5060
	is "after a restart" "200 3" "$code $(trapped 1)"
	# Its time is over when the clock is 31 s on.
	sed -i 's/^permit private/&\ntest clock-offset 60/' "$work/a/viprd.conf"
	ctl a reload >/dev/null || fatal "reload"
	dial 1 "$uri" 127.91.1.1:5060
	is "too late" "404 3" "$code $(trapped 1)"
	is "its line in the log" 1 "$(logged 'redirected call refused: reason=token-expired')"
	is "never to the trunk" 0 "$(grep -c '^INVITE' "$work/trunk.msg" || :)"
}

# A capture server made of Kamailio's sipcapture; what it understood of a packet
# becomes a line of $work/cap/db/sip_capture when it ends.
start_capture() {
	mkdir -p "$work/cap/db"
	cat >"$work/cap/cfg" <<CONF
#!KAMAILIO
dns=no
rev_dns=no
loadmodule "db_text.so"
loadmodule "sipcapture.so"
modparam("sipcapture", "db_url", "text://$work/cap/db")
modparam("sipcapture", "table_name", "sip_capture")
modparam("sipcapture", "capture_on", 1)
modparam("sipcapture", "hep_capture_on", 1)
modparam("sipcapture", "insert_retry_timeout", 0)
request_route {
	sip_capture();
	drop;
}
reply_route {
	sip_capture();
	drop;
}
CONF
	columns=
	for c in date:int micro_ts:int method reply_reason ruri ruri_user ruri_domain \
	    from_user from_domain from_tag to_user to_domain to_tag pid_user contact_user \
	    auth_user callid callid_aleg via_1 via_1_branch cseq diversion reason \
	    content_type auth user_agent source_ip source_port:int destination_ip \
	    destination_port:int contact_ip contact_port:int originator_ip \
	    originator_port:int proto:int family:int rtp_stat type:int node \
	    correlation_id msg custom_field1 custom_field2 custom_field3; do
		case $c in *:*) t=${c#*:} ;; *) t=string ;; esac
		columns="$columns ${c%:*}($t,null)"
	done
	printf '%s\n' "${columns# }" >"$work/cap/db/sip_capture"
	"$kamailio" -f "$work/cap/cfg" -l udp:127.91.1.30:9060 -DD -E -n 1 -m 16 -M 4 \
	    -Y "$work/cap" -w "$work/cap" >"$work/cap/log" 2>&1 </dev/null &
	capture=$!
	pids="$pids $capture"
	soon 15 sh -c "ss -Hlun 'src 127.91.1.30:9060' | grep -q ." || fatal "$(cat "$work/cap/log")"
}
# Lines as "METHOD SOURCE DESTINATION PROTOCOL NODE CORRELATION CALL-ID".
captured() {
	sed 's/\\:/%/g' "$work/cap/db/sip_capture" | awk -F: 'NR > 1 {
		print $3, $27 ":" $28, $29 ":" $30, $35, $39, $40, $17 }'
}

# Copies of all messages, but nothing secret in them.
case_capture() {
	start_a "capture hep 127.91.1.30 port 9060 id 77"
	ok "an alarm says so" grep -q 'capture hep 127.91.1.30:9060: a copy of every SIP message' "$work/a/log"
	ok "viprd -n warns" sh -c "'$viprd' -n -f '$work/a/viprd.conf' 2>&1 | grep -q 'warning: sip: capture hep'"
	trap_row 1 -r 200 -H "Contact: <sip:x@r1.example;transport=tls>"
	# Nobody listens there: calls do not mind.
	dial_from=10
	dial 1 "$(row_number 1)" 127.91.1.1:5060
	is "no capture server: the call" "200 1" "$code $(trapped 1)"
	start_capture
	dial 1 "$(row_number 1)" 127.91.1.1:5060
	is "the call" "200 2" "$code $(trapped 1)"
	dial 0 +14089990200 127.91.1.1:5060
	is "a call to the trunk" 200 "$code"
	ok "none was dropped" test "$(metric vipr_sip_captures_dropped_total)" = 0
	kill $capture
	wait $capture 2>/dev/null
	captured >"$work/captured"
	is "the inside leg" 1 "$(grep -c "^INVITE 127.91.1.10:20002 127.91.1.1:5060 1 homer01%77 dial2@inside.example dial2@inside.example$" "$work/captured")"
	is "its answers" 2 "$(grep -c "^200 127.91.1.1:5060 127.91.1.10:20002 1 homer01%77 dial2@inside.example dial2@inside.example$" "$work/captured")"
	is "the outside leg, under the inside's Call-ID" 1 \
	    "$(grep -cE "^INVITE 127.91.1.1:[0-9]+ 127.91.6.1:5061 2 homer01%77 dial2@inside.example vq[^ ]+$" "$work/captured")"
	is "its answers" 2 "$(grep -cE "^200 127.91.6.1:5061 127.91.1.1:[0-9]+ 2 homer01%77 dial2@inside.example vq[^ ]+$" "$work/captured")"
	is "the leg to the trunk" 1 "$(grep -c "^INVITE 127.91.1.1:5060 127.91.9.1:5060 1 homer01%77 dial3@inside.example" "$work/captured")"
	ok "ACK and BYE" test "$(grep -cE '^(ACK|BYE) ' "$work/captured")" -ge 8
	is "the ticket is blotted out" "1 0" \
	    "$(grep -c 'ViPR-Ticket\\: \*\*\*\*\*\*\*\*\*\*\*\*\*\*\*\\r' "$work/cap/db/sip_capture") $(grep -c TICKET-OF "$work/cap/db/sip_capture" || :)"
	is "keys of SRTP are blotted out" 0 "$(grep -c WVNfX19 "$work/cap/db/sip_capture" || :)"
	ok "where they stood" grep -q 'inline\\:\*\*\*\*' "$work/cap/db/sip_capture"
	# Switched off by a reload.
	sed -i '/capture hep/d' "$work/a/viprd.conf"
	ctl a reload >/dev/null || fatal "reload"
	before=$(metric vipr_sip_captured_total)
	ok "copies were counted" test "${before:-0}" -gt 20
	dial 0 +14089990200 127.91.1.1:5060
	is "switched off: the call" 200 "$code"
	is "and no copy" "$before" "$(metric vipr_sip_captured_total)"
}

case_"$1"
