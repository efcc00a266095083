# A real box whose overlayd holds a million registrations: CPU and time of
# overlayd from its start until all are there and the ring is joined, and its
# resident memory then and after some seconds.
# sh regress/e2e/stored.sh BUILD [VALUES]
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
values=${2:-1000000}
e2e=$top/regress/e2e
VIPRD_FLAGS=
. "$e2e/lib.sh"
work=$(mktemp -d /tmp/vipr-stored.XXXXXX) || exit 1
chmod 755 "$work"
mkdir "$work/bin"
for p in viprd viprctl overlayd pvpd sipgw; do cp "$build/$p" "$work/bin/"; done
viprd=$work/bin/viprd viprctl=$work/bin/viprctl
trap 'box_stop a; rm -rf "$work"' EXIT
sip_ca && overlay_ca a && sip_cert a.example "$work/a/sip" || exit 1
box_conf a
dir=$work/a/data/overlayd

# The folder is made by the first start, with the owner that it has to have.
box_start a || { echo "the box did not start" >&2; tail "$work/a/log" >&2; exit 1; }
box_stop a
owner=$(stat -c %u:%g "$dir/data.mdb") || exit 1
"$build/regress/overlayd/stored_bench" -b "$dir" "$values" || exit 1
chown "$owner" "$dir"/data.*
: >"$work/a/log"

begun=$(date +%s%N)
box_start a || { echo "the box did not start" >&2; tail "$work/a/log" >&2; exit 1; }
joined() { ctl a -j show overlay | grep -q '"joined": *true'; }
pid=$(proc_pid a overlayd)
# Fields 14 and 15 are CPU in hundredths of a second.
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/$pid/stat"; }
rss_mb() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }
wait_until 60 grep -q " $values values stored" "$work/a/log" ||
    { echo "not all is there" >&2; tail "$work/a/log" >&2; exit 1; }
ready=$((($(date +%s%N) - begun) / 1000000))
cpu=$(cpu_ms)
wait_until 30 joined || { echo "the ring was not joined" >&2; exit 1; }
rss=$(rss_mb)
sleep 5
echo "stored_start: values=$values start_cpu_ms=$cpu start_wall_ms=$ready rss_mb=$rss rss_later_mb=$(rss_mb) goal_ms=2000 goal_mb=150"
