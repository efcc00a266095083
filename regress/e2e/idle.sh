# Proportional memory of an idle box, all processes together.
# sh regress/e2e/idle.sh BUILD
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
e2e=$top/regress/e2e
VIPRD_FLAGS=
. "$e2e/lib.sh"
work=$(mktemp -d /tmp/vipr-idle.XXXXXX) || exit 1
chmod 755 "$work"
mkdir "$work/bin"
for p in viprd viprctl overlayd pvpd sipgw; do cp "$build/$p" "$work/bin/"; done
viprd=$work/bin/viprd viprctl=$work/bin/viprctl
trap 'box_stop a; rm -rf "$work"' EXIT
sip_ca && overlay_ca a && sip_cert a.example "$work/a/sip" || exit 1
box_conf a
box_start a || { echo "the box did not start" >&2; tail "$work/a/log" >&2; exit 1; }
wait_until 10 ctl a show || exit 1
sleep 3
sum=0
n=0
children=$(pgrep -P "$(cat "$work/a/pid")")
for p in "$(cat "$work/a/pid")" $children $(pgrep -P "$(echo "$children" | paste -sd, -)"); do
	kb=$(awk '/^Pss:/ { print $2 }' "/proc/$p/smaps_rollup")
	sum=$((sum + ${kb:-0}))
	n=$((n + 1))
done
echo "idle: processes=$n pss_kb=$sum goal_kb=40960"
