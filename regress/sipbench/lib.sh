# What bench-sip and soak-sip share: two boxes (or two Kamailios), callers and
# called by sipp, figures from /proc.  Needs build and top; runs as root in a
# network namespace of its own, where loopback is up.
set -u

e2e=$top/regress/e2e
here=$top/regress/sipbench
VIPRD_FLAGS=
. "$e2e/lib.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/vipr-sip.XXXXXX") || exit 1
chmod 755 "$work"
mkdir "$work/bin" "$work/ca"
cp "$here"/ua?.xml "$work" || exit 1
for p in viprd viprctl overlayd pvpd sipgw; do cp "$build/$p" "$work/bin/" || exit 1; done
viprd=$work/bin/viprd viprctl=$work/bin/viprctl
benchstore=$build/regress/tools/benchstore

ROUTES=${ROUTES:-1000000}	# loaded beside those that are called
DIALOGS=${DIALOGS:-10000}	# open all the time
NUMBERS=${NUMBERS:-2000}	# called, one after the other
held=$((DIALOGS / 3 + 1))	# numbers of the open calls: three each
CALL_MS=${CALL_MS:-0}		# how long a call lasts

uas_pid= hold_pid= kam_pids=
halt() {
	# The kill of a process that has gone by itself fails.
	for _p in "$@"; do
		kill -9 "$_p" 2>/dev/null
		wait "$_p" 2>/dev/null
	done
}
tidy() {
	[ -z "${VERBOSE:-}" ] || cat "$work"/kam*/log "$work"/hold.out 2>/dev/null | tail -n 30 >&2
	# shellcheck disable=SC2086
	halt $uas_pid $hold_pid
	uas_pid= hold_pid=
	kamailio_stop
	for c in a b; do box_stop $c; done
}
die() { echo "bench-sip: $*" >&2; exit 1; }

# -- processes --

