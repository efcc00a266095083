# Calls whose media go through rtpengine: two boxes, each with a PBX on private
# addresses and an engine of its own.  What is heard at both ends is counted,
# and what crosses between the engines is looked at.  sh media.sh CASE
#
#   A  PBX 10.91.1.10, sipgw 10.91.1.1 and 198.51.100.1, engine 10.91.1.2 and 198.51.100.11
#   B  the same with 10.91.2 and 198.51.100.2, 198.51.100.12
. "$VIPR_SRC/regress/e2e/border_lib.sh"

rtpphone=$build/regress/tools/rtpphone
number=+14085550100

ip() { echo "10.91.$(index "$1").1"; }
pbx() { echo "10.91.$(index "$1").10"; }
public() { echo "198.51.100.$(index "$1")"; }
ngport() { echo "222$(index "$1")"; }

addresses() {
	for i in 1 2; do
		for a in 10.91.$i.1 10.91.$i.2 10.91.$i.10 198.51.100.$i 198.51.100.1$i; do
			command ip addr add "$a/32" dev lo || return 1
		done
	done
	command ip addr add 10.91.9.1/32 dev lo
}
# engine X [OUTSIDE ADDRESS]: from the configuration that is shipped.
engine() {
	i=$(index "$1")
	sed -e "s|^interface = .*|interface = inside/10.91.$i.2;outside/${2:-198.51.100.1$i}|" \
	    -e "s|^listen-ng = .*|listen-ng = 127.0.0.1:$(ngport "$1")|" \
	    "$VIPR_SRC/etc/rtpengine/rtpengine.conf" >"$work/rtpengine$1.conf"
	rtpengine --config-file="$work/rtpengine$1.conf" --foreground --log-stderr \
	    --pidfile="$work/rtpengine$1.pid" >>"$work/rtpengine$1.log" 2>&1 &
	eval "engine$1=$!"
	pids="$pids $!"
	soon 10 "$rtpphone" -d "127.0.0.1:$(ngport "$1")" engine
}
engine_stop() {
	eval "end_of \$engine$1"
}
engine_calls() { "$rtpphone" -d "127.0.0.1:$(ngport "$1")" engine | grep -o 'vipr-' | wc -l; }
engine_has() { [ "$(engine_calls "$1")" -eq "$2" ]; }
engine_empty() { [ "$(engine_calls "$1")" -eq 0 ]; }
engine_is() { [ "$(ctl "$1" -j show | jq -r '.. | .rtpengine? // empty')" = "$2" ]; }

