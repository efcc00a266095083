# PBXs and trunks by name, dead and alive, over every transport and family, with
# whole processes: sh hops.sh CASE
. "$VIPR_SRC/regress/e2e/border_lib.sh"

dnsd=$build/regress/tools/dnsd
dns=127.91.8.53

# hop_conf X LINES [MORE LINES]: a box without an outside face.
hop_conf() {
	mkdir -p "$work/$1"
	cat >"$work/$1/viprd.conf" <<CONF
domain "$1.example"
data "$work/$1/data"
control socket "$work/$1/vipr.sock"
master key "$work/$1/master.key"
sip {
	listen inside on $(ip "$1") port 5060 udp
	listen inside on $(ip "$1") port 5060 tcp
	$2
}
numbers { +14085550000 to +14085551999 }
${3:-}
CONF
}
# hop X NAME FIELD: of its addresses, one a line.
hop() { ctl "$1" -j show hops | jq -r ".[] | select(.name==\"$2\") | .$3"; }
hop_is() { [ "$(hop "$1" "$2" state | sort -u | tr '\n' ' ')" = "$3 " ]; }
hops_at() { [ "$(hop "$1" "$2" address | sort | tr '\n' ' ')" = "$3" ]; }
# dial FROM NUMBER [CODE]: an INVITE from this address; its final answer.
dial() {
	# It runs in a subshell: no counter.
	id=$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')
	{
		printf 'INVITE sip:%s@127.91.2.1 SIP/2.0\r\n' "$2"
		printf 'Via: SIP/2.0/UDP %s;branch=z9hG4bKdial%s;rport\r\n' "$1" "$id"
		printf 'From: <sip:+14085550101@b.example>;tag=d%s\r\n' "$id"
		printf 'To: <sip:%s@b.example>\r\nCall-ID: dial%s\r\n' "$2" "$id"
		printf 'CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:x@%s>\r\n' "$1"
		printf 'Content-Length: 0\r\n\r\n'
	} >"$work/dial.msg"
	"$sipua" -l "$1" -d 127.91.2.1:5060 -t 20 "$work/dial.msg" >"$work/dial.out"
	tr -d '\r' <"$work/dial.out" |
	    sed -n 's/^SIP\/2.0 \([2-6][0-9][0-9]\).*/\1/p' | head -n 1
}

# -- by name --

case_names() {
	zone=$work/zone
	cat >"$zone" <<ZONE
pbx.b.example 1 naptr 10 10 SIP+D2T _wrong._tcp.b.example
pbx.b.example 1 naptr 20 10 SIP+D2U _phones._udp.b.example
_phones._udp.b.example 1 srv 20 0 5070 two.b.example
_phones._udp.b.example 1 srv 10 0 5070 one.b.example
one.b.example 1 a 127.91.2.10
two.b.example 1 a 127.91.2.11
_sip._udp.carrier.example 1 srv 10 5 5090 gw.carrier.example
gw.carrier.example 1 a 127.91.9.1
ZONE
	"$dnsd" -l $dns:5353 "$zone" &
	dns_pid=$!
	pids="$pids $dns_pid"
	hop_conf b "pbx p at pbx.b.example udp ping no
	trunk t at carrier.example udp ping no
	trunk lone at host.carrier.example port 5091 udp ping no priority 9" \
	    "resolver $dns port 5353
host host.carrier.example address 127.91.9.2"
	phone one 127.91.2.10:5070
	phone two 127.91.2.11:5070
	phone carrier 127.91.9.1:5090
	box_up b
	ok "SRV of the NAPTR record" soon 10 hops_at b p "127.91.2.10:5070 127.91.2.11:5070 "
	ok "SRV" soon 10 hops_at b t "127.91.9.1:5090 "
	ok "host entry and port" soon 10 hops_at b lone "127.91.9.2:5091 "
	is "a call to the trunk" 404 "$(dial 127.91.2.10:5999 +13035550404)"
	is "a call to the PBX" 404 "$(dial 127.91.9.1:5999 +14085550404)"
	is "it went to the first" 1 "$(seen one ^INVITE)"
	# The first PBX dies; the same call goes to the second.
	kill "$one_pid"
	wait "$one_pid" 2>/dev/null
	is "a call when the first is dead" 404 "$(dial 127.91.9.1:5999 +14085550404)"
	is "it went to the second" 1 "$(seen two ^INVITE)"
	ok "known by what came back" grep -q 'pbx p does not answer: address=127.91.2.10:5070 transport=udp reason=unreachable' "$work/b/log"
	# Another answer after the time to live.
	sed -i 's/^gw.carrier.example.*/gw.carrier.example 1 a 127.91.9.3/' "$zone"
	ok "a new address" soon 15 hops_at b t "127.91.9.3:5090 "
	phone gw 127.91.9.3:5090
	# The name server dies, and the configuration is loaded again.
	echo mute >>"$zone"
	ctl b reload >/dev/null || fatal "reload"
	ok "the log tells" soon 15 grep -q 'hop carrier.example: name servers do not answer' "$work/b/log"
	ok "addresses are kept" hops_at b t "127.91.9.3:5090 "
	is "a call while no name server answers" 404 "$(dial 127.91.2.11:5999 +13035550404)"
	is "it went to the new address" 1 "$(seen gw ^INVITE)"
	sed -i /mute/d "$zone"
	ok "the log tells the end" soon 30 grep -q 'hop carrier.example: looked up again' "$work/b/log"
}

