# The measurement of bench-sip.  sh run.sh BUILD, in a network namespace.
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
. "$top/regress/sipbench/lib.sh"
trap 'tidy; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

ROUNDS=${ROUNDS:-5}
CPS=${CPS:-200}
SECONDS_=${SECONDS:-20}
CASES=${CASES:-udp udp-tls handshake}
DRAIN=${DRAIN:-36}		# transactions of the last call have ended
MAX=${MAX:-yes}			# look for the highest rate

# note CASE SIDE NAME VALUE
note() { echo "$4" >>"$work/$1.$2.$3"; }
figure() { [ ! -s "$work/$1.$2.$3" ] || median <"$work/$1.$2.$3"; }

# per_call NAME CASE SIDE MS CALLS
per_call() { note "$2" "$3" "$1" "$(awk -v m="$4" -v n="$5" 'BEGIN { printf "%d\n", m * 1000 / n }')"; }

# probed NAME: what sipprobe found while sipp called.
probed() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$work/probe"; }

# one CASE SIDE: a round.
one() {
	side_start "$2" "$1"
	case $1 in
	udp) f=trunk.inf h=heldtrunk.inf n=+17185000000 ;;
	*) f=direct.inf h=held.inf n=+14085000000 ;;
	esac
	open_calls "$DIALOGS" $h
	sleep "$DRAIN"
	# Connections, caches and threads are there before anything counts.
	calls 50 50 $f warm
	# shellcheck disable=SC2086
	{
		a0=$(cpu $pids_a) b0=$(cpu ${pids_b:-$$})
		[ -z "${PROFILE:-}" ] || profile "$1" "$2"
		"$build/regress/tools/sipprobe" -l 127.91.1.10:5080 -d 127.91.1.1:5060 \
		    -n $((SECONDS_ * 20)) -w 40 $n "$NUMBERS" >"$work/probe" &
		_probe=$!
		calls "$CPS" $((CPS * SECONDS_)) $f load
		wait $_probe || echo "bench-sip: $1, $2: no answer to the probe" >&2
		ok=$((ok + $(probed calls)))
		note "$1" "$2" pss "$(pss $pids_a)"
		note "$1" "$2" map "$(pss_map $pids_a)"
		[ -z "$pids_b" ] || note tls-udp "$2" pss "$(pss $pids_b)"
		[ -z "$pids_b" ] || note tls-udp "$2" map "$(pss_map $pids_b)"
		sleep "$DRAIN"
		a1=$(cpu $pids_a) b1=$(cpu ${pids_b:-$$})
	}
	[ "$ok" -gt 0 ] || die "$1, $2: no call came through: $(tail -n 3 "$work/load.out")"
	[ $((bad * 1000)) -le "$ok" ] || echo "bench-sip: $1, $2: $ok calls, $bad failed or repeated" >&2
	per_call cpu "$1" "$2" $((a1 - a0)) "$ok"
	[ -z "$pids_b" ] || per_call cpu tls-udp "$2" $((b1 - b0)) "$ok"
	for c in "$1" ${pids_b:+tls-udp}; do
		note "$c" "$2" p50 "$(probed p50_us)"
		note "$c" "$2" p99 "$(probed p99_us)"
		note "$c" "$2" ok "$ok"
	done
	if [ -n "${VERBOSE:-}" ]; then
		echo "bench-sip: $1 $2: calls=$ok bad=$bad cpu_a_ms=$((a1 - a0)) cpu_b_ms=$((b1 - b0)) $(cat "$work/probe")" >&2
		for p in $pids_a $pids_b; do
			echo "bench-sip:   $p $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-50): cpu_ms=$(cpu "$p") user/system=$(sed 's/.*) //' "/proc/$p/stat" | cut -d' ' -f12,13 | tr ' ' /) pss_kb=$(pss "$p")" >&2
		done
	fi
	[ "$3" = last ] && [ "$MAX" = yes ] && highest "$1" "$2" $f
	side_stop
}
# profile CASE SIDE: where the time of all processes goes, to PROFILE.CASE.SIDE.
profile() {
	command -v perf >/dev/null || { echo "bench-sip: no perf here" >&2; return; }
	# shellcheck disable=SC2086
	setsid perf record -q -F 4000 -g -o "$work/perf.$2" \
	    -p "$(echo $pids_a $pids_b | tr ' ' ,)" -- sleep "$SECONDS_" >/dev/null 2>&1 &
	(sleep $((SECONDS_ + 5)); perf report -i "$work/perf.$2" ${PCHILD:---no-children} --percent-limit 0.5 \
	    --stdio -g none --sort ${PSORT:-comm,dso,symbol} >"$PROFILE.$1.$2" 2>&1) &
}
# highest CASE SIDE FILE: the last rate, each a fifth above the one before,
# with at most one call in a thousand failed or repeated.
highest() {
	r=$CPS
	best=0
	while [ $r -lt 20000 ]; do
		calls $r $((r * ${MAX_SECONDS:-5})) "$3" max
		[ "$ok" -ge $((r * ${MAX_SECONDS:-5} * 999 / 1000)) ] && [ $((bad * 1000)) -le "$ok" ] || break
		best=$r
		r=$((r * 6 / 5))
	done
	note "$1" "$2" max $best
	[ -z "$pids_b" ] || note tls-udp "$2" max $best
}
line() {
	v=$(figure "$1" vipr cpu) k=$(figure "$1" kamailio cpu)
	echo "sip: case=$1 cps=$CPS cpu_call_us=$v kamailio_cpu_call_us=$k ratio=$(awk -v v="$v" -v k="$k" 'BEGIN { printf "%.2f", v / k }') p50_us=$(figure "$1" vipr p50) p99_us=$(figure "$1" vipr p99) max_cps=$(figure "$1" vipr max) pss_kb=$(figure "$1" vipr pss) kamailio_p50_us=$(figure "$1" kamailio p50) kamailio_p99_us=$(figure "$1" kamailio p99) kamailio_max_cps=$(figure "$1" kamailio max) kamailio_pss_kb=$(figure "$1" kamailio pss) store_map_kb=$(figure "$1" vipr map) dialogs=$DIALOGS routes=$ROUTES rounds=$ROUNDS"
}

boxes_make
numbers_file trunk.inf +17185 0 "$NUMBERS"
numbers_file direct.inf +14085 0 "$NUMBERS"
numbers_file held.inf +14085 "$NUMBERS" "$held"
numbers_file heldtrunk.inf +17186 0 "$held"
for case in $CASES; do
	[ "$case" != handshake ] || { . "$here/handshake.sh"; continue; }
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		i=$((i + 1))
		last=
		[ $i -lt "$ROUNDS" ] || last=last
		one "$case" vipr "$last"
		one "$case" kamailio "$last"
	done
	line "$case"
	[ "$case" = udp ] || line tls-udp
done
