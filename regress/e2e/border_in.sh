# Requests from outside, as a hostile peer would make them: sections 1 and 2
# of the border's rules.  sh border_in.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"
. "$VIPR_SRC/regress/e2e/border_b.sh"

# -- who may connect --

# tls WHAT WANT CERTIFICATE [ARGUMENTS...]
tls() {
	_w=$1 _x=$2 _c=$3
	shift 3
	peer 4 "$_c" "$@"
	expect "$_w" "$_x" 4 method=OPTIONS
	hang_up 4
}
case_tls() {
	start_b
	# The hand-shake's time: a peer that says nothing.
	openssl s_client -starttls smtp -connect 127.91.2.1:5061 </dev/null >/dev/null 2>&1 &
	mute=$!
	pids="$pids $mute"
	since=$(date +%s)
	usage=extendedKeyUsage
	cert eku_client "subjectAltName=DNS:a.example\n$usage=clientAuth"
	cert eku_sip "subjectAltName=DNS:a.example\n$usage=1.3.6.1.5.5.7.3.20"
	cert eku_any "subjectAltName=DNS:a.example\n$usage=anyExtendedKeyUsage"
	cert eku_none "subjectAltName=DNS:a.example"
	cert wildcard "subjectAltName=DNS:*.example\n$usage=serverAuth"
	cert cn "$usage=serverAuth" /CN=a.example
	cert address "subjectAltName=IP:127.0.0.1\n$usage=serverAuth"
	cert expired "subjectAltName=DNS:a.example\n$usage=serverAuth" / -days -1
	cert upper "subjectAltName=DNS:A.Example\n$usage=serverAuth"
	cert sipuri "subjectAltName=URI:sip:x.example,DNS:a.example\n$usage=serverAuth"
	cert sipuser "subjectAltName=URI:sip:u@x.example,DNS:a.example\n$usage=serverAuth"
	cert sipport "subjectAltName=URI:sip:x.example:5061,DNS:a.example\n$usage=serverAuth"
	cert sipparam "subjectAltName=URI:sip:x.example;a=b,DNS:a.example\n$usage=serverAuth"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \
	    "$work/ca/other.key" -out "$work/ca/other.pem" -subj "/CN=other" -days 30 2>/dev/null
	ca=$work/ca/other.pem cakey=$work/ca/other.key
	good_cert stranger
	unset ca cakey
	tls "serverAuth, DNS name" 200 a.example
	tls "no certificate" closed ""
	tls "TLS 1.2" closed a.example -tls1_2
	tls "clientAuth alone" closed eku_client
	tls "id-kp-sipDomain" 200 eku_sip
	tls "anyExtendedKeyUsage" 200 eku_any
	tls "no EKU" 200 eku_none
	tls "wildcard alone" closed wildcard
	tls "CN alone" closed cn
	tls "address alone" closed address
	tls "expired" closed expired
	tls "another root" closed stranger
	tls "upper-case name" 200 upper
	# What the names are worth.
	peer 4 upper
	expect "a.example's ticket, name in upper case" 200 4 ticket="$good"
	finish_call 4
	hang_up 4
	peer 4 sipuri
	expect "DNS names are not looked at beside a sip URI" "403 bad-ticket" 4 ticket="$good"
	x=$(ticket ticket b.example x.example $n200 3600)
	expect "the sip URI is the name" 200 4 ticket="$x"
	finish_call 4
	hang_up 4
	for c in sipuser sipport sipparam; do
		peer 4 $c
		expect "$c: no name, the DNS name is" 200 4 ticket="$good"
		finish_call 4
		expect "$c: the URI's host is none" "403 bad-ticket" 4 ticket="$x"
		hang_up 4
	done
	# Of several names the ticket's grantee is the one that is sealed.
	cert both "subjectAltName=DNS:c.example,DNS:a.example\n$usage=serverAuth"
	peer 4 both
	peer 5 a.example
	peer 6 c.example
	open_call 4
	within "INFO by the other name alone" 481 6 INFO
	within "INFO by the grantee alone" 200 5 INFO
	within "BYE by the grantee alone" 200 5 BYE
	for i in 4 5 6; do hang_up $i; done
	ok "a silent peer is closed" soon 8 gone $mute
	took=$(($(date +%s) - since))
	ok "not before 4 s nor after 7 s ($took)" test $took -ge 4 -a $took -le 7
	ok "the log says why one was refused" grep -q 'names no SIP domain' "$work/b/log"
}

# -- strict reading --

