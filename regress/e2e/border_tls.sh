# TLS of the border: resumption, tickets remembered, certificates replaced
# under calls, floods, TLS towards the PBX.  sh border_tls.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"

siptrap=$build/regress/tools/siptrap
tlspeer=$build/regress/tools/tlspeer
n200=+14085550200
# metric X NAME
metric() { ctl "$1" show metrics | awk -v n="vipr_sip_$2" '$1 == n || $1 == n "_total" { print $2 }'; }
# box_b [LINES OF sip [LINES]]
box_b() {
	sip_ca || fatal "no certificate authority"
	for c in a.example b.example c.example; do good_cert $c || fatal "no certificate"; done
	sip_conf b "+14085550000 to +14085551999" "${2:-}" "${1:-}"
	phone pbx "$(pbx b):5060"
	phone trunk 127.91.9.1:5060
	box_up b
	target=$n200
	good=$(ticket ticket b.example a.example $n200 3600)
	[ -n "$good" ] || fatal "no ticket"
}

# -- resumption --

# came_in CERTIFICATE [ARGUMENTS]: one connection with an OPTIONS; sets code,
# signed (signatures that B's key was asked for) and resumed.
came_in() {
	_s=$(metric b tls_signatures) _r=$(metric b tls_resumed)
	peer 4 "$@"
	ask 4 method=OPTIONS
	hang_up 4
	signed=$(($(metric b tls_signatures) - _s))
	resumed=$(($(metric b tls_resumed) - _r))
}
# resumes WHAT "CODE SIGNED RESUMED" CERTIFICATE
resumes() {
	came_in "$3" -sess_in "$work/session" -sess_out "$work/session.new"
	is "$1" "$2" "$code $signed $resumed"
	[ ! -s "$work/session.new" ] || mv "$work/session.new" "$work/session"
}
whole() {
	rm -f "$work/session"
	came_in "$1" -sess_out "$work/session"
	is "a whole handshake of $1" "200 1 0" "$code $signed $resumed"
	ok "it brings a session" test -s "$work/session"
}
clock() {
	sed -i "s/^test clock-offset.*/test clock-offset $1/" "$work/b/viprd.conf"
	ctl b reload
}
case_resume() {
	box_b "" "test clock-offset 0"
	# Refused: no session either.
	cert client "subjectAltName=DNS:a.example\nextendedKeyUsage=clientAuth"
	came_in client -sess_out "$work/session"
	is "a certificate that is refused" closed "$code"
	ok "no session for it" not test -s "$work/session"
	came_in "" -sess_out "$work/session"
	is "no certificate" closed "$code"
	ok "no session for it" not test -s "$work/session"
	whole a.example
	openssl sess_id -in "$work/session" -noout -text >"$work/session.txt" 2>&1
	ok "no early data" grep -q 'Max Early Data: 0$' "$work/session.txt"
	resumes "resumed, without a signature" "200 0 1" a.example
	resumes "and again" "200 0 1" a.example
	# Who it is was settled by the session's certificate.
	peer 4 c.example -sess_in "$work/session"
	expect "resumed by c.example: it is a.example still" "200" 4 ticket="$good"
	finish_call 4
	x=$(ticket ticket b.example c.example $n200 3600)
	expect "and not c.example" "403 bad-ticket" 4 ticket="$x"
	hang_up 4
	resumes "resumed without any certificate" "200 0 1" ""
	# The same configuration again changes nothing, another certificate does.
	ctl b reload
	resumes "after a reload" "200 0 1" a.example
	good_cert b.example
	ctl b reload
	resumes "after a reload with another certificate" "200 1 0" a.example
	resumes "resumed under the new one" "200 0 1" a.example
	# Revocation.
	ctl b revoke grantee nobody.example
	resumes "after a revocation" "200 1 0" a.example
	resumes "resumed after it" "200 0 1" a.example
	# Other roots: the session's certificate is judged by them.
	cp "$work/ca/sip.pem" "$work/ca/sip.was"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \
	    "$work/ca/other.key" -out "$work/ca/other.pem" -subj "/CN=other" -days 30 2>/dev/null
	# Somebody who was resumed, so that intermediates come from the ticket, and
	# one with a root of its own are connected.
	ca=$work/ca/other.pem cakey=$work/ca/other.key
	good_cert c.example
	unset ca cakey
	cat "$work/ca/sip.was" "$work/ca/other.pem" >"$work/ca/sip.pem"
	ctl b reload
	whole a.example
	peer 5 a.example -sess_in "$work/session"
	peer 6 c.example
	expect "both are connected" 200 5 ticket="$good"
	dtag=$(field To) duri=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/') dfrom=$from dcallid=$callid
	send 5 method=ACK uri="$duri" from="$dfrom" to="$dtag" callid="$dcallid"
	x=$(ticket ticket b.example c.example $n200 3600)
	expect "and make calls" 200 6 ticket="$x"
	finish_call 6
	cp "$work/ca/other.pem" "$work/ca/sip.pem"
	ctl b reload
	distrusted() { ask 5 ticket="$good"; [ "$code" != 200 ] || finish_call 5; [ "$code $refusal" = "403 policy" ]; }
	ok "a root is gone: no new call on an open connection" soon 5 distrusted
	ask 5 method=INFO uri="$duri" from="$dfrom" to="$dtag" callid="$dcallid" cseq=20
	is "but the dialog goes on" 200 "$code"
	ask 5 method=BYE uri="$duri" from="$dfrom" to="$dtag" callid="$dcallid" cseq=21
	ok "then it is closed" soon 20 peer_gone 5
	expect "who has the other root makes calls" 200 6 ticket="$x"
	finish_call 6
	hang_up 5
	hang_up 6
	came_in a.example -sess_in "$work/session"
	is "after the roots are others" closed "$code"
	cp "$work/ca/sip.was" "$work/ca/sip.pem"
	ctl b reload
	# Its date: the shifted clock ends the certificate.
	cert short "subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth" / -days 1
	whole short
	resumes "resumed by a certificate of a day" "200 0 1" short
	clock 86500
	resumes "not when it has ended" "200 1 0" short
	# A box resumes towards others, too: see case client.
}

