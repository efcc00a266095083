# Five companies on loopback addresses: what the demo and the end-to-end tests
# share.  Needs: build (programs), e2e (this folder), work (a folder that every
# user can pass through).  The companies: a b c d e, at 127.91.N.1 with
# phones at 127.91.N.10; the public telephone network at 127.91.9.1.

pstn=$build/regress/pstn/pstn
siptrap=$build/regress/tools/siptrap
viprd=$build/viprd
viprctl=$build/viprctl

index() { case $1 in a) echo 1;; b) echo 2;; c) echo 3;; d) echo 4;; e) echo 5;; esac; }
area() { case $1 in a) echo 1212;; b) echo 1408;; c) echo 1650;; d) echo 1303;; e) echo 1718;; esac; }
ip() { echo "127.91.$(index "$1").1"; }
pbx() { echo "127.91.$(index "$1").10"; }
# number X NN: the company's number that ends in NN.
number() { echo "+$(area "$1")55501$2"; }

ctl() { c=$1; shift; "$viprctl" -s "$work/$c/vipr.sock" "$@"; }

# wait_until SECONDS COMMAND...: until it succeeds; 1 when time is up.
wait_until() {
	tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# A certificate authority for SIP names, and a certificate for a name.
sip_ca() {
	mkdir -p "$work/ca"
	openssl ecparam -name prime256v1 -genkey -noout -out "$work/ca/sip.key" 2>/dev/null &&
	openssl req -x509 -new -key "$work/ca/sip.key" -subj "/CN=Demo SIP CA" -days 30 \
	    -out "$work/ca/sip.pem" 2>/dev/null
}
# sip_cert NAME FILE [SECONDS-STYLE OPENSSL ARGUMENTS...]
sip_cert() {
	n=$1
	f=$2
	openssl ecparam -name prime256v1 -genkey -noout -out "$f.key" 2>/dev/null &&
	openssl req -new -key "$f.key" -subj "/" -out "$f.csr" 2>/dev/null &&
	printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$n" >"$f.ext" &&
	openssl x509 -req -in "$f.csr" -CA "$work/ca/sip.pem" -CAkey "$work/ca/sip.key" \
	    -CAcreateserial -days 20 -extfile "$f.ext" -out "$f.crt" 2>/dev/null &&
	chmod 600 "$f.key"
}

# The overlay: root, one certificate a company, signed configuration document.
# With overlay_self, a digest, there is no root and each makes its own.
overlay_ca() {
	[ -z "${overlay_self:-}" ] || { overlay_without_ca "$@"; return; }
	"$viprctl" ca init "$work/ca/overlay" overlay.demo >/dev/null || return 1
	for c in "$@"; do
		mkdir -p "$work/$c"
		"$viprctl" ca sign -o "$work/$c/node" "$work/ca/overlay" >/dev/null || return 1
	done
	"$viprctl" ca config -b "$(ip "$1"):6084" -o "$work/ca/overlay.xml" "$work/ca/overlay" >/dev/null
}

overlay_without_ca() {
	"$viprctl" ca init -S "$overlay_self" "$work/ca/overlay" overlay.demo >/dev/null &&
	"$viprctl" ca config -b "$(ip "$1"):6084" -o "$work/ca/overlay.xml" \
	    "$work/ca/overlay" >/dev/null 2>&1 || return 1
	for c in "$@"; do
		mkdir -p "$work/$c"
		"$viprctl" ca self -o "$work/$c/node" "$work/ca/overlay.xml" >/dev/null || return 1
	done
}

# box_conf X: its viprd.conf.  Extra lines: $work/X/extra.conf; its numbers and
# decoys: $work/X/numbers.conf.
box_conf() {
	c=$1
	i=$(ip "$c")
	mkdir -p "$work/$c"
	[ -f "$work/$c/numbers.conf" ] ||
	    echo "numbers { $(number "$c" 00) to $(number "$c" 99) }" >"$work/$c/numbers.conf"
	[ -f "$work/$c/extra.conf" ] || : >"$work/$c/extra.conf"
	first=
	[ "$c" != a ] || first=first
	cat >"$work/$c/viprd.conf" <<CONF
# Times and addresses of a demonstration, not of an office: viprd -n warns.
domain "$c.example"
data "$work/$c/data"
control socket "$work/$c/vipr.sock"
master key "$work/$c/master.key"
permit private
overlay "overlay.demo" {
	config "$work/ca/overlay.xml"
	certificate "$work/$c/node.crt"
	key "$work/$c/node.key"
	listen on $i port 6084
	$first
}
pvp {
	listen on $i port 6085
	delay 1s to 2s
	within 20s
	responder-delay 0s
	min-duration 2s
	spacing 1s
	retry 1s to 3s
	proofs 2
	tickets-after 2
}
sip {
	certificate "$work/$c/sip.crt"
	key "$work/$c/sip.key"
	ca "$work/ca/sip.pem"
	listen inside on $i port 5060 udp
	listen inside on $i port 5060 tcp
	listen outside on $i port 5061
	pbx "pbx" at $(pbx "$c") port 5060 udp ping no
	trunk "pstn" at 127.91.9.1 port 5060 udp ping no
	media pass
	resample 0
}
host a.example address 127.91.1.1 port 5061
host b.example address 127.91.2.1 port 5061
host c.example address 127.91.3.1 port 5061
host d.example address 127.91.4.1 port 5061
host e.example address 127.91.5.1 port 5061
include "$work/$c/numbers.conf"
include "$work/$c/extra.conf"
CONF
}

box_start() {
	mkdir -p "$work/$1/data"
	# shellcheck disable=SC2086
	"$viprd" -d $VIPRD_FLAGS -f "$work/$1/viprd.conf" >>"$work/$1/log" 2>&1 &
	echo $! >"$work/$1/pid"
	wait_until 15 grep -q 'viprd.*: ready' "$work/$1/log"
}
box_stop() {
	[ -f "$work/$1/pid" ] || return 0
	kill "$(cat "$work/$1/pid")" 2>/dev/null || :
	wait_until 10 sh -c "! kill -0 $(cat "$work/$1/pid")" || kill -9 "$(cat "$work/$1/pid")" 2>/dev/null
	rm -f "$work/$1/pid"
}
# proc_pid X NAME: pid of one of its processes.
proc_pid() { ctl "$1" -j show processes | jq -r ".[] | select(.name==\"$2\") | .pid"; }

pstn_start() {
	"$pstn" -l 127.91.9.1:5060 -s "$work/pstn.sock" 2>>"$work/pstn.log" &
	echo $! >"$work/pstn.pid"
	wait_until 5 "$pstn" -s "$work/pstn.sock" count || return 1
	for c in a b c d e; do
		pstnctl route "+$(area "$c")" "$(ip "$c"):5060" >/dev/null
	done
}
pstnctl() { "$pstn" -s "$work/pstn.sock" "$@"; }
# How many calls to this number the public network has been offered.
pstn_count() { pstnctl count "$1"; }

# The phones of a company answer every call.
phones_start() {
	mkdir -p "$work/$1"
	(cd "$work/$1" && exec sipp -sf "$e2e/uas.xml" -i "$(pbx "$1")" -p 5060 \
	    -key media "198.51.100.$(index "$1")" -nostdin -trace_msg \
	    -message_file "$work/$1/phones.msg" >"$work/$1/phones.out" 2>&1 </dev/null) &
	echo $! >"$work/$1/phones.pid"
}
phones_seen() { grep -c '^INVITE ' "$work/$1/phones.msg" 2>/dev/null || :; }

# call X TO [SECONDS [CALLER [MEDIA [SCENARIO]]]]: a phone of X calls.  0 if the
# call was answered and ended in order.
callport=20000
call() {
	callport=$((callport + 1 + ${portstep:-0}))
	(cd "$work/$1" && timeout 40 sipp -sf "$e2e/${6:-uac}.xml" "$(ip "$1"):5060" \
	    -i "$(pbx "$1")" -p $callport -s "$2" -m 1 -d $((${3:-3} * 1000)) \
	    -key caller "${4:-$(number "$1" 50)}" \
	    -key media "${5:-198.51.100.$(index "$1")}" -nostdin -timeout 30 \
	    -trace_msg -message_file "$work/$1/call.$callport.msg" \
	    >"$work/$1/call.$callport.out" 2>&1 </dev/null)
}

route_state() { ctl "$1" -j show routes "$2" | jq -r '.state // "none"' 2>/dev/null; }
route_field() { ctl "$1" -j show routes "$2" | jq -r ".$3" 2>/dev/null; }
# calls_twice X TO [CALLER]: two calls one after the other, for two proofs.
calls_twice() {
	call "$1" "$2" 3 "${3:-}" && sleep 1.2 && call "$1" "$2" 3 "${3:-}"
}
route_is() { [ "$(route_state "$1" "$2")" = "$3" ]; }
# records X: how many call records its key holds, of both kinds.
records() { ctl "$1" -j show calls | jq length; }
