# Proofs between two boxes with real daemons, through crashes, a peer that is
# down and a full disk.  sh proof.sh CASE; needs VIPR_BUILD and VIPR_SRC, and
# a network and mounts of its own.
set -u

build=$VIPR_BUILD
work=$(mktemp -d /tmp/vipr-proof.XXXXXX) || exit 1
chmod 755 "$work"
mkdir "$work/bin"
for p in viprd viprctl overlayd pvpd sipgw; do cp "$build/$p" "$work/bin/" || exit 1; done
e2e=$work/e2e
cp -R "$VIPR_SRC/regress/e2e" "$e2e" || exit 1
VIPRD_FLAGS=${VIPRD_FLAGS:-}
. "$e2e/lib.sh"
viprd=$work/bin/viprd viprctl=$work/bin/viprctl
memgrep=$build/regress/tools/memgrep
checks=0
failed=0

command ip link set lo up || exit 1
umask 022

finish() {
	# What it looked like, before it ends.
	if [ $failed -ne 0 ]; then
		for box in a b; do
			ctl $box -j show
			ctl $box show proofs
			ctl $box show routes
		done
	fi
	for c in a b; do
		[ ! -f "$work/$c/phones.pid" ] || kill "$(cat "$work/$c/phones.pid")" 2>/dev/null
		box_stop $c
	done
	[ ! -f "$work/pstn.pid" ] || kill "$(cat "$work/pstn.pid")" 2>/dev/null
	if [ $failed -ne 0 ]; then
		[ ! -s "$work/found" ] || cat "$work/found"
		for c in a b; do sed "s/^/$c: /" "$work/$c/log" | tail -n 60; done
	fi
	umount "$work/a/data" 2>/dev/null || :
	echo "$checks checks, $failed failed"
	if [ $failed -ne 0 ] && [ -n "${PROOF_KEEP:-}" ]; then
		echo "files are in $work"
	else
		rm -rf "$work"
	fi
	[ $failed -eq 0 ] && [ $checks -gt 0 ]
}
trap 'finish; exit $?' EXIT
trap 'exit 1' INT TERM

# ok WHAT COMMAND...
ok() {
	_what=$1
	shift
	checks=$((checks + 1))
	if "$@" >/dev/null 2>&1; then
		[ -z "${PROOF_VERBOSE:-}" ] || echo "pass: $_what ($(($(date +%s) - began)) s)"
	else
		failed=$((failed + 1))
		echo "FAIL: $_what ($(($(date +%s) - began)) s)"
	fi
}
need() {
	_before=$failed
	ok "$@"
	[ $failed -eq $_before ] || exit 1
}
equal() { [ "$1" = "$2" ]; }
not() { ! "$@"; }
began=$(date +%s)

# key_has X FIELD N: a counter of its key is at least N.
key_field() { ctl "$1" -j show | jq -r ".[] | select(.kind==\"key\") | .$2"; }
key_has() { [ "$(key_field "$1" "$2")" -ge "$3" ]; }
holds() { [ "$(records "$1")" -ge "$2" ]; }
claimed() { [ "$(ctl a -j lookup "$target" | jq length)" -ge 1 ]; }

# up [SED-EXPRESSION]: both boxes, as viprd.conf altered by the expression.
target=$(number b 01)
up() {
	sip_ca && overlay_ca a b || return 1
	for c in a b; do
		sip_cert $c.example "$work/$c/sip" || return 1
		echo "numbers { $(number $c 01), $(number $c 50), $(number $c 73) }" >"$work/$c/numbers.conf"
		box_conf $c
		sed -i "${1:-}" "$work/$c/viprd.conf"
	done
	pstn_start && phones_start b && box_start a && box_start b &&
	    wait_until 30 claimed
}

# kill_9 X NAME: and wait until another runs in its place.
kill_9() {
	_old=$(proc_pid "$1" "$2")
	kill -9 "$_old" || return 1
	wait_until 20 replaced "$1" "$2" "$_old"
}
replaced() {
	_new=$(proc_pid "$1" "$2") && [ -n "$_new" ] && [ "$_new" != null ] &&
	    [ "$_new" != "$3" ]
}
# No connection of a proof is under way or hangs.
trying() { [ "$(ctl "$1" -j show | jq -r '.[] | select(.kind=="pvpd") | .connections')" -ge 1 ]; }