moves=0
moved() {
	moves=$((moves + 1))
	echo "host m$moves.example address 127.91.7.$moves" >>"$work/a/viprd.conf"
	ctl a reload
}
# A calls B: the second connection is resumed, and no key signs for it.
case_client() {
	two_boxes
	signatures() { echo "$(metric a tls_signatures) $(metric b tls_signatures)"; }
	ok "a direct call" direct_call +14085550200
	is "both sign" "1 1" "$(signatures)"
	ok "another on the same connection" direct_call +14085550201
	is "nobody signs" "1 1" "$(signatures)"
	is "one connection" 1 "$(metric a connections_made)"
	ctl a reload
	ok "the same configuration again" direct_call +14085550205
	is "the same connection" 1 "$(metric a connections_made)"
	# Hosts may have moved: new connections, but the host is known.
	moved
	ok "a call after the reload" direct_call +14085550202
	is "resumed, nobody signs" "1 1" "$(signatures)"
	is "another connection" 2 "$(metric a connections_made)"
	is "B says so" 1 "$(metric b tls_resumed)"
	good_cert b.example
	ctl b reload
	moved
	ok "B has another certificate" direct_call +14085550203
	is "a whole handshake" "2 2" "$(signatures)"
	ctl a revoke grantee nobody.example
	moved
	ok "after a revocation at A" direct_call +14085550204
	is "nothing is kept: a whole handshake" "3 3" "$(signatures)"
	is "none of them took the trunk" 0 "$(seen trunk '^INVITE')"
}

# -- two boxes with routes from A to B --

# two_boxes [LINES OF sip OF BOTH [NUMBERS]]: routes for the last 20 of B's 00
# to 99, or so many.
two_boxes() {
	sip_ca || fatal "no certificate authority"
	for c in a.example b.example; do good_cert $c || fatal "no certificate"; done
	box_hosts="host a.example address 127.91.1.1 port 5061
host b.example address 127.91.2.1 port 5061"
	sip_conf b "+14085550000 to +14085551999" "$box_hosts" "${1:-}"
	sip_conf a "+12125550100 to +12125550199" "$box_hosts" "${1:-}"
	phones_start b
	phone trunk 127.91.9.1:5060
	for c in a b; do box_up $c; done
	box_stop a
	i=0
	while [ $i -lt "${2:-20}" ]; do
		n=+14085550$((200 + i))
		t=$(ticket ticket b.example a.example $n 86400)
		"$forge" "$work/a/data/key" "$work/a/master.key" route b.example \
		    "sip:$n@b.example;transport=tls" $n 86400 "$t" || fatal "no route"
		i=$((i + 1))
	done
	box_again a
	ok "there is an active route" soon 5 route_is a +14085550200 active
}
ends() {
	[ ! -f "$work/b/phones.pid" ] || pids="$pids $(cat "$work/b/phones.pid")"
}
# direct_call NUMBER: a call of one of A's phones that is answered and ended.
direct_call() { call a "$1" 0; }