# strict WHAT WANT SED [NAME=VALUE...]
strict() {
	_w=$1 _x=$2 _s=$3
	shift 3
	peer 4 a.example
	expect "$_w" "$_x" 4 method=OPTIONS sed="$_s" "$@"
	hang_up 4
}
case_strict() {
	start_b
	strict "as it should be" 200 ""
	strict "compact forms" 200 's/^Via:/v:/;s/^From:/f:/;s/^To:/t:/;s/^Call-ID:/i:/;s/^Content-Length:/l:/'
	strict "no Content-Length" 400 '/^Content-Length/d'
	strict "two Content-Lengths" 400 's/^\(Content-Length.*\)$/\1\n\1/'
	strict "Content-Length and l" 400 's/^Content-Length\(.*\)$/&\nl\1/'
	strict "Content-Length +0" 400 's/^Content-Length: 0/Content-Length: +0/'
	strict "Content-Length 0x0" 400 's/^Content-Length: 0/Content-Length: 0x0/'
	strict "Content-Length -1" 400 's/^Content-Length: 0/Content-Length: -1/'
	strict "Content-Length 0, 0" 400 's/^Content-Length: 0/Content-Length: 0, 0/'
	strict "empty Content-Length" 400 's/^Content-Length: 0/Content-Length: /'
	for h in From To Call-ID CSeq Max-Forwards; do
		strict "$h twice" 400 "s/^\\($h.*\\)\$/\\1\\n\\1/"
	done
	strict "f beside From" 400 's/^From\(.*\)$/&\nf\1/'
	strict "invalid UTF-8" 400 's/^Contact/Subject: \xff\xfe\r\nContact/'
	strict "a control character" 400 's/^Contact/Subject: a\x01b\r\nContact/'
	strict "NUL" 400 's/^Contact/Subject: a\x00b\r\nContact/'
	strict "DEL" 400 's/^Contact/Subject: a\x7fb\r\nContact/'
	strict "bare CR" 400 's/^Contact/Subject: a\rb\r\nContact/'
	strict "bare LF" 400 's/^Call-ID\(.*\)\r$/Call-ID\1/'
	strict "no From tag" 400 's/;tag=f[0-9]*//'
	strict "no From" 400 '/^From/d'
	strict "no To" 400 '/^To/d'
	strict "no Call-ID" 400 '/^Call-ID/d'
	strict "no CSeq" 400 '/^CSeq/d'
	strict "CSeq 2147483647" 200 "" cseq=2147483647
	strict "CSeq 2147483648" 400 "" cseq=2147483648
	strict "CSeq 4294967297" 400 "" cseq=4294967297
	strict "CSeq of another method" 400 's/^CSeq.*\r$/CSeq: 1 INVITE\r/'
	strict "Max-Forwards 255" 200 "" maxfwd=255
	strict "Max-Forwards 256" 400 "" maxfwd=256
	strict "Max-Forwards x" 400 "" maxfwd=x
	strict "UTF-8" 200 's/^Contact/Subject: \xc3\xbc\r\nContact/'
	strict "folded" 200 's/^Call-ID: /Call-ID:\r\n /'
	strict "a 400 carries no code" 400 '/^From/d' method=INVITE ticket="$good"
	# How big.
	big=$(printf '%070000d' 0)
	peer 4 a.example
	expect "70 KB of body" 413 4 ticket="$good" body="$big"
	ok "and it closes" soon 3 peer_gone 4
	hang_up 4
	h=
	i=0
	while [ $i -lt 201 ]; do h="${h}X-A: $i\\r\\n" i=$((i + 1)); done
	peer 4 a.example
	expect "over 200 header lines" 400 4 sed="s/^Contact/${h}Contact/"
	ok "and it closes" soon 3 peer_gone 4
	hang_up 4
	v=
	i=0
	while [ $i -lt 69 ]; do
		v="${v}Via: SIP\\/2.0\\/TLS v.example;branch=z9hG4bK$i\\r\\n" i=$((i + 1))
	done
	strict "70 Vias" 200 "s/^From/${v}From/"
	peer 4 a.example
	expect "71 Vias" 400 4 sed="s/^From/${v}Via: SIP\\/2.0\\/TLS v;branch=z9hG4bKv\\r\\nFrom/"
	ok "and it closes" soon 3 peer_gone 4
	hang_up 4
	# Many at once, from one who reads the answers.
	peer 4 a.example
	ask 4 method=OPTIONS
	mark 4
	request method=OPTIONS branch=z9hG4bKmany
	for i in $(seq 300); do sed "s/z9hG4bKmany/&$i/;s/^CSeq: 1/CSeq: $i/" "$work/msg"; done >"$work/many"
	cat "$work/many" >&4
	all() { [ "$(news 4 | grep -c '^SIP/2.0 200')" -eq 300 ]; }
	ok "300 requests in one go are all answered" soon 5 all
	hang_up 4
	# Slow: complete 10 s after its first byte.
	peer 4 a.example
	ask 4 method=OPTIONS
	since=$(date +%s)
	printf 'OPTIONS sip:b.example SIP/2.0\r\nVia: ' >&4
	ok "an unfinished message is closed" soon 13 peer_gone 4
	took=$(($(date +%s) - since))
	ok "after 10 s ($took)" test $took -ge 9 -a $took -le 12
	hang_up 4
	is "the PBX saw none of it" 0 "$(seen pbx '^[A-Z]* sip:')"
}