# now: A's unproven calls to the number are to be proven at once.
now() { ctl a verify "$target" >/dev/null; }

# key is killed between the call and its proof, and pvpd and both keys in the
# midst of one: each call is proven all the same.
case_killed() {
	need "two boxes are up" up 's/^\tdelay .*/\tdelay 8s to 9s/; s/^\twithin .*/\twithin 60s/'
	call a "$target" 3
	need "the call was answered" equal $? 0
	need "A's key holds it" wait_until 5 holds a 1
	need "B's key holds it" wait_until 5 holds b 1
	ok "A's key was killed and is back" kill_9 a key
	ok "it still holds the call" wait_until 10 holds a 1
	ok "nothing was proven yet" equal "$(route_state a "$target")" none
	ok "its moment came" wait_until 20 key_has a lookups 1
	now
	ok "the call is proven" wait_until 20 route_is a "$target" pending
	# The second proof: B's pvpd is held, so that A's waits in the midst of it.
	call a "$target" 4
	ok "the second call was answered" equal $? 0
	need "A's key holds both" wait_until 5 holds a 2
	held=$(proc_pid b pvpd)
	kill -STOP "$held"
	now
	ok "A's pvpd is at it" wait_until 20 trying a
	ok "A's pvpd was killed and is back" kill_9 a pvpd
	kill -CONT "$held"
	ok "the second call is proven" wait_until 20 proven_now active
	offered=$(pstnctl count)
	call a "$target" 2
	ok "the next call is direct" equal "$? $(pstnctl count)" "0 $offered"
	# B's key dies in the midst of the next.
	target=$(number b 50)
	call a "$target" 3
	ok "a call to another number was answered" equal $? 0
	need "A's key holds the three" wait_until 5 holds a 3
	need "B's key holds the three" wait_until 5 holds b 3
	held=$(proc_pid b pvpd)
	kill -STOP "$held"
	now
	ok "A's pvpd is at it again" wait_until 20 trying a
	ok "B's key was killed and is back" kill_9 b key
	kill -CONT "$held" 2>/dev/null
	ok "that call is proven too" wait_until 20 proven_now pending
}
# It may need another moment: ask for it until it is there.
proven_now() { route_is a "$target" "$1" || { now; return 1; }; }

# B is away when the moment comes: another moment comes, and then it works.
case_down() {
	need "two boxes are up" up 's/^\tdelay .*/\tdelay 1s to 2s/; s/^\twithin .*/\twithin 20s/'
	call a "$target" 3
	need "the call was answered" equal $? 0
	need "A's key holds it" wait_until 5 holds a 1
	need "B's key holds it" wait_until 5 holds b 1
	box_stop b
	now
	ok "A tried" wait_until 20 key_has a tries 1
	ok "nothing was proven" equal "$(route_state a "$target")" none
	: >"$work/b/log"
	need "B is up again" box_start b
	ok "the call is proven" wait_until 40 route_is a "$target" pending
	ok "no run failed" equal "$(key_field a failed_runs)" 0
}

# Nodes sign their certificates for themselves: proofs go over TLS between such
# two, and each believes the other's Node-ID.
case_selfsigned() {
	overlay_self=sha256
	need "two boxes are up" up 's/^\tdelay .*/\tdelay 1s to 2s/; s/^\twithin .*/\twithin 8s/'
	ok "there is no root" not grep -q root-cert "$work/ca/overlay.xml"
	for k in 1 2; do
		call a "$target" $((k + 2))
		ok "call $k was answered" equal $? 0
		ok "A's key holds it" wait_until 5 holds a $k
		ok "B's key holds it" wait_until 5 holds b $k
		[ $k = 2 ] || ok "it is proven" wait_until 20 route_is a "$target" pending
	done
	ok "both are proven" wait_until 20 route_is a "$target" active
	ok "no run failed" equal "$(key_field a failed_runs)" 0
	offered=$(pstnctl count)
	call a "$target" 2
	ok "the next call is direct" equal "$? $(pstnctl count)" "0 $offered"
}