# -- tickets remembered --

case_known() {
	names=
	for i in $(seq 20); do names="$names,DNS:g$i.example"; done
	box_b
	known() { metric b ticket_checks_known; }
	cert grantees "subjectAltName=${names#,}\nextendedKeyUsage=serverAuth"
	peer 4 grantees
	for i in $(seq 20); do
		t=$(ticket ticket b.example g$i.example $n200 3600)
		expect "g$i: the ticket is good" 200 4 ticket="$t"
		finish_call 4
		k=$(known)
		expect "g$i: and still good" 200 4 ticket="$t"
		finish_call 4
		is "g$i: without a question to key" $((k + 1)) "$(known)"
		request ticket="$t"
		mark 4
		ctl b revoke grantee g$i.example
		cat "$work/msg" >&4
		result 4
		is "g$i: revoked when viprctl is back" "403 revoked" "$code${refusal:+ $refusal}"
	done
	peer 5 a.example
	expect "another grantee: asked" 200 5 ticket="$good"
	finish_call 5
	k=$(known)
	expect "another grantee: known" 200 5 ticket="$good"
	finish_call 5
	is "known" $((k + 1)) "$(known)"
	ctl b key rotate >/dev/null
	expect "a new epoch: good" 200 5 ticket="$good"
	finish_call 5
	is "but asked" $((k + 1)) "$(known)"
	expect "known again" 200 5 ticket="$good"
	finish_call 5
	is "known again" $((k + 2)) "$(known)"
	x=$(ticket ticket b.example a.example +14085551200 3600)
	expect "another ticket for that number" "403 wrong-number" 5 ticket="$x"
	expect "that ticket for its own number" 200 5 ticket="$x" uri=sip:+14085551200@b.example
	finish_call 5
	# The numbers change.
	sed -i "s/^numbers.*/numbers { +14085551000 to +14085551999 }/" "$work/b/viprd.conf"
	ctl b reload
	expect "not ours any more" "403 not-ours" 5 ticket="$good"
	sed -i "s/^numbers.*/numbers { +14085550000 to +14085551999 }/" "$work/b/viprd.conf"
	ctl b reload
	expect "ours again" 200 5 ticket="$good"
	finish_call 5
	# The hour's limit counts calls that needed no question, too.
	n=0
	while expect_quiet 5; do n=$((n + 1)); [ $n -lt 70 ] || break; done
	is "the limit of an hour" "503 busy" "$code $refusal"
	hang_up 4
	hang_up 5
}
expect_quiet() {
	ask "$1" ticket="$good"
	[ "$code" = 200 ] || return 1
	finish_call "$1"
}

# -- certificates replaced under calls --