# -- requests that begin something --

case_requests() {
	start_b
	peer 4 a.example
	for m in REGISTER SUBSCRIBE NOTIFY PUBLISH MESSAGE REFER UNKNOWN invite; do
		expect "$m" 405 4 method=$m ticket="$good"
		is "$m: Allow" "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS" \
		    "$(field Allow)"
	done
	expect "OPTIONS" 200 4 method=OPTIONS
	is "OPTIONS: Allow" "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS" \
	    "$(field Allow)"
	expect "OPTIONS to nobody" 200 4 method=OPTIONS uri=sip:nobody@elsewhere.example
	expect "OPTIONS to the domain" 200 4 method=OPTIONS uri=sip:b.example
	expect "OPTIONS in no dialog of ours" 200 4 method=OPTIONS "to=<sip:x@b.example>;tag=x"
	for h in "Replaces: a@b;to-tag=1;from-tag=2" "Join: a@b;to-tag=1;from-tag=2"; do
		expect "INVITE with $h" "403 policy" 4 ticket="$good" hdr="$h"
		expect "INVITE without ticket with $h" "403 policy" 4 hdr="$h"
		expect "BYE with $h" 403 4 method=BYE hdr="$h" "to=<sip:x@b.example>;tag=x"
		expect "INFO with $h" 403 4 method=INFO hdr="$h"
	done
	for m in BYE UPDATE INFO PRACK CANCEL; do
		expect "$m without To tag" 481 4 method=$m ticket="$good"
		expect "$m with a To tag of nothing" 481 4 method=$m \
		    "to=<sip:$target@b.example>;tag=x"
	done
	expect "INVITE with a To tag, ticket or not" 481 4 ticket="$good" \
	    "to=<sip:$target@b.example>;tag=x"
	send 4 method=ACK "to=<sip:$target@b.example>;tag=x"
	send 4 method=ACK
	expect "an ACK of nothing is not answered" 200 4 method=OPTIONS
	is "an ACK of nothing is not answered" 1 "$(printf '%s\n' "$resp" | grep -c '^SIP/2.0')"
	expect "no hops left" 483 4 ticket="$good" maxfwd=0
	expect "no ticket, but a Route of ours" "403 no-ticket" 4 \
	    hdr="Route: <sip:127.91.2.1:5061;transport=tls;lr>"
	is "the PBX saw none of it" 0 "$(seen pbx '^[A-Z]* sip:')"
	expect "a ticket, and a Route of ours" 200 4 ticket="$good" \
	    hdr="Route: <sip:127.91.2.1:5061;transport=tls;lr>"
	finish_call 4
	expect "a ticket, and a Route elsewhere" 200 4 ticket="$good" \
	    hdr="Route: <sip:127.91.9.1:5060;lr>"
	finish_call 4
	is "no trunk was asked" 0 "$(seen trunk '^[A-Z]* sip:')"
	# A response of no transaction goes nowhere, whatever its Via says.
	pbx_lines=$(wc -l <"$work/pbx.msg")
	mark 4
	printf '%s\r\n' "SIP/2.0 200 OK" "Via: SIP/2.0/TLS 127.91.2.1:5061;branch=z9hG4bK1" \
	    "Via: SIP/2.0/UDP $(pbx b):5060;branch=z9hG4bK2" "From: <sip:a@b>;tag=1" \
	    "To: <sip:a@b>;tag=2" "Call-ID: x" "CSeq: 1 INVITE" "Content-Length: 0" "" >&4
	expect "after a response out of the blue" 200 4 method=OPTIONS
	is "it reached no PBX" "$pbx_lines" "$(wc -l <"$work/pbx.msg")"
	# Answers go back where the request came from.
	expect "whatever Via says" 200 4 method=OPTIONS \
	    sed="s/^Via: .*\$/Via: SIP\\/2.0\\/UDP 127.91.9.1:5060;maddr=127.91.9.1;received=127.91.9.1;rport=5060;branch=z9hG4bKmaddr\\r/"
	is "and nowhere else" 0 "$(seen trunk SIP/2.0)"
	hang_up 4
}

