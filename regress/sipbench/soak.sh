# An hour of calls at half of the highest rate.  sh soak.sh BUILD MINUTES, in a
# network namespace.
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
minutes=$2
. "$top/regress/sipbench/lib.sh"
trap 'tidy; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
case=${CASE:-udp}

# gauge NAME: of A's metrics.
gauge() { ctl a show metrics | awk -v n="vipr_sip_$1" '$1 == n { print $2 }'; }
gauges() {
	for g in dialogs transactions contexts legs calls; do printf ' %s=%s' $g "$(gauge $g)"; done
}

boxes_make
numbers_file trunk.inf +17185 0 "$NUMBERS"
numbers_file direct.inf +14085 0 "$NUMBERS"
case $case in
udp) f=trunk.inf ;;
*) f=direct.inf ;;
esac
side_start vipr "$case"
calls 50 50 $f warm
if [ -z "${CPS:-}" ]; then
	# The highest rate, found as bench-sip does it.
	CPS=100
	while [ $CPS -lt 20000 ]; do
		calls $CPS $((CPS * 3)) $f max
		[ $((bad * 1000)) -le "$ok" ] && [ "$ok" -ge $((CPS * 3 * 999 / 1000)) ] || break
		CPS=$((CPS * 6 / 5))
	done
	CPS=$((CPS * 5 / 6 / 2))
fi
# Once through everything that a rate fills: tables, free lists, caches.
calls "$CPS" $((CPS * 40)) $f warm
sleep 40
echo "soak: start:$(gauges)"
for p in $pids_a; do
	echo "soak: start: $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-40) pss_kb=$(pss "$p") fds=$(fds "$p")"
done
# shellcheck disable=SC2086
pss0=$(pss $pids_a $pids_b) fds0=$(fds $pids_a $pids_b)
calls "$CPS" $((CPS * 60 * minutes)) $f soak
sleep 40
echo "soak: end:$(gauges)"
for p in $pids_a; do
	echo "soak: end: $(tr '\0' ' ' <"/proc/$p/cmdline" | cut -c1-40) pss_kb=$(pss "$p") fds=$(fds "$p")"
done
# shellcheck disable=SC2086
echo "soak: minutes=$minutes cps=$CPS calls=$ok failed=$bad pss_start_kb=$pss0 pss_end_kb=$(pss $pids_a $pids_b) fds_start=$fds0 fds_end=$(fds $pids_a $pids_b)"