# swap X I: the I-th of its prepared certificates.
swap() {
	cp "$work/ca/$1.example.$2.key" "$work/ca/$1.example.key"
	cp "$work/ca/$1.example.$2.crt" "$work/ca/$1.example.crt"
	ctl "$1" reload
}
# By hand: RELOAD_SECONDS=60 CPS=300 is what the border is meant to bear.
case_reload() {
	seconds=${RELOAD_SECONDS:-10}
	cps=${CPS:-30}
	two_boxes "limit 100000 per hour
	limit 10000 at once
	limit 10000 calls per second
	limit 10000 calls at once
	limit 100000 requests per second" 50
	for c in a b; do
		for i in 1 2 3 4 5 6; do
			good_cert $c.example || fatal "no certificate"
			cp "$work/ca/$c.example.key" "$work/ca/$c.example.$i.key"
			cp "$work/ca/$c.example.crt" "$work/ca/$c.example.$i.crt"
		done
	done
	sed 's/\[service\]/[field0]/g;s/\[caller\]/[field1]/g' "$e2e/uac.xml" >"$work/many.xml"
	{
		echo SEQUENTIAL
		i=0
		while [ $i -lt 5000 ]; do
			echo "+14085550$((200 + i % 50));+121255501$((10 + i % 83 ))"
			i=$((i + 1))
		done
	} >"$work/many.csv"
	# Somebody outside with a call that lasts.
	x=$(ticket ticket b.example a.example $n200 3600)
	peer 4 a.example.1
	target=$n200
	send 4 ticket="$x"
	result 4
	is "a call from elsewhere" 200 "$code"
	_tag=$(field To) _uri=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/') _from=$from _callid=$callid
	send 4 method=ACK uri="$_uri" from="$_from" to="$_tag" callid="$_callid"
	calls=$((seconds * cps))
	(cd "$work/a" && exec sipp -sf "$work/many.xml" -inf "$work/many.csv" "$(ip a):5060" \
	    -i "$(pbx a)" -p 5070 -m $calls -r $cps -d "${HOLD_MS:-200}" -l 20000 \
	    -key media 198.51.100.1 -nostdin -timeout $((seconds + 60)) \
	    -trace_stat -stf "$work/many.stat" >"$work/many.out" 2>&1 </dev/null) &
	sipp=$!
	pids="$pids $sipp"
	n=0
	until [ ! -d /proc/$sipp ] || [ $n -ge $((seconds * 4)) ]; do
		n=$((n + 1))
		before=$(date +%s%N)
		swap b $((n % 6 + 1)) || is "reload $n of b" yes no
		swap a $((n % 6 + 1)) || is "reload $n of a" yes no
		left=$((250 - ($(date +%s%N) - before) / 1000000))
		[ $left -le 0 ] || sleep "0.$(printf '%03d' $left)"
	done
	wait $sipp
	is "sipp: every call was made and answered" 0 $?
	is "no call took the trunk" 0 "$(seen trunk '^INVITE')"
	is "no call fell back" 0 "$(metric a fallbacks)"
	is "all calls were direct" $calls "$(metric a calls_direct)"
	for c in a b; do
		is "$c: no connection failed" 0 "$(metric $c connections_failed)"
		ok "$c: none was refused" not grep -q 'failed:\|refused' "$work/$c/log"
	done
	ok "the connection from elsewhere is open" not peer_gone 4
	ask 4 method=BYE uri="$_uri" from="$_from" to="$_tag" callid="$_callid" cseq=2
	is "and its call, too" 200 "$code"
	hang_up 4
	echo "reload: reloads=$n calls=$calls cps=$cps connections=$(metric a connections_made) signatures=$(metric b tls_signatures)"
	ends
}

# -- floods --

# pss X: kB of its sipgw.
pss() { awk '/^Pss:/ { print $2 }' "/proc/$(proc_pid "$1" sipgw)/smaps_rollup"; }
# Inside calls go on: one through B's trunk to its PBX.
inside_call() {
	sed "s/@LOCAL@/127.91.9.2:5066/;s/@ID@/in$1/" >"$work/inside.msg" <<EOF
INVITE sip:$n200@127.91.2.1 SIP/2.0
Via: SIP/2.0/UDP @LOCAL@;branch=z9hG4bK@ID@
From: <sip:+12125550150@127.91.9.2>;tag=@ID@
To: <sip:$n200@127.91.2.1>
Call-ID: @ID@
CSeq: 1 INVITE
Contact: <sip:x@@LOCAL@>
Max-Forwards: 70
Content-Length: 0

EOF
	sed -i 's/$/\r/' "$work/inside.msg"
	"$sipua" -l 127.91.9.2:5066 -d 127.91.2.1:5060 -t 10 "$work/inside.msg" >"$work/inside.out"
}
peers() { "$tlspeer" -C "$work/ca/sip.pem" -K "$work/ca/sip.key" "$@"; }
# flood WHAT SECONDS-AT-LEAST SECONDS-AT-MOST COUNT MODE
flood() {
	was=$(pss b)
	peers -n "$4" 127.91.2.1:5061 "$5" >"$work/flood" 2>&1 &
	flooder=$!
	pids="$pids $flooder"
	sleep 1
	inside_call "$5"
	is "$1: calls inside go on" 0 $?
	peak=$(pss b)
	wait $flooder
	is "$1: all are closed" 0 $?
	# "closed N after A to B ms"
	read -r _ _ _ least _ most _ <"$work/flood"
	ok "$1: not before $2 s ($least ms)" test "$least" -ge $(($2 * 1000))
	ok "$1: after $3 s at most ($most ms)" test "$most" -le $(($3 * 1000))
	# A sanitizer keeps what was freed.
	grep -q __asan_init "$build/sipgw" ||
	    ok "$1: memory is bounded ($was to $peak kB)" test $((peak - was)) -le $(($4 * 80 + 4000))
	inside_call "after$5"
	is "$1: and afterwards" 0 $?
}
case_floods() {
	box_b "trunk \"other\" at 127.91.9.2 port 5066 udp"
	inside_call first || fatal "no call inside"
	flood "connections that say nothing" 4 9 200 mute
	# More of them than may be in a handshake: the oldest make room.
	peers -n 900 127.91.2.1:5061 mute >"$work/flood" 2>&1 &
	flooder=$!
	pids="$pids $flooder"
	sleep 1
	peer 4 a.example
	expect "900 that say nothing: another comes in" 200 4 ticket="$good"
	finish_call 4
	hang_up 4
	wait $flooder
	is "and all of them are closed" 0 $?
	ok "some before their 5 s" awk '{ exit !($4 < 4000) }' "$work/flood"
	flood "a byte a second" 9 16 100 slow
	flood "who never reads" 0 15 20 pipe
	kill -0 "$(proc_pid b sipgw)"
	is "sipgw lives" 0 $?
}