# ruri WHAT WANT URI
ruri() {
	expect "Request-URI $1" "$2" 4 ticket="$good" "uri=$1"
	[ "$code" != 200 ] || finish_call 4
}
case_uri() {
	start_b "name alias.example"
	peer 4 a.example
	ruri "sip:$n200@b.example" 200
	is "it leaves as +DIGITS at the PBX" "INVITE sip:$n200@127.91.2.10:5060 SIP/2.0" \
	    "$(message pbx '^INVITE' | head -n 1)"
	ruri "sips:$n200@b.example" 200
	ruri "SIP:$n200@B.Example" 200
	ruri "sip:$n200@127.91.2.1" 200
	ruri "sip:$n200@127.91.2.1:5061" 200
	ruri "sip:$n200@alias.example" 200
	ruri "sip:%2b1408555%30200@b.example" 200
	ruri "sip:$n200@b.example;user=phone;transport=tls;maddr=127.91.9.1" 200
	is "without its parameters" "INVITE sip:$n200@127.91.2.10:5060 SIP/2.0" \
	    "$(message pbx '^INVITE' | head -n 1)"
	ruri "tel:$n200" 200
	ruri "tel:+1-408-555-0200" 200
	ruri "sip:$n200@b.example?Subject=x" 400
	ruri "sip:$n200@b.example?Replaces=a%40b" 400
	for u in "sip:${n200#+}@b.example" "sip:+1408555@b.example" "sip:b.example" \
	    "sip:+1234567890123456@b.example" "sip:$n200;phone-context=x@b.example" \
	    "sip:$n200:pw@b.example" "sip:$n200@c.example" \
	    "sip:$n200@x.b.example" "sip:$n200@127.91.2.10" "sip:+1-408-555-0200@b.example" \
	    "tel:${n200#+};phone-context=+1" "tel:$n200;ext=1" "tel:${n200#+}" \
	    "mailto:$n200@b.example" "sip:x$n200@b.example" "sip:%2525@b.example" \
	    "sip:+1408555020a@b.example" "urn:service:sos"; do
		ruri "$u" "403 wrong-number"
	done
	hang_up 4
	is "no trunk was asked" 0 "$(seen trunk '^[A-Z]* sip:')"
}

case_ticket() {
	start_b
	peer 4 a.example
	other=+14085550201
	stray=+14085559999
	expect "no ticket" "403 no-ticket" 4
	expect "empty header" "403 no-ticket" 4 hdr="ViPR-Ticket: "
	expect "no ticket, a number that is not ours" "403 no-ticket" 4 uri=sip:$stray@b.example
	expect "unreadable" "403 bad-ticket" 4 ticket=x
	expect "not base64url" "403 bad-ticket" 4 ticket="$good="
	expect "too long" "403 bad-ticket" 4 ticket="$(printf 'A%.0s' $(seq 400))"
	expect "two headers" "403 bad-ticket" 4 ticket="$good" hdr="ViPR-Ticket: $good"
	expect "two tickets in one header" "403 bad-ticket" 4 ticket="$good, $good"
	expect "a known name and the other" "403 bad-ticket" 4 ticket="$good" \
	    hdr="X-Cisco-ViPR-Ticket: $good"
	expect "a receipt" "403 bad-ticket" 4 \
	    ticket="$(ticket receipt b.example a.example $n200 3600)"
	expect "another granting domain" "403 bad-ticket" 4 \
	    ticket="$(ticket ticket x.example a.example $n200 3600)"
	expect "another grantee" "403 bad-ticket" 4 \
	    ticket="$(ticket ticket b.example c.example $n200 3600)"
	c=$(printf %s "$good" | cut -c60)
	[ "$c" = A ] && c=B || c=A
	expect "one character altered" "403 bad-ticket" 4 \
	    ticket="$(printf %s "$good" | cut -c1-59)$c$(printf %s "$good" | cut -c61-)"
	expect "cut short" "403 bad-ticket" 4 ticket="$(printf %s "$good" | cut -c1-80)"
	expect "another's, and expired" "403 bad-ticket" 4 \
	    ticket="$(ticket ticket b.example c.example $n200 -60)"
	expect "for another number" "403 wrong-number" 4 \
	    ticket="$(ticket ticket b.example a.example $other 3600)"
	expect "for another number, and expired" "403 wrong-number" 4 \
	    ticket="$(ticket ticket b.example a.example $other -60)"
	expect "not ours now" "403 not-ours" 4 uri=sip:$stray@b.example \
	    ticket="$(ticket ticket b.example a.example $stray 3600)"
	expect "not ours, and expired" "403 not-ours" 4 uri=sip:$stray@b.example \
	    ticket="$(ticket ticket b.example a.example $stray -60)"
	old=$(ticket ticket b.example a.example $n200 -60)
	expect "expired" "403 expired" 4 ticket="$old"
	is "no 6xx, and a reason in the log" 1 "$(grep -c 'a.example refused: reason=expired' "$work/b/log")"
	is "the PBX saw none of it" 0 "$(seen pbx '^[A-Z]* sip:')"
	expect "the drafts' name" 200 4 hdr="X-Cisco-ViPR-Ticket: $good"
	finish_call 4
	expect "the header's name in lower case" 200 4 hdr="vipr-ticket:$good"
	finish_call 4
	# Revoked comes before all that follows; it does not wait for anything.
	foreign=$(ticket ticket b.example a.example $other 3600)
	ok "revoke" ctl b revoke grantee a.example
	expect "revoked" "403 revoked" 4 ticket="$good"
	expect "revoked, another number" "403 revoked" 4 ticket="$foreign"
	expect "revoked and expired" "403 revoked" 4 ticket="$old"
	# key hangs, then is away.
	key=$(proc_pid b key)
	kill -STOP "$key"
	wait_s=8
	expect "key does not answer" "503 busy" 4 ticket="$good"
	wait_s=5
	is "Retry-After" 5 "$(field Retry-After)"
	kill -CONT "$key"
	# Nobody restarts it while its parent is stopped.
	top=$(cat "$work/b/pid")
	kill -STOP "$top"
	kill -9 "$key"
	away() { ask 4 ticket="$foreign" uri=sip:$other@b.example; [ "$code" = 503 ]; }
	ok "key is away" soon 3 away
	is "key is away" "503 busy" "$code $refusal"
	is "Retry-After" 5 "$(field Retry-After)"
	kill -CONT "$top"
	# sipgw starts again with it.
	here() {
		! peer_gone 4 || { hang_up 4; peer 4 a.example; }
		ask 4 ticket="$good"
		[ "$code" = 403 ]
	}
	soon 10 here
	is "key is back and remembers" "403 revoked" "$code $refusal"
	hang_up 4
}

