# What the cases of the border share: boxes without an overlay, hostile peers
# outside, telephones and trunks that answer by the number called.  Needs
# VIPR_BUILD and VIPR_SRC; runs in a network namespace of its own.
set -u

build=$VIPR_BUILD
work=$(mktemp -d /tmp/vipr-border.XXXXXX) || exit 1
chmod 755 "$work"
mkdir "$work/bin"
for p in viprd viprctl overlayd pvpd sipgw; do cp "$build/$p" "$work/bin/" || exit 1; done
e2e=$VIPR_SRC/regress/e2e
VIPRD_FLAGS=${VIPRD_FLAGS:-}
. "$e2e/lib.sh"
viprd=$work/bin/viprd viprctl=$work/bin/viprctl
forge=$build/regress/tools/forge
sipua=$build/regress/tools/sipua
crlf=$(printf '\r\n.')
crlf=${crlf%.}
checks=0
failed=0
pids=

command ip link set lo up

finish() {
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null
	for c in a b; do box_stop $c; done
	# A script that sets complete=no, and yes at its end, cannot stop halfway.
	if [ "${complete:-yes}" != yes ]; then
		echo "FAIL: the script stopped halfway"
		failed=$((failed + 1))
	fi
	echo "$checks checks, $failed failed"
	if [ $failed -ne 0 ] && [ -n "${BORDER_KEEP:-}" ]; then
		echo "files are in $work"
	else
		rm -rf "$work"
	fi
	[ $failed -eq 0 ] && [ $checks -gt 0 ]
}
trap 'finish; exit $?' EXIT
trap 'exit 1' INT TERM

fatal() { echo "$*" >&2; failed=$((failed + 1)); exit 1; }
# is WHAT WANT GOT
is() {
	checks=$((checks + 1))
	if [ "$2" = "$3" ]; then
		[ -z "${BORDER_VERBOSE:-}" ] || echo "pass: $1"
		return 0
	fi
	failed=$((failed + 1))
	echo "FAIL: $1: expected '$2', got '$3'"
}
# ok WHAT COMMAND...
ok() {
	_what=$1
	shift
	if "$@" >/dev/null 2>&1; then is "$_what" yes yes; else is "$_what" yes no; fi
}
not() { ! "$@"; }
# soon SECONDS COMMAND...: as wait_until, but looks more often.
soon() {
	_tries=$(($1 * 40))
	shift
	until "$@" >/dev/null 2>&1; do
		_tries=$((_tries - 1))
		[ $_tries -gt 0 ] || return 1
		sleep 0.025
	done
}
gone() { ! kill -0 "$1" 2>/dev/null; }
# end_of PID: end a program that we started and do not remember it.
end_of() {
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	pids=$(printf ' %s ' "$pids" | sed "s/ $1 / /")
}
# udp_open ADDRESS PORT: somebody listens there.
udp_open() {
	_hex=$(printf '%s\n' "$1" | awk -F. -v p="$2" '{ printf "%02X%02X%02X%02X:%04X", $4, $3, $2, $1, p }')
	grep -q " $_hex " /proc/net/udp
}

# -- certificates --