# -- many names --

case_names() {
	names=
	for i in $(seq 40); do names="$names,DNS:n$i.example"; done
	box_b
	cert forty "subjectAltName=${names#,}\nextendedKeyUsage=serverAuth"
	peer 4 forty
	expect "40 names: the first" 200 4 ticket="$(ticket ticket b.example n1.example $n200 3600)"
	finish_call 4
	expect "40 names: the 32nd" 200 4 ticket="$(ticket ticket b.example n32.example $n200 3600)"
	finish_call 4
	expect "40 names: the 33rd does not count" "403 bad-ticket" 4 \
	    ticket="$(ticket ticket b.example n33.example $n200 3600)"
	ok "the log says so" grep -q 'n1.example: 40 names, the first 32 count' "$work/b/log"
	hang_up 4
	cert b.example "subjectAltName=${names#,},DNS:b.example\nextendedKeyUsage=serverAuth"
	chmod 600 "$work/ca/b.example.key"
	"$viprd" -n -f "$work/b/viprd.conf" >"$work/check" 2>&1
	ok "viprd -n warns of such a one of ours" grep -q \
	    'b.example is not among its first 32 names' "$work/check"
}

# -- a certificate ends on an open connection that is in use --

case_expired() {
	box_b "" "test clock-offset 80000"
	cert short "subjectAltName=DNS:a.example\nextendedKeyUsage=serverAuth" / -days 1
	good=$(ticket ticket b.example a.example $n200 500000)
	peer 4 short
	send 4 ticket="$good"
	result 4
	is "a call" 200 "$code"
	_tag=$(field To) _uri=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/') _from=$from _callid=$callid
	info() { ask 4 method=INFO uri="$_uri" from="$_from" to="$_tag" callid="$_callid" cseq="$1"; }
	send 4 method=ACK uri="$_uri" from="$_from" to="$_tag" callid="$_callid"
	clock $((86400 + 3000))
	refused() { ask 4 ticket="$good"; [ "$code $refusal" = "403 policy" ]; }
	ok "no new call after its end" soon 5 refused
	info 10
	is "but the dialog goes on, 50 minutes later" 200 "$code"
	clock $((86400 + 3700))
	ok "an hour later it closes, dialog or not" soon 30 peer_gone 4
	hang_up 4
}

# -- TLS towards the PBX --