case_headers() {
	start_b
	peer 4 a.example
	expect "a call with all that a stranger can think of" 200 4 ticket="$good" \
	    "from=\"A\" <sip:+12125550150;verstat=TN-Validation-Passed@a.example;verstat=x>;tag=v;verstat=y" \
	    hdr="Alert-Info: <http://x/>;info=alert-autoanswer" hdr="Answer-Mode: Auto;require" \
	    hdr="Priv-Answer-Mode: Auto" hdr="Call-Info: <sip:x>;answer-after=0" \
	    hdr="P-Asserted-Identity: <sip:+12125550199@a.example>" \
	    hdr="P-Preferred-Identity: <sip:x@y>" hdr="Remote-Party-ID: <sip:x@y>" \
	    hdr="Identity: x" hdr="Privacy: id" hdr="Authorization: Digest x" \
	    hdr="Proxy-Authorization: Digest x" hdr="Diversion: <sip:x@y>" \
	    hdr="History-Info: <sip:x@y>;index=1" hdr="Referred-By: <sip:x@y>" \
	    hdr="Reply-To: <sip:x@y>" hdr="Reason: SIP;cause=200" hdr="Subject: x" \
	    hdr="Organization: x" hdr="Date: Sat, 13 Nov 2010 23:29:00 GMT" \
	    hdr="Geolocation: <sip:x>" hdr="P-Charging-Vector: x" hdr="X-Secret: x" \
	    hdr="ViPR-Refusal: policy" hdr="Record-Route: <sip:evil.example;lr>" \
	    hdr="Accept-Contact: *" hdr="Path: <sip:x>" hdr="Service-Route: <sip:x>" \
	    hdr="Server: x" hdr="Timestamp: 1" hdr="Priority: emergency" \
	    hdr="Supported: timer,100rel" hdr="Allow: INVITE" hdr="Accept: application/sdp" \
	    hdr="Session-Expires: 1800" hdr="Min-SE: 90" hdr="Expires: 120" \
	    hdr="User-Agent: ua" hdr="Session-ID: ab30317f1a784dc48ff824d0d3715d86" \
	    hdr="Content-Disposition: session" hdr="Content-Type: application/sdp" body="v=0"
	message pbx '^INVITE' >"$work/inward"
	names=$(sed -n '2,/^$/s/^\([A-Za-z-]*\):.*/\1/p' "$work/inward" | sort -u | tr '\n' ' ')
	is "only these pass inward" "Accept Allow CSeq Call-ID Contact Content-Disposition Content-Length Content-Type Expires From Max-Forwards Min-SE Session-Expires Session-ID Supported To User-Agent Via " "$names"
	is "no verstat" 0 "$(grep -ci verstat "$work/inward")"
	ok "From stays, without the name" grep -q '^From: <sip:+12125550150@a.example>;tag=v' "$work/inward"
	is "no host of the peer in Contact or Record-Route" 0 \
	    "$(grep -E '^(Contact|Record-Route)' "$work/inward" | grep -c evil)"
	ok "Contact is ours" grep -q '^Contact: <sip:.*127.91.2.1' "$work/inward"
	is "Max-Forwards counts down" 69 "$(sed -n 's/^Max-Forwards: //p' "$work/inward")"
	is "the ticket stays here" 0 "$(grep -ci ticket "$work/pbx.msg")"
	is "no host of the PBX in the answer" 0 "$(printf '%s\n' "$resp" |
	    grep -v '^[a-z]=' | grep -c '127.91.2.10')"
	is "no code in a 200" 0 "$(printf '%s\n' "$resp" | grep -c ViPR-Refusal)"
	is "what is not known stays inside" 0 "$(printf '%s\n' "$resp" | grep -c "^X-")"
	# The session timer is between the two borders.
	is "only these pass outward" "CSeq Call-ID Contact Content-Length Content-Type From Record-Route To Via " \
	    "$(printf '%s\n' "$resp" | sed -n '2,/^$/s/^\([A-Za-z-]*\):.*/\1/p' |
	    grep -v '^\(Session-Expires\|Require\)$' | sort -u | tr '\n' ' ')"
	is "the status line is ours" "SIP/2.0 200 OK" "$(printf '%s\n' "$resp" | head -n 1)"
	finish_call 4
	# What the PBX answers, and what becomes of it.
	for s in 300 302 305 401 407; do
		t=$(ticket ticket b.example a.example +14085550$s 3600)
		expect "the PBX's $s" 480 4 uri=sip:+14085550$s@b.example ticket="$t"
		is "nothing of the PBX in it ($s)" 0 "$(printf '%s\n' "$resp" |
		    grep -c '127.91.2.10\|X-Host\|ViPR')"
	done
	phrase() { printf '%s\n' "$resp" | head -n 1; }
	t=$(ticket ticket b.example a.example +14085550486 3600)
	expect "the PBX's 486 Answer" 486 4 uri=sip:+14085550486@b.example ticket="$t"
	is "has our own phrase" "SIP/2.0 486 Busy Here" "$(phrase)"
	for s in 486 404 500 503 603 606; do
		t=$(ticket ticket b.example a.example +14085550$s 3600)
		expect "the PBX's $s" $s 4 uri=sip:+14085550$s@b.example ticket="$t"
		is "nothing of the PBX in it ($s)" 0 "$(printf '%s\n' "$resp" |
		    grep -c '127.91.2.10\|X-Host\|ViPR')"
	done
	hang_up 4
}