# -- pings --

case_pings() {
	hop_conf b "pbx p at 127.91.2.10 udp ping no
	trunk one at 127.91.9.1 udp ping 5s priority 1
	trunk two at 127.91.9.2 udp ping 5s priority 2
	trunk three at 127.91.9.3 tcp ping 5s priority 3"
	phone two 127.91.9.2:5060
	box_up b
	ok "a dead one is known" soon 10 hop_is b one down
	ok "a live one is known" soon 10 hop_is b two up
	ok "a dead one on TCP is known" soon 10 hop_is b three down
	is "a call goes past the dead" 404 "$(dial 127.91.2.10:5999 +13035550404)"
	is "it went to the second" 1 "$(seen two ^INVITE)"
	is "calls are counted" 1 "$(hop b two calls)"
	phone one 127.91.9.1:5060
	ok "it comes back" soon 25 hop_is b one up
	ok "after two answers" [ "$(seen one ^OPTIONS)" -ge 2 ]
	is "the next call" 404 "$(dial 127.91.2.10:5999 +13035550404)"
	is "it went to the first" 1 "$(seen one ^INVITE)"
	ok "metrics" sh -c "'$viprctl' -s '$work/b/vipr.sock' show metrics | grep -q '^vipr_sip_hop_up{.*hop=\"one\".*} 1'"
	kill "$one_pid" "$two_pid"
	ok "the last one that dies is an alarm" soon 30 grep -q 'no trunk answers' "$work/b/log"
	is "show counts them" 3 "$(ctl b -j show | jq -r '.. | .hops_down? // empty')"
}

# -- transports and families --