# pbx_tls CERTIFICATE [ARGUMENTS]: B's PBX, which answers 486.
pbx_tls() {
	[ -z "${trap_pid:-}" ] || { kill $trap_pid; wait $trap_pid 2>/dev/null; }
	c=$1
	shift
	"$siptrap" -l "$(pbx b):5061" -c "$work/ca/$c.crt" -k "$work/ca/$c.key" "$@" \
	    >"$work/trap" 2>&1 &
	trap_pid=$!
	pids="$pids $trap_pid"
	soon 5 grep -q '0A025B7F:13C5.* 0A ' /proc/net/tcp || fatal "the PBX does not listen"
}
# to_pbx WHAT WANT: a call from outside.  B is asked anew first: an earlier
# failure keeps the PBX in the penalty box.
to_pbx() {
	_w=$1 _x=$2
	box_stop b
	: >"$work/b/log"
	box_start b || fatal "b did not start"
	peer 4 a.example
	expect "$_w" "$_x" 4 ticket="$good"
	hang_up 4
}
hop_known() { ctl b -j show hops | grep -q "$(pbx b)"; }
opened() { [ "$(metric b connections_accepted)" -ge "$1" ]; }
case_inside() {
	inside="inside ca \"$work/ca/inside.pem\"
	inside certificate \"$work/ca/own.crt\"
	inside key \"$work/ca/own.key\"
	listen inside on 127.91.2.1 port 5063 tls"
	mkdir -p "$work/ca"
	for r in inside alien; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \
		    "$work/ca/$r.key" -out "$work/ca/$r.pem" -subj "/CN=$r" -days 30 2>/dev/null
	done
	ca=$work/ca/inside.pem cakey=$work/ca/inside.key
	good_cert own
	good_cert pbx.example
	good_cert other.example
	cert literal "subjectAltName=IP:$(pbx b)"
	ca=$work/ca/alien.pem cakey=$work/ca/alien.key
	cert stranger "subjectAltName=DNS:pbx.example"
	unset ca cakey
	chmod 600 "$work/ca/own.key"
	box_b "$inside" "host pbx.example address $(pbx b)"
	sed -i 's/pbx "pbx" at .*/pbx "pbx" at pbx.example port 5061 tls ping no/' "$work/b/viprd.conf"
	pbx_tls pbx.example
	to_pbx "a PBX with TLS 1.3" 486
	ok "it got the call" grep -q "^INVITE sip:$n200@" "$work/trap"
	ok "over TLS, by its Via" grep -q '^Via: SIP/2.0/TLS 127.91.2.1' "$work/trap"
	pbx_tls pbx.example -2
	to_pbx "a PBX with TLS 1.2 alone" 486
	pbx_tls pbx.example -a "$work/ca/inside.pem"
	to_pbx "a PBX that wants our certificate" 486
	pbx_tls pbx.example -a "$work/ca/alien.pem"
	to_pbx "a PBX that does not believe it" 503
	pbx_tls other.example
	to_pbx "another name" 503
	ok "the log says why" grep -q 'certificate is for another host' "$work/b/log"
	pbx_tls stranger
	to_pbx "another root" 503
	sed -i "s/pbx \"pbx\" at .*/pbx \"pbx\" at $(pbx b) port 5061 tls/" "$work/b/viprd.conf"
	pbx_tls literal
	to_pbx "an address, and a certificate for it" 486
	pbx_tls pbx.example
	to_pbx "an address, and a certificate for a name" 503
	sed -i 's/pbx "pbx" at .*/pbx "pbx" at pbx.example port 5061 tls ping no/' "$work/b/viprd.conf"
	# A connection that the PBX opened is the way to it if it proves who it is.
	to_pbx "back to its name" 486
	for c in "" other.example pbx.example; do
		: >"$work/trap"
		pbx_tls pbx.example
		# Not before its name is looked up is it a PBX.
		ok "the PBX has an address" soon 5 hop_known
		peer 6 "$c" -connect 127.91.2.1:5063 -bind "$(pbx b)"
		ok "its connection, certificate '$c', is open" soon 5 opened 1
		peer 4 a.example
		send 4 ticket="$good"
		case $c in
		pbx.example)
			ok "the call takes the connection that it opened" \
			    soon 5 grep -q '^INVITE' "$work/out6" ;;
		*)
			result 4
			is "not the one that proves nothing ('$c')" "486 no" \
			    "$code $(grep -q '^INVITE' "$work/out6" && echo yes || echo no)" ;;
		esac
		hang_up 4
		hang_up 6
		box_stop b
		box_start b || fatal "b did not start"
	done
	ok "the PBX has an address" soon 5 hop_known
	peer 6 stranger -connect 127.91.2.1:5063 -bind "$(pbx b)"
	ok "one that is not of inside ca is refused" soon 5 peer_gone 6
	hang_up 6
	# Without roots there is no TLS to a PBX.
	sed -i '/inside ca/d' "$work/b/viprd.conf"
	"$viprd" -n -f "$work/b/viprd.conf" >"$work/check" 2>&1
	ok "and viprd -n says what is missing" grep -q 'expected inside ca FILE' "$work/check"
}

case_"$1"
ends