# tree PID...: these and all that descend from them.
tree() {
	for _p in "$@"; do
		echo "$_p"
		# shellcheck disable=SC2046
		tree $(cat "/proc/$_p/task/$_p/children" 2>/dev/null)
	done
}
# cpu PID...: user and system time of all, ms.
cpu() {
	for _p in "$@"; do cat "/proc/$_p/stat"; done |
	    sed 's/.*) //' | awk -v hz="$(getconf CLK_TCK)" '{ n += $12 + $13 } END { printf "%d\n", n * 1000 / hz }'
}
# pss PID...: proportional memory of all, KB.
pss() {
	for _p in "$@"; do cat "/proc/$_p/smaps_rollup"; done | awk '/^Pss:/ { n += $2 } END { print n + 0 }'
}
# pss_map PID...: of that, pages of the stores' files, KB.
pss_map() {
	for _p in "$@"; do cat "/proc/$_p/smaps"; done | awk '/^[0-9a-f]+-/ { m = /data\.mdb/ }
	    m && /^Pss:/ { n += $2 } END { print n + 0 }'
}
# fds PID...: open descriptors of all.
fds() {
	for _p in "$@"; do ls "/proc/$_p/fd"; done 2>/dev/null | wc -l
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# -- boxes --

# sip_box X NUMBERS MORE: its configuration.
sip_box() {
	mkdir -p "$work/$1"
	cat >"$work/$1/viprd.conf" <<CONF
domain "$1.example"
data "$work/$1/data"
control socket "$work/$1/vipr.sock"
master key "$work/$1/master.key"
permit private
sip {
	certificate "$work/ca/$1.example.crt"
	key "$work/ca/$1.example.key"
	ca "$work/ca/sip.pem"
	listen inside on $(ip "$1") port 5060 udp
	listen outside on $(ip "$1") port 5061
	pbx "pbx" at $(pbx "$1") port 5060 udp ping no
	trunk "pstn" at 127.91.9.1 port 5060 udp ping no
	media pass
	resample 0
	limit 100000 calls per second
	limit 100000 calls at once
	limit 1000000 requests per second
}
host a.example address 127.91.1.1 port 5061
host b.example address 127.91.2.1 port 5061
numbers { $2 }
CONF
}
box_up() {
	: >"$work/$1/log"
	box_start "$1" || { cat "$work/$1/log" >&2; die "box $1 did not start"; }
}
# Certificates, configurations, stores with their routes.
boxes_make() {
	sip_ca || die "no certificate authority"
	for c in a b; do
		sip_cert $c.example "$work/ca/$c.example" || die "no certificate"
		# Kamailio asks a client's certificate for clientAuth.
		_f=$work/ca/kam$c
		cp "$work/ca/$c.example.key" "$_f.key"
		sed 's/serverAuth/serverAuth,clientAuth/' "$work/ca/$c.example.ext" >"$_f.ext"
		openssl x509 -req -in "$work/ca/$c.example.csr" -CA "$work/ca/sip.pem" \
		    -CAkey "$work/ca/sip.key" -CAcreateserial -days 20 -extfile "$_f.ext" \
		    -out "$_f.crt" 2>/dev/null || die "no certificate"
	done
	sip_box a "+12125550100 to +12125550199"
	sip_box b "+14085000000 to +14085099999"
	for c in a b; do box_up $c; done
	for c in a b; do box_stop $c; done
	# Route by route into the store of A's key; the first start passes them
	# on to sipgw.
	_owner=$(stat -c %u:%g "$work/a/data/key/data.mdb")
	"$benchstore" "$work/a/data/key" "$work/a/master.key" direct $((NUMBERS + held)) \
	    +14085000000 b.example "$work/b/data/key" "$work/b/master.key" b.example \
	    a.example || die "no direct routes"
	[ "$ROUTES" = 0 ] || "$benchstore" "$work/a/data/key" "$work/a/master.key" routes \
	    "$ROUTES" || die "no routes"
	chown "$_owner" "$work"/a/data/key/*.mdb
}
boxes_start() {
	box_up a
	[ "$1" = udp ] || box_up b
	# shellcheck disable=SC2046
	pids_a=$(tree $(cat "$work/a/pid") | paste -sd' ')
	pids_b=
	# shellcheck disable=SC2046
	[ "$1" = udp ] || pids_b=$(tree $(cat "$work/b/pid") | paste -sd' ')
	wait_until 900 grep -q 'routes: .* numbers from key' "$work/a/log" ||
	    die "the routes did not come"
}

# -- Kamailio --

# kamailio_run NAME LISTEN NEXT [ARGUMENTS...]
kamailio_run() {
	_n=$1
	_l=$2
	_t=$3
	shift 3
	mkdir -p "$work/kam$_n"
	set -- -f "$here/kamailio.cfg" -A "NEXT=\"$_t\"" "$@" -DD -E -m 512 -M 16 \
	    -Y "$work/kam$_n" -P "$work/kam$_n/pid"
	for _i in $_l; do set -- "$@" -l "$_i"; done
	kamailio "$@" >"$work/kam$_n/log" 2>&1 &
	kam_pids="$kam_pids $!"
	kam_last=$!
}
kamailio_start() {
	kam_pids=
	case $1 in
	udp)
		kamailio_run a udp:127.91.1.1:5060 "sip:127.91.9.1:5060"
		pids_a=$kam_last pids_b=
		;;
	*)
		for c in a b; do
			sed "s,@FILE@,$work/ca/kam$c,; s,@CA@,$work/ca/sip.pem," \
			    "$here/tls.cfg" >"$work/kam$c.tls"
		done
		kamailio_run a "udp:127.91.1.1:5060 tls:127.91.1.1:5061" \
		    "sip:127.91.2.1:5061;transport=tls" -A TLS -A "TLSCFG=\"$work/kama.tls\""
		pids_a=$kam_last
		kamailio_run b "udp:127.91.2.1:5060 tls:127.91.2.1:5061" \
		    "sip:127.91.2.10:5060" -A TLS -A "TLSCFG=\"$work/kamb.tls\""
		pids_b=$kam_last
		;;
	esac
	sleep 3
	# shellcheck disable=SC2086
	{
		pids_a=$(tree $pids_a | paste -sd' ')
		[ -z "$pids_b" ] || pids_b=$(tree $pids_b | paste -sd' ')
		kill -0 $kam_pids || { cat "$work"/kam?/log >&2; die "Kamailio did not start"; }
	}
}
kamailio_stop() {
	for _p in $kam_pids; do
		kill "$_p" 2>/dev/null
		wait_until 10 sh -c "! kill -0 $_p" || kill -9 "$_p"
		wait "$_p" 2>/dev/null
	done
	kam_pids=
}

# side_start vipr|kamailio CASE; sets pids_a and pids_b.
side_start() {
	if [ "$1" = vipr ]; then boxes_start "$2"; else kamailio_start "$2"; fi
	case $2 in
	udp) answerer 127.91.9.1 ;;
	*) answerer 127.91.2.10 ;;
	esac
}
side_stop() { tidy; }

# -- calls --

# numbers FILE PREFIX FIRST COUNT: called;caller, one after the other.
numbers_file() {
	{
		echo SEQUENTIAL
		awk -v p="$2" -v f="$3" -v n="$4" 'BEGIN { for (i = 0; i < n; i++)
		    printf "%s%06d;+12125550%03d;\n", p, f + i, (i * 7) % 1000 }'
	} >"$work/$1"
}
answerer() {
	sipp -sf "$work/uas.xml" -i "$1" -p 5060 -nostdin -bg -trace_err \
	    -error_file "$work/uas.err" >"$work/uas.out" 2>&1
	uas_pid=$(sed -n 's/.*PID=\[*\([0-9]*\).*/\1/p' "$work/uas.out")
	[ -n "$uas_pid" ] || die "sipp did not start: $(cat "$work/uas.out")"
}
# open_calls COUNT FILE: made and left open.
open_calls() {
	[ "$1" -gt 0 ] || return 0
	sipp -sf "$work/uac.xml" -inf "$work/$2" -i 127.91.1.10 -p 5070 127.91.1.1:5060 \
	    -nostdin -bg -m "$1" -l "$1" -r "${OPEN_CPS:-300}" -d 86400000 -trace_stat -fd 1 \
	    -stf "$work/hold.csv" >"$work/hold.out" 2>&1
	hold_pid=$(sed -n 's/.*PID=\[*\([0-9]*\).*/\1/p' "$work/hold.out")
	[ -n "$hold_pid" ] || die "sipp did not start"
	wait_until $(($1 / 50 + 60)) held_are "$1" || die "the calls to keep open did not come up"
}
# Column NAME of the last line of a statistics file.
column() {
	awk -F';' -v c="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) k = i; next }
	    NF > 10 { v = $k } END { print v + 0 }' "$1"
}
held_are() { [ "$(column "$work/hold.csv" CurrentCall)" -ge $(($1 * 98 / 100)) ]; }
# calls CPS COUNT FILE NAME: sets ok and bad (failed or repeated).
calls() {
	rm -f "$work/$4".*
	( cd "$work" && exec sipp -sf "$work/uac.xml" -inf "$3" -i 127.91.1.10 -p 5060 \
	    127.91.1.1:5060 -nostdin -r "$1" -m "$2" -l 20000 -d "$CALL_MS" \
	    -timeout $(($2 / $1 + 60 + CALL_MS / 1000)) -trace_stat -fd 1 -stf "$4.csv" >"$4.out" 2>&1 )
	ok=$(column "$work/$4.csv" 'SuccessfulCall(C)')
	bad=$(($(column "$work/$4.csv" 'FailedCall(C)') +
	    $(column "$work/$4.csv" 'Retransmissions(C)')))
}