# cert FILE EXTENSIONS(with \n) [SUBJECT [ARGUMENTS OF openssl x509...]]
cert() {
	f=$work/ca/$1
	printf '%b\nbasicConstraints=CA:FALSE\n' "$2" >"$f.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$f.key" -subj "${3:-/}" -out "$f.csr" 2>/dev/null || return 1
	if [ $# -gt 3 ]; then shift 3; else set -- -days 20; fi
	openssl x509 -req -in "$f.csr" -CA "${ca:-$work/ca/sip.pem}" \
	    -CAkey "${cakey:-$work/ca/sip.key}" -CAcreateserial "$@" \
	    -extfile "$f.ext" -out "$f.crt" 2>/dev/null
}
good_cert() { cert "$1" "subjectAltName=DNS:$1\nextendedKeyUsage=serverAuth"; }

# -- boxes --

# sip_conf X NUMBERS [MORE LINES [MORE LINES OF sip]]
sip_conf() {
	c=$1
	i=$(ip "$c")
	mkdir -p "$work/$c"
	cat >"$work/$c/viprd.conf" <<CONF
domain "$c.example"
data "$work/$c/data"
control socket "$work/$c/vipr.sock"
master key "$work/$c/master.key"
permit private
sip {
	certificate "$work/ca/$c.example.crt"
	key "$work/ca/$c.example.key"
	ca "$work/ca/sip.pem"
	listen inside on $i port 5060 udp
	listen outside on $i port 5061
	pbx "pbx" at $(pbx "$c") port 5060 udp ping no
	trunk "pstn" at 127.91.9.1 port 5060 udp ping no
	media pass
	resample 0
	${4:-}
}
numbers { $2 }
${3:-}
CONF
}
# box_up X: start it, or end the script with its log.
box_up() { box_start "$1" || { cat "$work/$1/log" >&2; fatal "$1 did not start"; }; }
# box_again X: the same after forge has written to its store.
box_again() {
	chown -R _viprkey "$work/$1/data/key"
	: >"$work/$1/log"
	box_up "$1"
}
# calls_up X N: so many calls stand now.
calls_up() { [ "$(ctl "$1" -j show | jq -r '.[] | select(.kind=="sipgw") | .calls')" = "$2" ]; }
# row_number ROW [TRUNK'S ANSWER]: the number of a row of a table of calls.
row_number() { printf '+14085%02d0%03d' "$1" "${2:-200}"; }
# phone NAME ADDRESS [HEADER...]: a telephone, PBX or trunk.
phone() {
	name=$1
	at=$2
	shift 2
	for h in "$@"; do
		shift
		set -- "$@" -H "$h"
	done
	"$sipua" -l "$at" "$@" >"$work/$name.msg" &
	pids="$pids $!"
	eval "${name}_pid=$!"
}
# seen NAME PATTERN: how often it stands in what the telephone got.
seen() { grep -c -e "$2" "$work/$1.msg" || :; }
# message NAME PATTERN: the last message it got whose first line fits.
message() {
	tr -d '\r' <"$work/$1.msg" | awk -v p="$2" 'BEGIN { RS = "\n--\n" }
	    $0 ~ p { m = $0 } END { print m }'
}
# ticket ticket|receipt GRANTER GRANTEE NUMBER SECONDS
ticket() {
	rm -rf "$work/forge"
	cp -R "$work/b/data/key" "$work/forge"
	"$forge" "$work/forge" "$work/b/master.key" "$@"
}

# -- hostile callers --

# peer FD CERTIFICATE [ARGUMENTS...]: a TLS connection to B's outside.
peer() {
	_fd=$1
	_cert=
	[ -z "$2" ] || _cert="-cert $work/ca/$2.crt -key $work/ca/$2.key"
	shift 2
	rm -f "$work/in$_fd"
	mkfifo "$work/in$_fd"
	# shellcheck disable=SC2086
	openssl s_client -quiet -verify_quiet -connect 127.91.2.1:5061 $_cert \
	    -CAfile "$work/ca/sip.pem" "$@" <"$work/in$_fd" >"$work/out$_fd" 2>"$work/err$_fd" &
	eval "peer$_fd=$!"
	pids="$pids $!"
	eval "exec $_fd>\"$work/in$_fd\""
}
hang_up() {
	eval "exec $1>&-"
	eval "end_of \$peer$1"
}
peer_gone() { eval "gone \$peer$1"; }

# request [NAME=VALUE]...: writes $work/msg.  Names: method uri from to callid
# cseq maxfwd ticket branch ruri body sed, hdr (may be repeated).
request_n=0
request() {
	request_n=$((request_n + 1))
	method=INVITE uri= from= to= callid= cseq=1 maxfwd=70 ticket= hdr= body= sed=
	branch=
	for a in "$@"; do
		case $a in
		hdr=*) hdr=$hdr${a#*=}$crlf ;;
		*) eval "${a%%=*}=\${a#*=}" ;;
		esac
	done
	: "${uri:=sip:$target@b.example}"
	: "${branch:=z9hG4bKpeer$$x$request_n}"
	: "${callid:=peer$$x$request_n}"
	: "${from:=<sip:+12125550150@a.example>;tag=f$request_n}"
	: "${to:=<sip:$target@b.example>}"
	{
		printf '%s %s SIP/2.0\r\n' "$method" "$uri"
		printf 'Via: SIP/2.0/TLS evil.example:5061;branch=%s\r\n' "$branch"
		printf 'From: %s\r\nTo: %s\r\n' "$from" "$to"
		printf 'Call-ID: %s\r\nCSeq: %s %s\r\nMax-Forwards: %s\r\n' "$callid" \
		    "$cseq" "$method" "$maxfwd"
		printf 'Contact: <sip:peer@evil.example;transport=tls>\r\n'
		[ -z "$ticket" ] || printf 'ViPR-Ticket: %s\r\n' "$ticket"
		printf '%s' "$hdr"
		printf 'Content-Length: %d\r\n\r\n%s' "${#body}" "$body"
	} >"$work/msg"
	[ -z "$sed" ] || {
		LC_ALL=C sed "$sed" "$work/msg" >"$work/msg.sed"
		mv "$work/msg.sed" "$work/msg"
	}
}
# Since the last mark.
news() { tail -c +"$(($(eval "echo \$mark$1") + 1))" "$work/out$1" | tr -d '\r'; }
mark() { eval "mark$1=$(wc -c <"$work/out$1")"; }
has_final() { news "$1" | grep -q '^SIP/2.0 [2-6]'; }
answered() { has_final "$1" || peer_gone "$1"; }
# send FD [NAME=VALUE...]: without waiting.
send() {
	_to=$1
	shift
	request "$@"
	mark "$_to"
	eval "cat \"$work/msg\" >&$_to"
}
# result FD: wait for the final answer: sets code, refusal, resp.
result() {
	soon "${wait_s:-5}" answered "$1"
	resp=$(news "$1" | sed -n '/^SIP\/2.0 [2-6]/,$p')
	code=$(printf '%s\n' "$resp" | sed -n 's/^SIP\/2.0 \([2-6][0-9][0-9]\).*/\1/p' | head -n 1)
	refusal=$(printf '%s\n' "$resp" | sed -n 's/^ViPR-Refusal: *//p' | head -n 1)
	if [ -z "$code" ]; then
		if peer_gone "$1"; then code=closed; else code=silence; fi
	fi
}
ask() {
	_to=$1
	send "$@"
	result "$_to"
}
# field NAME: value of a header of the answer.
field() { printf '%s\n' "$resp" | sed -n "s/^$1: *//p" | head -n 1; }
# expect WHAT "CODE [REFUSAL]" FD [NAME=VALUE...]
expect() {
	_what=$1 _want=$2
	shift 2
	ask "$@"
	is "$_what" "$_want" "$code${refusal:+ $refusal}"
}
# End a call that was answered: ACK, BYE.
finish_call() {
	_tag=$(field To)
	_uri=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/')
	_from=$from _callid=$callid
	send "$1" method=ACK uri="$_uri" from="$_from" to="$_tag" callid="$_callid"
	ask "$1" method=BYE uri="$_uri" from="$_from" to="$_tag" callid="$_callid" cseq=2
}
