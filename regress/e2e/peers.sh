# SPDX-License-Identifier: ISC
#
# Real telephones and a real PBX complete calls through two borders, a and b,
# with a ticket.  sh peers.sh CASE; needs VIPR_BUILD and VIPR_SRC, and a
# network of its own.
. "$VIPR_SRC/regress/e2e/border_lib.sh"

began=$(date +%s)
modules=$(find /usr/lib -path '*baresip/modules' -type d 2>/dev/null | head -n 1)
out=$work/out
mkdir "$out"
chmod 1777 "$work" "$out"

# Media that a border passes is not on loopback addresses.
for n in 1 2 3; do command ip addr add "198.51.100.$n/32" dev lo || exit 1; done

# pair NUMBER[=HOST]...: both boxes, a with a ticket of b for each number and a
# route to it, by b.example unless another host is named.
pair() {
	[ -f "$work/ca/sip.pem" ] || sip_ca || fatal "no certificate authority"
	for c in a b; do
		mkdir -p "$work/$c"
		[ -f "$work/$c/sip.crt" ] || sip_cert $c.example "$work/$c/sip" ||
		    fatal "no certificate"
	done
	overlay_ca a b || fatal "no overlay"
	for c in a b; do
		box_conf $c
		box_up $c
	done
	box_stop a
	for t in "$@"; do
		host=b.example
		[ "$t" = "${t#*=}" ] || host=${t#*=}
		t=${t%%=*}
		_ticket=$(ticket ticket b.example a.example "$t" 3600)
		[ -n "$_ticket" ] || fatal "no ticket"
		"$forge" "$work/a/data/key" "$work/a/master.key" route "$host" \
		    "sip:$t@$host;transport=tls" "$t" 86400 "$_ticket" ||
		    fatal "no route for $t"
	done
	box_again a
	ok "there is an active route" soon 5 route_is a "${1%%=*}" active
	phone trunk 127.91.9.1:5060
}
answering() {
	[ -z "${uas_pid:-}" ] || { kill "$uas_pid"; wait "$uas_pid" 2>/dev/null; }
	: >"$work/b.uas.msg"
	(cd "$out" && exec sipp -sf "$e2e/$1.xml" -i "$(pbx b)" -p 5060 \
	    -key media 198.51.100.2 -nostdin -trace_msg -message_file "$work/b.uas.msg" \
	    >/dev/null 2>&1 </dev/null) &
	uas_pid=$!
	pids="$pids $uas_pid"
	soon 10 grep -q '0A025B7F:13C4' /proc/net/udp || fatal "sipp does not listen"
}
at_phones() { grep -c "^$1 " "$work/b.uas.msg" || :; }
# phones_got METHOD N: at least; a slow machine repeats.
phones_got() { [ "$(at_phones "$1")" -ge "$2" ]; }
trunk_got() { [ "$(seen trunk "$1")" -ge "$2" ]; }
# A call in the background: say_pid.
dialled() {
	call "$@" &
	say_pid=$!
}
finished() { wait "$say_pid"; }
direct_only() {
	is "$1: nothing took the trunk" 0 "$(seen trunk '^INVITE')"
	ok "$1: no call is left at a" soon 5 calls_up a 0
	ok "$1: nor at b" soon 5 calls_up b 0
	is "$1: a direct call is no record" 0 "$(records a)$(records b | sed 's/^0$//')"
}

case_sipp() {
	pair +14085550100 +14085550177 +14085550166
	answering uas
	dialled a +14085550100 2
	ok "INVITE, 180, 200, ACK: one call stands at a" soon 5 calls_up a 1
	ok "and at b" soon 5 calls_up b 1
	ok "BYE of the caller ends it" finished
	ok "hold and resume, re-INVITE of both, BYE of the callee" \
	    call a +14085550177 1 "" "" uac_reinvite
	direct_only "sipp"
	answering uas_more
	ok "183 with 100rel, PRACK, UPDATE, session timer" call a +14085550100 1 "" "" uac_prack
	ok "PRACK reached the phone" soon 3 phones_got PRACK 1
	ok "so did both UPDATEs" soon 3 phones_got UPDATE 2
	ok "the timer was asked for" soon 3 grep -q '^Session-Expires: 1800.$' "$work/b.uas.msg"
	ok "CANCEL" call a +14085550166 1 "" "" uac_cancel
	ok "CANCEL reached the phone" soon 3 phones_got CANCEL 1
	direct_only "sipp, more"
	# A call over the trunk is remembered, to the second that it had.
	ok "a call to elsewhere takes the trunk" call a +14089990200 3
	ok "there it is seen" soon 3 trunk_got '^INVITE' 1
	ok "and is a record" soon 5 is_records a 1
	is "its number" +14089990200 "$(ctl a -j show calls | jq -r '.[0].called // .[0].number')"
}
is_records() { [ "$(records "$1")" = "$2" ]; }

# reborn X PROCESS PID: another one runs in its place.
reborn() {
	_p=$(proc_pid "$1" "$2")
	[ -n "$_p" ] && [ "$_p" != "$3" ]
}
# struck X PROCESS: it dies, and comes again.
struck() {
	_was=$(proc_pid "$1" "$2")
	kill -9 "$_was"
	ok "$2 of $1 comes again" soon 20 reborn "$1" "$2" "$_was"
	ok "with a's routes" soon 10 route_is a +14085550100 active
}

# Processes die in mid-call.  The callers' BYEs arrive, nothing is invented.
case_restarts() {
	pair +14085550100
	answering uas
	dialled a +14085550100 4
	ok "a call stands" soon 5 calls_up b 1
	struck b sipgw
	ok "b remembers nothing of it" soon 5 calls_up b 0
	ok "but the BYE finds its way by the seal" finished
	ok "to the telephone" soon 3 phones_got BYE 1
	dialled a +14085550100 4
	ok "another stands" soon 5 calls_up b 1
	# It takes sipgw with it.
	struck b key
	ok "key's death is nothing to it" calls_up a 1
	ok "nor is it to its end" finished
	ok "at the telephone" soon 3 phones_got BYE 2
	direct_only "deaths"
	dialled a +14089990200 4
	ok "a call over the trunk stands" soon 5 calls_up a 1
	struck a sipgw
	ok "its BYE passes" finished
	ok "at the trunk" soon 3 trunk_got '^BYE' 1
	ok "the next one is a record" call a +14089990200 3
	ok "and the only one" soon 5 is_records a 1
	dialled a +14089990200 4
	ok "another stands" soon 5 calls_up a 1
	struck a key
	ok "it ends" finished
	is "and is no record, because its answer is forgotten" 1 "$(records a)"
}

# -- Kamailio and baresip --

# kamailio_start X: the PBX of X.
kamailio_start() {
	mkdir -p "$out/k$1"
	kamailio -f "$e2e/kamailio-pbx.cfg" -A "PBX=$(pbx "$1")" -A "BOX=$(ip "$1")" \
	    -A "PREFIX=$(area "$1")" -DD -E -m 16 -M 4 -w "$out/k$1" -Y "$out/k$1" \
	    >"$work/$1.kamailio" 2>&1 </dev/null &
	pids="$pids $!"
}
# Twenty seconds of noise: 8 kHz, one channel, 16 bit.
speech() {
	[ ! -f "$out/speech.wav" ] || return 0
	{
		printf 'RIFF\044\342\004\000WAVEfmt \020\000\000\000\001\000\001\000'
		printf '\100\037\000\000\200\076\000\000\002\000\020\000data\000\342\004\000'
		head -c 320000 /dev/urandom
	} >"$out/speech.wav"
}
# baresip_start X ACCOUNT: a telephone of X at 198.51.100.N; it answers by
# itself, plays a file and counts what it hears.
baresip_start() {
	_n=$(index "$1")
	_dir=$out/baresip.$1
	mkdir -p "$_dir"
	speech
	cat >"$_dir/config" <<CONF
poll_method epoll
sip_listen 198.51.100.$_n:5070
net_interface 198.51.100.$_n
rtp_ports 20000-20100
audio_source aufile,$out/speech.wav
audio_alert none,nil
module_path $modules
module g711.so
module srtp.so
module aufile.so
module rtcpsummary.so
module account.so
module menu.so
module cons.so
cons_listen 127.91.$_n.20:5555
CONF
	printf '%s\n' "$2" >"$_dir/accounts"
	: >"$_dir/contacts"
	baresip -f "$_dir" -v >"$work/$1.baresip" 2>&1 </dev/null &
	eval "baresip_$1=$!"
	pids="$pids $!"
	soon 10 grep -q 'baresip is ready' "$work/$1.baresip" || fatal "baresip of $1 does not start"
	soon 5 udp_open "127.91.$_n.20" 5555 || fatal "baresip of $1 takes no commands"
}
# tell X COMMAND: as if typed at its telephone.
tell() {
	bash -c "printf '%s\n' '$2' >/dev/udp/127.91.$(index "$1").20/5555"
}
heard_by() { grep -c -e "$2" "$work/$1.baresip" || :; }
heard_more() { [ "$(heard_by "$1" "$2")" -gt "$3" ]; }
# talk WHAT NUMBER@HOST ENDS: a call from a to b; ENDS (a or b) hangs up; refer:
# b tries to hand it on before.
talk() {
	_up=$(heard_by b 'Call established')
	_done=$(heard_by a 'EX=BareSip')
	_again=$(heard_by b 'got re-INVITE')
	for c in a b; do eval "_rtp_$c=$(heard_by $c 'incoming rtp for .audio. established')"; done
	tell a "/dial sip:$2"
	ok "$1: established" soon 10 heard_more b 'Call established' "$_up"
	ok "$1: one call at a" soon 5 calls_up a 1
	ok "$1: one call at b" soon 5 calls_up b 1
	for c in a b; do
		ok "$1: $c hears the other" soon 5 heard_more $c \
		    'incoming rtp for .audio. established' "$(eval "echo \$_rtp_$c")"
	done
	if [ "$3" = b ]; then
		tell a /hold
		ok "$1: on hold" soon 5 heard_more b 'got re-INVITE' "$_again"
		tell a /resume
		ok "$1: and back" soon 5 heard_more b 'got re-INVITE' $((_again + 1))
	fi
	if [ "$3" = refer ]; then
		# Our telephones call nobody because a stranger says so.
		tell b "/transfer sip:+19005550100@$(pbx b)"
		ok "$1: refused" soon 5 heard_more b 'transfer failed: 405' 0
		tell a /hangup
	else
		tell "$3" /hangup
	fi
	ok "$1: over at a" soon 5 calls_up a 0
	ok "$1: over at b" soon 5 calls_up b 0
	ok "$1: its telephones say so" soon 5 heard_more a 'EX=BareSip' "$_done"
}

case_kamailio() {
	pair +14085550150
	kamailio_start a
	kamailio_start b
	for c in a b; do
		soon 20 udp_open "$(pbx $c)" 5060 || { cat "$work/$c.kamailio"; fatal "no Kamailio"; }
		baresip_start $c "<sip:$(number $c 50)@$(pbx $c)>;regint=600;answermode=auto;mediaenc=srtp-mand;auth_user=x;auth_pass=y"
		ok "the telephone of $c is registered" soon 10 heard_more $c '200 OK (kamailio.*1 binding' 0
	done
	talk "Kamailio and baresip, the caller hangs up" "+14085550150@$(pbx a)" a
	# The called has a second telephone, which only rings: a fork.
	baresip_start c "<sip:$(number b 50)@$(pbx b)>;regint=600;answermode=manual;mediaenc=srtp-mand;auth_user=x;auth_pass=y"
	ok "a second telephone is registered" soon 10 heard_more c '200 OK (kamailio.*2 bindings' 0
	talk "a fork" "+14085550150@$(pbx a)" a
	is "a fork: the second one rang" 1 "$(heard_by c 'Incoming call from')"
	ok "a fork: and stopped" soon 20 heard_more c 'session closed' 0
	talk "Kamailio and baresip, the callee hangs up" "+14085550150@$(pbx a)" b
	direct_only "Kamailio"
}

# The telephone is all the PBX that there is.
case_baresip() {
	pair +14085550150
	for c in a b; do
		# At the address of the PBX, with media elsewhere: not one it can bind.
		sed -i "s/^	pbx .*/	pbx \"pbx\" at 198.51.100.$(index $c) port 5070 udp ping no/" \
		    "$work/$c/viprd.conf"
		ctl $c reload >/dev/null || fatal "$c does not reload"
		baresip_start $c "<sip:$(number $c 50)@$(ip $c)>;regint=0;answermode=auto;mediaenc=srtp-mand;outbound=\"sip:$(ip $c):5060\";auth_user=x;auth_pass=y"
	done
	talk "baresip, the caller hangs up" "+14085550150@$(ip a)" a
	talk "baresip, the callee hangs up" "+14085550150@$(ip a)" b
	talk "baresip, a transfer" "+14085550150@$(ip a)" refer
	direct_only "baresip"
}

# -- certificates --

# -- certificates --

# made_cert FILE NAME,... [END]: signed by the authority; END: YYMMDDHHMMSSZ.
made_cert() {
	_f=$work/ca/$1
	: >"$work/ca/index.txt"
	cat >"$work/ca/ca.conf" <<CONF
[ca]
default_ca = d
[d]
database = $work/ca/index.txt
new_certs_dir = $work/ca
rand_serial = yes
default_md = sha256
unique_subject = no
policy = p
x509_extensions = v
[p]
commonName = optional
[v]
subjectAltName = $2
extendedKeyUsage = serverAuth
basicConstraints = CA:FALSE
[req]
distinguished_name = p
CONF
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$_f.key" -subj /CN=unused -out "$_f.csr" 2>/dev/null ||
	    fatal "no request $1"
	openssl ca -batch -config "$work/ca/ca.conf" -cert "$work/ca/sip.pem" \
	    -keyfile "$work/ca/sip.key" -in "$_f.csr" -notext -out "$_f.crt" \
	    -enddate "${3:-$(date -u -d '+20 days' +%y%m%d%H%M%SZ)}" 2>"$_f.err" ||
	    { cat "$_f.err" >&2; fatal "no certificate $1"; }
	chmod 600 "$_f.key"
}
# self_made FILE NAME,...
self_made() {
	_f=$work/ca/$1
	openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$_f.key" -subj /CN=unused -addext "subjectAltName=$2" \
	    -addext extendedKeyUsage=serverAuth -days 20 -out "$_f.crt" 2>/dev/null ||
	    fatal "no certificate $1"
	chmod 600 "$_f.key"
}
# wear X FILE: X takes that certificate, by a new start: no connection is left.
wear() {
	box_stop "$1"
	cp "$work/ca/$2.key" "$work/$1/sip.key"
	cp "$work/ca/$2.crt" "$work/$1/sip.crt"
	cat "$work/$1/log" >>"$work/$1/before"
	: >"$work/$1/log"
	box_start "$1" || { cat "$work/$1/log" >&2; fatal "$1 does not start with $2"; }
	soon 5 route_is a +14085550200 active || fatal "no routes after a new start"
}
# passes WHAT NUMBER: the call goes directly.
passes() {
	_n=$(seen trunk '^INVITE')
	_rang=$(at_phones INVITE)
	ok "$1: the call is made" call a "$2" 0
	is "$1: not over the trunk" "$_n" "$(seen trunk '^INVITE')"
	ok "$1: the telephone rang" soon 3 phones_got INVITE $((_rang + 1))
}
# fails WHAT NUMBER: the call takes the trunk and is answered there.
fails() {
	_n=$(seen trunk "^INVITE sip:$2@")
	_rang=$(at_phones INVITE)
	ok "$1: the call is made all the same" call a "$2" 0
	ok "$1: over the trunk" soon 3 trunk_got "^INVITE sip:$2@" $((_n + 1))
	is "$1: the telephone did not ring" "$_rang" "$(at_phones INVITE)"
}
over() { [ "$(date -u +%y%m%d%H%M%S)" -gt "${1%Z}" ]; }

# What b shows to a, then what a shows to b.  Every call is made.
case_certificates() {
	mkdir -p "$work/a" "$work/b"
	echo 'numbers { +14085550000 to +14085559999 }' >"$work/b/numbers.conf"
	for h in x1 x2 x3 x4 x5; do
		echo "host $h.example address 127.91.2.1 port 5061"
	done >"$work/a/extra.conf"
	sip_ca || fatal "no certificate authority"
	names=DNS:b.example,DNS:x2.example,DNS:x3.example,DNS:x4.example,DNS:x5.example
	made_cert a.good DNS:a.example
	made_cert b.good $names
	self_made a.self DNS:a.example
	self_made b.self $names
	for c in a b; do
		for s in key crt; do cp "$work/ca/$c.good.$s" "$work/$c/sip.$s"; done
	done
	pair +14085550200 +14085551200=x1.example +14085552200=x2.example \
	    +14085553200=x3.example +14085554200=x4.example +14085555200=x5.example
	answering uas
	passes "valid certificates" +14085550200
	fails "a wrong name" +14085551200
	wear b b.self
	fails "self-made, of the called" +14085552200
	wear b b.good
	wear a a.self
	fails "self-made, of the caller" +14085553200
	end=$(date -u -d '+5 seconds' +%y%m%d%H%M%SZ)
	made_cert a.short DNS:a.example "$end"
	made_cert b.short $names "$end"
	wear a a.short
	soon 20 over "$end"
	fails "expired, of the caller" +14085554200
	wear a a.good
	end=$(date -u -d '+5 seconds' +%y%m%d%H%M%SZ)
	made_cert b.short $names "$end"
	wear b b.short
	soon 20 over "$end"
	fails "expired, of the called" +14085555200
	wear b b.good
	wear a a.good
	passes "valid ones again" +14085550200
	cat "$work/a/before" "$work/b/before" >"$work/why"
	ok "a saw a wrong name" grep -q 'x1.example.*another domain' "$work/why"
	ok "a saw a self-made one" grep -q 'x2.example.*self-signed' "$work/why"
	ok "a saw one that had ended" grep -q 'x5.example.*expired' "$work/why"
	ok "b saw a self-made one" grep -q 'refused.*self-signed' "$work/why"
	ok "b saw one that had ended" grep -q 'refused.*certificate has expired' "$work/why"
}

case_"$1"
[ -z "${BORDER_VERBOSE:-}" ] || echo "took $(($(date +%s) - began)) s"