# media_conf X
media_conf() {
	c=$1
	mkdir -p "$work/$c"
	cat >"$work/$c/viprd.conf" <<CONF
domain "$c.example"
data "$work/$c/data"
control socket "$work/$c/vipr.sock"
master key "$work/$c/master.key"
sip {
	certificate "$work/ca/$c.example.crt"
	key "$work/ca/$c.example.key"
	ca "$work/ca/sip.pem"
	listen inside on $(ip "$c") port 5060 udp
	listen outside on $(public "$c") port 5061
	pbx "pbx" at $(pbx "$c") port 5060 udp ping no
	trunk "pstn" at 10.91.9.1 port 5060 udp ping no
	media rtpengine 127.0.0.1 port $(ngport "$c") inside "inside" outside "outside"
	resample 0
}
numbers { $([ "$c" = a ] && echo +12125550150 || echo $number) }
host a.example address 198.51.100.1 port 5061
host b.example address 198.51.100.2 port 5061
CONF
}
# Both boxes; A has a route to B's number, with a ticket that is good.
boxes() {
	sip_ca && good_cert a.example && good_cert b.example || fatal "no certificates"
	media_conf a
	media_conf b
	for c in a b; do
		box_up $c
	done
	box_stop a
	token=$(ticket ticket b.example a.example $number 3600) || fatal "no ticket"
	"$forge" "$work/a/data/key" "$work/a/master.key" route b.example \
	    "sip:$number@b.example;transport=tls" $number 86400 "$token" || fatal "no route"
	box_again a
	ok "there is an active route" soon 5 route_is a $number active
	ok "A's engine is there" soon 10 engine_is a up
	ok "B's engine is there" soon 10 engine_is b up
}
# answering NAME ADDRESS [ARGUMENTS]
answering() {
	name=$1
	at=$2
	shift 2
	: >"$work/$name.calls"
	"$rtpphone" -l "$at:5060" -m 7000 "$@" answer >"$work/$name.calls" 2>&1 &
	pids="$pids $!"
	eval "${name}_pid=$!"
	soon 5 udp_open "$at" 5060 || fatal "nobody answers at $at"
}
end_phone() {
	eval "end_of \$${1}_pid"
}
calls=0
# talk [ARGUMENTS OF rtpphone]: A calls B; sets near and far, what each heard.
talk() {
	calls=$((calls + 1))
	_n=$(wc -l <"$work/far.calls")
	"$rtpphone" -l "10.91.1.10:5060" -m 6000 -d 10.91.1.1:5060 "$@" call $number \
	    >"$work/near.$calls" 2>&1
	soon 5 sh -c "[ \$(wc -l <'$work/far.calls') -gt $_n ]"
	near=$(cat "$work/near.$calls")
	far=$(tail -n 1 "$work/far.calls")
}
of() { printf '%s\n' "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"; }
# most HEARD SENT: all but what the first moments cost.
most() { [ "$1" -gt 0 ] && [ $(($1 * 10)) -ge $(($2 * 8)) ]; }
sniff() {
	"$rtpphone" -t 120 sniff >"$work/sniff" 2>&1 &
	sniff_pid=$!
	pids="$pids $!"
	soon 5 grep -q listening "$work/sniff"
}
sniff_end() {
	kill $sniff_pid
	wait $sniff_pid
	pids=$(printf ' %s ' "$pids" | sed "s/ $sniff_pid / /")
}
# crossed FROM TO: "plain=N hidden=M" of what went from one address to the other.
crossed() { sed -n "s/^$1 $2 //p" "$work/sniff"; }

case_audio() {
	answering far 10.91.2.10
	sniff
	talk -n 100
	sniff_end
	is "the call is answered" 200 "$(of "$near" status)"
	ok "the caller hears the callee" most "$(of "$near" heard)" "$(of "$far" sent)"
	ok "the callee hears the caller" most "$(of "$far" heard)" "$(of "$near" sent)"
	is "the caller hears nothing else" 0 "$(of "$near" other)"
	is "the callee hears nothing else" 0 "$(of "$far" other)"
	is "the caller speaks to its engine, plain RTP" "10.91.1.2 RTP/AVP" \
	    "$(of "$near" from) $(of "$near" proto)"
	is "the callee speaks to its engine, plain RTP" "10.91.2.2 RTP/AVP" \
	    "$(of "$far" from) $(of "$far" proto)"
	x=$(crossed 198.51.100.11 198.51.100.12)
	is "nothing from A to B can be read on the wire" 0 "$(of "$x" plain)"
	ok "and it is there" most "$(of "$x" hidden)" "$(of "$near" sent)"
	x=$(crossed 198.51.100.12 198.51.100.11)
	is "nothing from B to A can be read on the wire" 0 "$(of "$x" plain)"
	ok "and it is there too" most "$(of "$x" hidden)" "$(of "$far" sent)"
	x=$(crossed 10.91.1.10 10.91.1.2)
	is "inside nothing is hidden" 0 "$(of "$x" hidden)"
	ok "inside it is plain" most "$(of "$x" plain)" "$(of "$near" sent)"
	is "nobody else is sent anything" "" "$(grep -v listening "$work/sniff" |
	    grep -vE '^(10\.91\.1\.(10|2)|198\.51\.100\.1[12]|10\.91\.2\.(10|2)) (10\.91\.1\.(10|2)|198\.51\.100\.1[12]|10\.91\.2\.(10|2)) ')"
	ok "A's engine has forgotten the call" soon 5 engine_empty a
	ok "B's engine has forgotten the call" soon 5 engine_empty b
	end_phone far
	# Early media, and a move of the caller's media half way.
	answering far 10.91.2.10 -e
	talk -n 100 -r
	is "the call with early media is answered" 200 "$(of "$near" status)"
	ok "the callee is heard before it answers" [ "$(of "$near" early)" -gt 5 ]
	ok "the caller hears, moved" most "$(of "$near" heard)" "$(of "$far" sent)"
	ok "the callee hears, moved" most "$(of "$far" heard)" "$(of "$near" sent)"
	ok "A's engine has forgotten it" soon 5 engine_empty a
	end_phone far
	# Two telephones ring, one with early media; the other answers.
	answering far 10.91.2.10 -f
	talk -n 100
	is "the call that forked is answered" 200 "$(of "$near" status)"
	ok "the caller hears the one that answered" most "$(of "$near" heard)" "$(of "$far" sent)"
	ok "who hears the caller" most "$(of "$far" heard)" "$(of "$near" sent)"
	ok "A's engine has forgotten that, too" soon 5 engine_empty a
	ok "and B's" soon 5 engine_empty b
	is "no call fell back" 0 "$(grep -c 'falls back' "$work/a/log")"
}