# -- dialogs --

case_dialogs() {
	start_b
	peer 4 a.example
	peer 5 c.example
	open_call 4
	ok "the ACK reached the PBX" soon 3 pbx_got ACK 0
	ok "Contact is sealed" test "$(printf %s "$cookie" | wc -c)" -gt 60
	ok "Record-Route is sealed" test "$(printf %s "$rr" | wc -c)" -gt 60
	is "two different seals" no "$([ "${cookie#*:}" = "$(echo "$rr" | sed 's/.*sip:\([^>;]*\).*/\1/')" ] && echo yes || echo no)"
	n=$(wc -l <"$work/pbx.msg")
	within "BYE from another domain" 481 5 BYE
	within "re-INVITE from another domain" 481 5 INVITE
	within "with its own ticket even" 481 5 INVITE \
	    ticket="$(ticket ticket b.example c.example $n200 3600)"
	for i in 3 20 40 60; do
		c=$(altered "$cookie" $i)
		[ "$c" = "$cookie" ] || within "BYE, cookie altered at $i" 481 4 BYE uri="$c"
	done
	within "BYE in another call" 481 4 BYE callid=other
	within "BYE, another creator's tag" 481 4 BYE from="<sip:x@a.example>;tag=other"
	within "BYE, another callee's tag" 481 4 BYE to="<sip:x@b.example>;tag=other"
	within "BYE, no callee's tag" 481 4 BYE to="<sip:x@b.example>"
	within "BYE, tags the other way round" 481 4 BYE from="$dto" to="$dfrom"
	within "BYE to the number" 481 4 BYE uri="sip:$n200@b.example"
	within "BYE to the PBX" 481 4 BYE uri="sip:ua@127.91.2.10:5060"
	within "BYE with a Route of another" 481 4 BYE hdr="Route: <sip:127.91.9.1:5060;lr>"
	within "BYE with ours and another" 481 4 BYE hdr="Route: $rr, <sip:127.91.9.1:5060;lr>"
	within "BYE with another and ours" 481 4 BYE hdr="Route: <sip:127.91.9.1:5060;lr>, $rr"
	within "BYE with two Route headers" 481 4 BYE hdr="Route: $rr" hdr="Route: <sip:x;lr>"
	within "BYE to the Record-Route" 481 4 BYE \
	    uri="$(echo "$rr" | sed 's/.*<\([^>;]*\).*/\1/')"
	within "re-INVITE with Replaces" "403 policy" 4 INVITE hdr="Replaces: a@b;to-tag=1;from-tag=2"
	within "REFER" 405 4 REFER hdr="Refer-To: <sip:+19005550100@b.example>"
	is "the PBX saw none of it" "$n" "$(wc -l <"$work/pbx.msg")"
	is "nor the trunk" 0 "$(seen trunk SIP)"
	within "OPTIONS" 200 4 OPTIONS
	within "INFO with our Route" 200 4 INFO hdr="Route: $rr"
	is "it goes to the PBX's Contact" "INFO sip:ua@127.91.2.10:5060 SIP/2.0" \
	    "$(message pbx '^INFO' | head -n 1)"
	within "INFO, code and headers" 200 4 INFO hdr="ViPR-Refusal: policy" hdr="Alert-Info: <x:y>"
	is "are not for the PBX" 0 "$(message pbx '^INFO' | grep -c '^Alert-Info\|^ViPR')"
	within "UPDATE" 200 4 UPDATE
	within "re-INVITE" 200 4 INVITE
	send 4 method=ACK uri="$cookie" from="$dfrom" to="$dto" callid="$dcall" cseq=$cs
	is "the PBX sees our Contact" 0 "$(message pbx '^INVITE' | grep -c '^Contact.*evil')"
	for s in 302 401 407; do
		within "re-INVITE, the PBX's $s" 480 4 INVITE hdr="User-Agent: answer $s"
		within "INFO, the PBX's $s" 480 4 INFO hdr="User-Agent: answer $s"
		is "nothing of the PBX in it ($s)" 0 "$(printf '%s\n' "$resp" |
		    grep -c '127.91.2.10\|X-Host\|ViPR')"
	done
	within "re-INVITE, the PBX's 488" 488 4 INVITE hdr="User-Agent: answer 488"
	within "the call goes on" 200 4 INFO
	# Another connection of the same domain.
	hang_up 4
	peer 6 a.example
	within "INFO on a new connection of the same domain" 200 6 INFO
	# The PBX's own requests go to the grantee, wherever they say they go.
	message pbx '^INVITE' >"$work/inward"
	invite_from=$(sed -n 's/^From: //p' "$work/inward")
	invite_call=$(sed -n 's/^Call-ID: //p' "$work/inward")
	invite_to=$(sed -n 's/^To: //p' "$work/inward")
	case $invite_to in *tag=*) ;; *) invite_to="$invite_to;tag=ua" ;; esac
	for u in sip:evil@127.91.9.1:5060 sip:peer@evil.example; do
		for r in "" "Route: <sip:127.91.9.1:5060;lr>$crlf"; do
			mark 6
			{
				printf 'INFO %s SIP/2.0\r\n' "$u"
				printf 'Via: SIP/2.0/UDP 127.91.2.10:5070;branch=z9hG4bKp%s\r\n' $cs
				printf 'From: %s\r\nTo: %s\r\n' "$invite_to" "$invite_from"
				printf 'Call-ID: %s\r\nCSeq: %d INFO\r\n' "$invite_call" $cs
				printf '%sMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n' "$r"
			} >"$work/msg"
			cs=$((cs + 1))
			"$sipua" -l 127.91.2.10:5070 -d 127.91.2.1:5060 -t 1 "$work/msg" >"$work/say.out" &
			say=$!
			ok "the PBX's INFO to $u" soon 2 peer_got 6 INFO
			is "has the peer's Contact as target" "INFO sip:peer@evil.example;transport=tls SIP/2.0" \
			    "$(news 6 | grep ^INFO | head -n 1)"
			is "and nothing of the PBX" 0 "$(news 6 | grep -c '127.91.2.10')"
			wait $say
		done
	done
	is "no trunk was asked" 0 "$(seen trunk SIP)"
	# What is sealed outlives the process that sealed it.
	old=$(proc_pid b sipgw)
	kill -9 "$old"
	back() { p=$(proc_pid b sipgw); [ -n "$p" ] && [ "$p" != "$old" ] && [ "$p" != null ]; }
	soon 10 back
	hang_up 5
	hang_up 6
	up() { peer 6 a.example; ask 6 method=OPTIONS; [ "$code" = 200 ] || { hang_up 6; return 1; }; }
	soon 10 up
	peer 5 c.example
	within "BYE from another domain after a crash" 481 5 BYE
	within "BYE after a crash" 200 6 BYE
	hang_up 5
	hang_up 6
}