# party FILE TRANSPORT ADDRESS PORT [ARGUMENTS...]: sipp.
family=IP4 media=198.51.100.1
party() {
	_file=$1
	case $2 in udp) _t=u1 ;; *) _t=t1 ;; esac
	_a=$3 _p=$4
	shift 4
	(cd "$work" && exec timeout 30 sipp -sf "$e2e/$_file.xml" -t $_t -i "$_a" -p "$_p" -m 1 \
	    -nostdin -key caller +12125550150 -key family $family -key media "$media" \
	    -timeout 20 -trace_msg -message_file "$work/$_file.msg" "$@" >$_file.out 2>&1 </dev/null)
}
listens() { ss -Hln | awk -v a="$1" '$5 == a { n++ } END { exit !n }'; }
# through CALLER CALLED NUMBER [BOX]: a call with an INVITE in its dialog, ended
# by the called party.  Parties as "tcp 127.91.9.1".
through() {
	what="$1 to $2"
	# shellcheck disable=SC2086
	set -- $1 $2 "$3" "${4:-}"
	box=$6
	if [ -z "$box" ]; then
		case $2 in *:*) box="[fd00:91::1]" ;; *) box=127.91.2.1 ;; esac
	fi
	: >"$work/hops_uac.msg" >"$work/hops_uas.msg"
	party hops_uas "$3" "$4" 5060 &
	uas=$!
	case $4 in *:*) _at="[$4]:5060" ;; *) _at=$4:5060 ;; esac
	soon 10 listens "$_at" || fatal "$what: nobody listens"
	port=$((${port:-21000} + 1))
	case $box in *]:*|*.*:*) ;; *) box=$box:5060 ;; esac
	party hops_uac "$1" "$2" $port "$box" -s "$5"
	is "$what: caller" 0 $?
	wait $uas
	is "$what: called" 0 $?
}
case_transports() {
	command ip -6 addr add fd00:91::1/128 dev lo
	command ip -6 addr add fd00:91::9/128 dev lo
	command ip -6 addr add fd00:91::10/128 dev lo
	for pair in "udp 127.91.2.10/tcp 127.91.9.1" "tcp 127.91.2.10/udp 127.91.9.1" \
	    "tcp 127.91.2.10/tcp 127.91.9.1" "udp 127.91.2.10/udp fd00:91::9" \
	    "udp 127.91.2.10/tcp fd00:91::9" "tcp fd00:91::10/udp 127.91.9.1"; do
		p=${pair%/*} t=${pair#*/}
		hop_conf b "listen inside on fd00:91::1 port 5060 udp
	listen inside on fd00:91::1 port 5060 tcp
	pbx p at ${p#* } ${p%% *} ping no
	trunk t at ${t#* } ${t%% *} ping no"
		: >"$work/b/log"
		box_up b
		through "$p" "$t" +13035550123
		through "$t" "$p" +14085550123
		box_stop b
	done
}

# -- a direct call over IPv6 --

six() { sed -e 's/127\.91\.\([0-9]\)\.\([0-9]*\)/fd00:91:\1::\2/g' "$1" >"$1.six" && mv "$1.six" "$1"; }
directs() { ctl a -j show | jq -r '.. | .direct? // empty'; }
case_ipv6() {
	for i in 1::1 1::10 2::1 2::10 9::1; do command ip -6 addr add "fd00:91:$i/128" dev lo; done
	sip_ca || fatal "no certificate authority"
	for c in a.example b.example; do good_cert $c || fatal "no certificate"; done
	sip_conf a "+12125550100 to +12125550199" "host b.example address 127.91.2.1 port 5061"
	sip_conf b "+14085550100 to +14085550199" "host a.example address 127.91.1.1 port 5061"
	six "$work/a/viprd.conf"
	six "$work/b/viprd.conf"
	is "the configuration" 2 "$(cat "$work"/[ab]/viprd.conf | grep -c 'listen outside on fd00:')"
	box_up b
	box_up a
	n=+14085550123
	t=$(ticket ticket b.example a.example $n 3600)
	[ -n "$t" ] || fatal "no ticket"
	box_stop a
	"$forge" "$work/a/data/key" "$work/a/master.key" route b.example \
	    "sip:$n@b.example;transport=tls" "$n" 86400 "$t" || fatal "no route"
	chown -R _viprkey "$work/a/data/key"
	: >"$work/a/log"
	box_up a
	ok "there is an active route" soon 5 route_is a "$n" active
	family=IP6 media=2600::1
	through "udp fd00:91:1::10" "udp fd00:91:2::10" "$n" "[fd00:91:1::1]"
	is "it went directly" 1 "$(directs)"
	ok "what the phone of b heard came from b" grep -q 'Via: SIP/2.0/UDP \[fd00:91:2::1\]:5060' \
	    "$work/hops_uas.msg"
	not_a=$(grep -c 'fd00:91:1::10' "$work/hops_uas.msg")
	is "and does not name the phone of a" 0 "$not_a"
	# B dies: the same number over the trunk.
	box_stop b
	through "udp fd00:91:1::10" "udp fd00:91:9::1" "$n" "[fd00:91:1::1]"
	ok "the log tells why" grep -q 'noconn\|lost' "$work/a/log"
	# A private address in the offer is not diverted.
	media=fd00:91:1::10
	through "udp fd00:91:1::10" "udp fd00:91:9::1" "$n" "[fd00:91:1::1]"
	ok "an offer with a ULA takes the trunk" sh -c \
	    "'$viprctl' -s '$work/a/vipr.sock' explain $n | grep -q 'media-private'"
}

# -- connections that a PBX opened, keep-alives --

case_reuse() {
	hop_conf b "pbx p at 127.91.2.10 tcp ping no
	trunk t at 127.91.9.1 udp ping no"
	box_up b
	phone trunk 127.91.9.1:5060
	# A PBX that does not listen: calls to it come over its own connection.
	mkfifo "$work/to"
	"$build/regress/tools/tcpline" -l 127.91.2.10 127.91.2.1:5060 <"$work/to" >"$work/from.txt" &
	line=$!
	pids="$pids $line"
	exec 8>"$work/to"
	printf '\r\n\r\n' >&8
	ok "a keep-alive is answered" soon 5 sh -c "[ \"\$(od -An -tx1 '$work/from.txt' | tr -d ' \n')\" = 0d0a ]"
	dial 127.91.9.1:5999 +14085550123 >"$work/dial.code" &
	ok "a call comes over its connection" soon 5 grep -q '^INVITE sip:+14085550123@' "$work/from.txt"
	tr -d '\r' <"$work/from.txt" | sed -n '/^INVITE/,$p' | awk '
	    NR == 1 { print "SIP/2.0 486 Busy Here"; next }
	    /^(Via|From|Call-ID|CSeq):/ { print }
	    /^To:/ { print $0 ";tag=p" }
	    END { print "Content-Length: 0"; print "" }' | sed "s/\$/\r/" >&8
	ok "its answer is passed on" soon 10 grep -q 486 "$work/dial.code"
	# It closes: there is no way to it any more.
	exec 8>&-
	kill "$line" 2>/dev/null
	wait "$line" 2>/dev/null
	is "afterwards nothing listens" 503 "$(dial 127.91.9.1:5999 +14085550123)"
}

# -- several inside listeners: each hop is spoken to from the one on its net --

case_several() {
	hop_conf b "listen inside on 127.92.9.2 port 5060 udp
	listen inside on 127.93.0.1 port 5062 tcp
	pbx p at 127.91.2.10 udp ping no
	trunk one at 127.92.9.1 udp ping no priority 1
	trunk two at 127.93.0.9 tcp ping no priority 2"
	# The routes that a box with two nets has.
	command ip addr add 127.91.2.1/24 dev lo
	command ip addr add 127.92.9.2/24 dev lo
	command ip addr add 127.93.0.1/24 dev lo
	command ip route replace table local local 127.92.9.0/24 dev lo src 127.92.9.2
	command ip route replace table local local 127.91.2.0/24 dev lo src 127.91.2.1
	command ip route replace table local local 127.93.0.0/24 dev lo src 127.93.0.1
	box_up b
	phone one 127.92.9.1:5060
	is "a call" 404 "$(dial 127.91.2.10:5999 +13035550404)"
	ok "it came from the address on that net" grep -q \
	    '^Via: SIP/2.0/UDP 127.92.9.2:5060' "$work/one.msg"
	ok "both addresses are in the route" grep -q '^Record-Route: <sip:127.91.2.1:5060;lr>' \
	    "$work/one.msg"
	ok "ours to the trunk on top" sh -c "grep '^Record-Route:' '$work/one.msg' | head -n 1 |
	    grep -q 127.92.9.2:5060"
	kill "$one_pid"
	wait "$one_pid" 2>/dev/null
	through "udp 127.91.2.10" "tcp 127.93.0.9" +13035550123 127.91.2.1
	ok "over TCP from the address on that net" grep -q \
	    '^Via: SIP/2.0/TCP 127.93.0.1:5062' "$work/hops_uas.msg"
	phone one 127.92.9.1:5060
	through "tcp 127.93.0.9" "udp 127.91.2.10" +14085550123 127.93.0.1:5062
}

# -- TLS: the name of the line counts, wherever SRV leads --

case_tls() {
	zone=$work/zone
	cat >"$zone" <<ZONE
_sips._tcp.trunk.example 5 srv 10 0 5067 gw.example
_sips._tcp.other.example 5 srv 10 0 5067 gw.example
gw.example 5 a 127.91.2.1
ZONE
	"$dnsd" -l $dns:5353 "$zone" &
	pids="$pids $!"
	sip_ca || fatal "no certificate authority"
	good_cert trunk.example || fatal "no certificate"
	hop_conf b "listen inside on 127.91.2.1 port 5067 tls
	inside certificate \"$work/ca/trunk.example.crt\"
	inside key \"$work/ca/trunk.example.key\"
	name trunk.example
	pbx p at 127.91.1.1 udp ping no
	trunk t at 127.91.9.1 udp ping no"
	hop_conf a "inside ca \"$work/ca/sip.pem\"
	pbx p at 127.91.1.10 udp ping no
	trunk good at trunk.example tls ping 5s
	trunk bad at other.example tls ping 5s priority 2" "resolver $dns port 5353"
	box_up b
	box_up a
	ok "SRV" soon 10 hops_at a good "127.91.2.1:5067 "
	ok "up by a ping over TLS" soon 10 hop_is a good up
	is "its answer" 200 "$(hop a good status)"
	ok "not under another name" soon 15 hop_is a bad down
	ctl a reload >/dev/null || fatal "reload"
	box_stop b
	ok "down when it stops" soon 30 hop_is a good down
	box_up b
	ok "up again after a reload" soon 40 hop_is a good up
}

case_$1