case_away() {
	answering far 10.91.2.10
	answering pstn 10.91.9.1
	talk -n 20
	is "directly at first" 200 "$(of "$near" status)"
	is "by its engine" 10.91.1.2 "$(of "$near" from)"
	# B's sipgw dies in the middle of a call: the media go on, and the BYE
	# that its successor gets ends the call for the engine, too.
	talk -n 250 &
	talk_pid=$!
	ok "a call is up" soon 5 engine_has b 1
	kill -9 "$(proc_pid b sipgw)"
	wait $talk_pid
	calls=$((calls + 1))
	near=$(cat "$work/near.$calls")
	far=$(tail -n 1 "$work/far.calls")
	is "with sipgw dead: answered" 200 "$(of "$near" status)"
	ok "the caller hears the callee" most "$(of "$near" heard)" "$(of "$far" sent)"
	ok "the callee hears the caller" most "$(of "$far" heard)" "$(of "$near" sent)"
	ok "B's engine has forgotten the call" soon 10 engine_empty b
	ok "B's engine is there for the new one" soon 10 engine_is b up
	# A's engine dies: the trunk, with the description of the PBX.
	engine_stop a
	talk -n 20
	is "A's engine is away: answered" 200 "$(of "$near" status)"
	is "by the trunk" 10.91.9.1 "$(of "$near" from)"
	ok "which hears the caller" most "$(of "$(tail -n 1 "$work/pstn.calls")" heard)" \
	    "$(of "$near" sent)"
	is "which was told the PBX's own address" 10.91.1.10 \
	    "$(of "$(tail -n 1 "$work/pstn.calls")" from)"
	ok "the reason is in the log" grep -q 'reason=media-engine' "$work/a/log"
	ok "and an alarm" grep -q 'rtpengine does not answer' "$work/a/log"
	ok "viprctl says so" engine_is a down
	ok "and what the next call will do" sh -c "'$viprctl' -s '$work/a/vipr.sock' -j \
	    explain $number | grep -q 'trunk: media-engine'"
	engine a
	ok "it is back" soon 15 engine_is a up
	talk -n 20
	is "directly again" 10.91.1.2 "$(of "$near" from)"
	# B's engine dies: B says busy, A takes the trunk.
	engine_stop b
	talk -n 20
	is "B's engine is away: answered" 200 "$(of "$near" status)"
	is "by the trunk, too" 10.91.9.1 "$(of "$near" from)"
	is "which was told the PBX's own address again" 10.91.1.10 \
	    "$(of "$(tail -n 1 "$work/pstn.calls")" from)"
	ok "because B said busy" grep -q 'falls back to the trunk: reason=busy' "$work/a/log"
	ok "A's engine has forgotten the call" soon 5 engine_empty a
	is "the route is kept" active "$(route_state a $number)"
}

# An engine that offers an address nobody outside can reach.
case_wrong() {
	answering far 10.91.2.10
	answering pstn 10.91.9.1
	engine_stop a
	engine a 10.91.1.2
	ok "A's engine is there" soon 15 engine_is a up
	talk -n 20
	is "answered" 200 "$(of "$near" status)"
	is "by the trunk" 10.91.9.1 "$(of "$near" from)"
	ok "and the log says why" grep -q 'rtpengine: offer of a call to outside failed: its address cannot be reached' "$work/a/log"
	ok "A's engine has forgotten the call" soon 5 engine_empty a
}