# The disk is full: calls go on, the log says so once, and later records are
# kept again.
case_disk() {
	mkdir -p "$work/a/data"
	need "a small disk" mount -t tmpfs -o size=8m,mode=755 none "$work/a/data"
	need "two boxes are up" up 's/^\tdelay .*/\tdelay 1s to 2s/; s/^\twithin .*/\twithin 8s/'
	call a "$target" 3
	ok "a call is kept" wait_until 5 holds a 1
	ok "and proven" wait_until 20 route_is a "$target" pending
	dd if=/dev/zero of="$work/a/data/filler" bs=4k 2>/dev/null
	# LMDB uses what it has before it asks for more.
	for k in 1 2 3 4 5 6 7 8; do
		burst
		! grep -q 'not recording' "$work/a/log" || break
	done
	ok "the log says so" grep -q 'not recording: No space' "$work/a/log"
	ok "show says so" equal "$(key_field a recording)" false
	call a "$target" 3
	ok "calls go on" equal $? 0
	ok "records are missing" key_has a legs_unwritten 1
	said=$(grep -c 'not recording' "$work/a/log")
	call a "$target" 3
	ok "it is said once" equal "$(grep -c 'not recording' "$work/a/log")" "$said"
	kept=$(records a)
	rm "$work/a/data/filler"
	call a "$(number b 50)" 3
	ok "calls are kept again" wait_until 5 holds a $((kept + 1))
	ok "the log says that too" wait_until 5 grep -q 'recording again' "$work/a/log"
	ok "so does show" equal "$(key_field a recording)" true
	ok "what was kept is proven" wait_until 20 route_is a "$(number b 50)" pending
	kept=$(records a)
	ok "A's key was killed and is back" kill_9 a key
	ok "it holds what it held" wait_until 10 holds a "$kept"
}

# burst: 36 calls of A, as many at once as one pair of numbers may have, to
# numbers that nobody claims.
burst() {
	_pids=
	for _from in 01 50 73; do
		for _to in 11 12 13; do
			callport=$((callport + 1))
			(cd "$work/a" && exec timeout 60 sipp -sf "$e2e/uac.xml" "$(ip a):5060" \
			    -i "$(pbx a)" -p $callport -s "$(number b $_to)" -m 4 -r 4 -l 4 \
			    -d 2200 -key caller "$(number a $_from)" -key media 198.51.100.1 \
			    -nostdin -timeout 50 >"$work/a/burst.out" 2>&1 </dev/null) &
			_pids="$_pids $!"
		done
	done
	# shellcheck disable=SC2086
	wait $_pids
}

# After a call nobody but key knows who called, in memory or on disk.
children() {
	for _p in $(cat "/proc/$1/task/$1/children"); do
		echo "$_p"
		children "$_p"
	done
}
case_marker() {
	# A caller of ours that no configuration and no registration spells out.
	marker=+12125559973
	mkdir -p "$work/a"
	echo "callers { +12125559900 to +12125559999 }" >"$work/a/extra.conf"
	need "two boxes are up" up 's/^\tdelay .*/\tdelay 1s to 2s/; s/^\twithin .*/\twithin 8s/'
	for k in 1 2; do
		call a "$target" $((k + 2)) "$marker"
		ok "call $k was answered" equal $? 0
		# Not show calls, whose rows tell root the caller by way of control.
		ok "A's key holds it" wait_until 5 key_has a records $k
		ok "B's key holds it" wait_until 5 key_has b records $k
		[ $k = 2 ] || ok "it is proven" wait_until 20 route_is a "$target" pending
	done
	ok "both are proven" wait_until 20 route_is a "$target" active
	offered=$(pstnctl count)
	call a "$target" 2 "$marker"
	ok "a direct call" equal "$? $(pstnctl count)" "0 $offered"
	for box in a b; do
		parent=$(cat "$work/$box/pid")
		key=$(proc_pid $box key)
		ok "key of $box knows the caller" "$memgrep" "$marker" "$key"
		for p in $parent $(children "$parent"); do
			[ "$p" != "$key" ] || continue
			# Answers to retransmissions are kept for half a minute.
			ok "$(cat "/proc/$p/comm") of $box does not" wait_until 45 forgotten "$p"
		done
		ok "no file or log line of $box does" not grep -rqF "${marker#+}" "$work/$box/data" "$work/$box/log"
	done
}
forgotten() {
	"$memgrep" "$marker" "$1" >"$work/found"
	[ $? -eq 1 ]
}

"case_$1"