case_cancel() {
	start_b
	ring=$(ticket ticket b.example a.example $n180 3600)
	peer 4 a.example
	peer 5 c.example
	peer 6 a.example
	send 4 ticket="$ring" uri=sip:$n180@b.example branch=z9hG4bKring
	icall=$callid ifrom=$from
	ok "it rings" soon 3 peer_got 4 'SIP/2.0 180'
	set -- method=CANCEL uri=sip:$n180@b.example branch=z9hG4bKring callid="$icall" from="$ifrom"
	expect "CANCEL by another domain" 481 5 "$@"
	expect "CANCEL, another branch" 481 4 "$@" branch=z9hG4bKother
	is "no CANCEL at the PBX" 0 "$(seen pbx '^CANCEL ')"
	expect "CANCEL on another connection of the same domain" 200 6 "$@"
	soon 3 peer_got 4 'SIP/2.0 487'
	is "the INVITE is answered" 1 "$(news 4 | grep -c '^SIP/2.0 487')"
	expect "CANCEL again" 200 4 "$@"
	is "one CANCEL at the PBX" 1 "$(seen pbx '^CANCEL ')"
	send 4 "$@" method=ACK
	# A connection lost ends nothing that is not answered but the call itself.
	send 4 ticket="$ring" uri=sip:$n180@b.example branch=z9hG4bKring2
	ok "it rings" soon 3 peer_got 4 'SIP/2.0 180'
	set -- method=CANCEL uri=sip:$n180@b.example branch=z9hG4bKring2 callid="$callid" from="$from"
	send 4 "$@"
	send 4 "$@"
	soon 3 peer_got 4 'SIP/2.0 487'
	is "two at once: one at the PBX" 2 "$(seen pbx '^CANCEL ')"
	for i in 4 5 6; do hang_up $i; done
}