# Has B's engine got packets?
spoken() {
	"$rtpphone" -t 1 sniff | grep -q '^10.91.2.10 10.91.2.2 plain='
}
# A peer whose INVITE has no offer: it comes in the 200, the answer in the ACK.
case_late() {
	eval "$(sed -n '/^peer() {/,/^}/p' "$e2e/border_lib.sh" |
	    sed 's/127\.91\.2\.1:5061/198.51.100.2:5061/')"
	answering far 10.91.2.10
	x=late
	target=$number
	peer 3 a.example
	ask 3 ticket="$token"
	is "the call is answered" 200 "$code"
	offer=$(news 3)
	ok "with an offer" sh -c "printf '%s' '$offer' | grep -q '^c=IN IP4 198.51.100.12'"
	ok "of SRTP" sh -c "printf '%s' '$offer' | grep -q '^m=audio [0-9]* RTP/SAVP 0'"
	ok "with a key" sh -c "printf '%s' '$offer' | grep -q '^a=crypto:[0-9]* AES_CM_128_HMAC_SHA1_80 '"
	is "and with no cipher that hides nothing" 0 "$(printf '%s' "$offer" | grep -c NULL_)"
	is "which names nothing of the inside" 0 "$(printf '%s' "$offer" | grep -c '10\.91')"
	to=$(field To)
	uri=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/')
	key=$(printf '%s\n' "$offer" | sed -n 's/^a=crypto:\([0-9]*\) AES_CM_128_HMAC_SHA1_80 .*/\1/p')
	sdp="v=0${crlf}o=a 1 1 IN IP4 198.51.100.1${crlf}s=-${crlf}c=IN IP4 198.51.100.1${crlf}t=0 0${crlf}m=audio 6000 RTP/SAVP 0${crlf}a=crypto:$key AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz${crlf}"
	_from=$from _callid=$callid
	send 3 method=ACK uri="$uri" from="$_from" to="$to" callid="$_callid" \
	    hdr="Content-Type: application/sdp" body="$sdp"
	ok "the engine has the call" soon 5 engine_has b 1
	ok "the callee speaks to its engine" soon 5 spoken
	ask 3 method=BYE uri="$uri" from="$_from" to="$to" callid="$_callid" cseq=2
	is "hung up" 200 "$code"
	soon 5 sh -c "[ \$(wc -l <'$work/far.calls') -gt 0 ]"
	far=$(tail -n 1 "$work/far.calls")
	is "the callee was told its engine, plain RTP" "10.91.2.2 RTP/AVP" \
	    "$(of "$far" from) $(of "$far" proto)"
	ok "B's engine has forgotten the call" soon 5 engine_empty b
	hang_up 3
}

# Another engine, none, and one again, without a restart.
case_reload() {
	answering far 10.91.2.10
	answering pstn 10.91.9.1
	engine_stop a
	sed -i 's/2221 inside "inside" outside "outside"/2223/' "$work/a/viprd.conf"
	sed -e 's|^interface = .*|interface = 198.51.100.11|' \
	    -e 's|^listen-ng = .*|listen-ng = 127.0.0.1:2223|' \
	    "$VIPR_SRC/etc/rtpengine/rtpengine.conf" >"$work/other.conf"
	rtpengine --config-file="$work/other.conf" --foreground --log-stderr \
	    --pidfile="$work/other.pid" >>"$work/rtpenginea.log" 2>&1 &
	pids="$pids $!"
	soon 10 "$rtpphone" -d 127.0.0.1:2223 engine
	ok "reload to another engine" ctl a reload
	ok "it is there" soon 10 engine_is a up
	talk -n 50
	is "directly, by its only interface" "200 198.51.100.11" "$(of "$near" status) $(of "$near" from)"
	ok "the caller hears the callee" most "$(of "$near" heard)" "$(of "$far" sent)"
	ok "the callee hears the caller" most "$(of "$far" heard)" "$(of "$near" sent)"
	sed -i 's/media rtpengine.*/media pass/' "$work/a/viprd.conf"
	ok "reload to none" ctl a reload
	ok "viprctl says so" soon 5 engine_is a off
	talk -n 20
	is "by the trunk" "200 10.91.9.1" "$(of "$near" status) $(of "$near" from)"
	ok "the reason is in the log" grep -q 'reason=media-private' "$work/a/log"
	sed -i 's/media pass/media rtpengine 127.0.0.1 port 2223/' "$work/a/viprd.conf"
	ok "reload to the engine" ctl a reload
	talk -n 20
	is "directly again" "200 198.51.100.11" "$(of "$near" status) $(of "$near" from)"
	ok "a bad line changes nothing" sh -c "echo 'sip { media rtpengine 0.0.0.0 port 1 }' \
	    >>'$work/a/viprd.conf'; ! '$viprctl' -s '$work/a/vipr.sock' reload"
	ok "nor the engine" engine_is a up
}