# -- time --

clock() {
	sed -i "s/^test clock-offset.*/test clock-offset $1/" "$work/b/viprd.conf"
	ctl b reload
}
case_time() {
	start_b "" "test clock-offset 80000"
	cert short "subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth" / -days 1
	good=$(ticket ticket b.example a.example $n200 500000)
	peer 4 short
	open_call 4
	# The certificate ends on the open connection.
	clock 86500
	told() { within "x" x 4 OPTIONS >/dev/null; ask 4 ticket="$good"; [ "$code" != 200 ] || finish_call 4; [ "$code $refusal" = "403 policy" ]; }
	c=$checks f=$failed
	ok "a new INVITE after the certificate's end" soon 5 told
	checks=$((c + 1)) failed=$f
	is "a new INVITE after the certificate's end" "403 policy" "$code $refusal"
	within "the dialog goes on" 200 4 INFO
	within "re-INVITE too" 200 4 INVITE
	send 4 method=ACK uri="$cookie" from="$dfrom" to="$dto" callid="$dcall" cseq=$cs
	within "BYE" 200 4 BYE
	peer 5 a.example
	expect "other connections are not touched" 200 5 method=OPTIONS
	# A seal is good for a day.
	open_call 5
	clock $((86500 + 86300))
	within "almost a day later" 200 5 INFO
	within "re-INVITE" 200 5 INVITE
	renewed=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/')
	send 5 method=ACK uri="$cookie" from="$dfrom" to="$dto" callid="$dcall" cseq=$cs
	clock $((86500 + 86500))
	late() { within "x" x 5 INFO >/dev/null; [ "$code" = 481 ]; }
	c=$checks f=$failed
	soon 5 late
	checks=$c failed=$f
	is "a day later" 481 "$code"
	within "the seal that the re-INVITE renewed" 200 5 INFO uri="$renewed"
	ok "the connection closes when it is idle" soon 60 peer_gone 4
	hang_up 4
	hang_up 5
}

# -- names --

# Who a caller is, as our own records have it.
case_identity() {
	start_b "country 1
	national 1
	international 011"
	box_stop b
	"$forge" "$work/b/data/key" "$work/b/master.key" route a.example \
	    "sip:+12125550150@a.example;transport=tls" +12125550150 86400 TICKET || fatal "no route"
	box_again b
	ok "a number is tied to a.example" soon 5 route_is b +12125550150 active
	peer 4 a.example
	peer 5 c.example
	pai() { message pbx '^INVITE' | sed -n 's/^P-Asserted-Identity: *//p'; }
	for v in "" ";verstat=TN-Validation-Passed"; do
		expect "the owner calls" 200 4 ticket="$good" \
		    from="\"A\" <sip:+12125550150$v@a.example>;tag=i$request_n" \
		    hdr="P-Asserted-Identity: <sip:+12125550199@a.example>"
		is "verified" "<sip:+12125550150@a.example>" "$(pai)"
		finish_call 4
	done
	expect "the owner shows another number" 200 4 ticket="$good" \
	    from="<sip:+12125550151@a.example>;tag=i$request_n" \
	    hdr="P-Asserted-Identity: <sip:+12125550151@a.example>"
	is "not verified" "" "$(pai)"
	finish_call 4
	other=$(ticket ticket b.example c.example $n200 3600)
	expect "another domain shows that number" 200 5 ticket="$other" \
	    from="<sip:+12125550150@a.example>;tag=i$request_n" \
	    hdr="P-Asserted-Identity: <sip:+12125550150@a.example>"
	is "not verified" "" "$(pai)"
	finish_call 5
	is "two were" 2 "$(metric calls_verified)"
	# The same as the PBX's trunk would show it.
	sed -i 's/^	country 1/	present national\n	country 1/' "$work/b/viprd.conf"
	ctl b reload
	national() {
		ask 4 ticket="$good" from="\"A\" <sip:+12125550150@a.example>;tag=i$request_n"
		[ "$code" = 200 ] || return 1
		finish_call 4
		[ "$(pai)" = "<sip:12125550150@a.example>" ]
	}
	ok "in national form" soon 5 national
	is "Request-URI, too" "INVITE sip:14085550200@127.91.2.10:5060 SIP/2.0" \
	    "$(message pbx '^INVITE' | head -n 1)"
	is "From, too" 1 "$(message pbx '^INVITE' | grep -c '^From: <sip:12125550150@a.example>;tag=')"
	hang_up 4
	hang_up 5
}

complete=no
case_"$1"
complete=yes