# Real telephones, on private addresses and without SRTP, in place of PBXs.
baresip_start() {
	_n=$(index "$1")
	_dir=$work/baresip.$1
	mkdir -p "$_dir"
	[ -f "$work/noise.wav" ] || {
		# Twenty seconds, 8 kHz, one channel, 16 bit.
		printf 'RIFF\044\342\004\000WAVEfmt \020\000\000\000\001\000\001\000'
		printf '\100\037\000\000\200\076\000\000\002\000\020\000data\000\342\004\000'
		head -c 320000 /dev/urandom
	} >"$work/noise.wav"
	cat >"$_dir/config" <<CONF
poll_method epoll
sip_listen 10.91.$_n.10:5060
net_interface 10.91.$_n.10
rtp_ports 20000-20100
audio_source aufile,$work/noise.wav
audio_alert none,nil
module_path $(find /usr/lib -path '*baresip/modules' -type d | head -n 1)
module g711.so
module aufile.so
module account.so
module menu.so
module cons.so
cons_listen 127.91.$_n.20:5555
CONF
	printf '<sip:%s@%s>;regint=0;answermode=auto;outbound="sip:%s:5060"\n' \
	    "$([ "$1" = a ] && echo +12125550150 || echo $number)" "$(ip "$1")" "$(ip "$1")" \
	    >"$_dir/accounts"
	: >"$_dir/contacts"
	baresip -f "$_dir" -v >"$work/$1.baresip" 2>&1 </dev/null &
	pids="$pids $!"
	soon 10 grep -q 'baresip is ready' "$work/$1.baresip"
}
tell() { bash -c "printf '%s\n' '$2' >/dev/udp/127.91.$(index "$1").20/5555"; }
says() { grep -q -e "$2" "$work/$1.baresip"; }
says_twice() { [ "$(grep -c -e "$2" "$work/$1.baresip")" -ge 2 ]; }

case_baresip() {
	for c in a b; do
		baresip_start $c || { cat "$work/$c.baresip"; fatal "no baresip at $c"; }
	done
	sniff
	tell a "/dial sip:$number@10.91.1.1"
	ok "established at B" soon 10 says b 'Call established'
	ok "established at A" soon 5 says a 'Call established'
	for c in a b; do
		ok "$c hears the other" soon 10 says $c 'incoming rtp for .audio. established'
	done
	tell a /hold
	ok "on hold" soon 5 says b 'got re-INVITE'
	tell a /resume
	ok "and back" soon 5 says_twice b 'got re-INVITE'
	tell b /hangup
	ok "A's engine has forgotten the call" soon 10 engine_empty a
	ok "B's engine has forgotten the call" soon 10 engine_empty b
	sniff_end
	ok "media went from A to B" [ -n "$(crossed 198.51.100.11 198.51.100.12)" ]
	ok "and from B to A" [ -n "$(crossed 198.51.100.12 198.51.100.11)" ]
	is "and not past the engines" "" "$(grep -E '^10\.91\.[12]\.10 198|^198.* 10\.91\.[12]\.10 ' \
	    "$work/sniff")"
	is "no call fell back" 0 "$(grep -c 'falls back' "$work/a/log")"
}

addresses || fatal "no addresses"
engine a || fatal "A's rtpengine does not answer"
engine b || fatal "B's rtpengine does not answer"
boxes
"case_$1"
