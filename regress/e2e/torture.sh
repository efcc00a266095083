# Messages that are hard to read, and millions that nobody can: a box, its PBX
# and its trunk on loopback addresses.  sh torture.sh messages|flood
. "$VIPR_SRC/regress/e2e/border_lib.sh"

torture=$build/regress/tools/siptorture
flood=$build/regress/tools/sipflood
start_b() {
	sip_ca || fatal "no certificate authority"
	for c in a.example b.example; do good_cert $c || fatal "no certificate"; done
	sip_conf b "+14085550000 to +14085551999" "" "listen inside on 127.91.2.1 port 5060 tcp"
	box_up b
}

# Each of the 61 over UDP and over TCP, there also byte by byte.
case_messages() {
	start_b
	for p in udp tcp bytes; do
		if "$torture" -p $p -d 127.91.2.1:5060 -l "$(pbx b)" -t 127.91.9.1:5060 \
		    >"$work/$p.out" 2>&1; then
			is "all messages over $p" yes yes
		else
			is "all messages over $p" yes no
			grep wrong "$work/$p.out"
		fi
		tail -n 1 "$work/$p.out"
	done
}


# Mutated messages over each transport, from strangers, from the PBX's own
# address and from a peer with a good certificate, while the PBX makes calls:
# every process is the same as before, every call is made.
alive() { [ "$(proc_pid b sipgw)" = "$sipgw_pid" ] && kill -0 "$sipgw_pid"; }
calls() {
	n=0
	while [ -d "$work" ] && [ ! -f "$work/flood.done" ]; do
		n=$((n + 1))
		call b +4940123456 0 || echo "call $n" >>"$work/calls.failed"
		echo "$n" >"$work/calls.made"
		sleep 0.2
	done
}
# during WHAT COMMAND...: calls go on beside it.
during() {
	_what=$1
	shift
	rm -f "$work/flood.done" "$work/calls.failed" "$work/calls.made"
	calls &
	_calls=$!
	ok "$_what: all sent" "$@"
	: >"$work/flood.done"
	wait $_calls
	ok "$_what: calls were made" [ -s "$work/calls.made" ]
	is "$_what: calls that failed" "" "$(cat "$work/calls.failed" 2>/dev/null)"
	ok "$_what: sipgw is alive" alive
}
# flood PROTO [ARGUMENTS...]
flood_by() {
	_p=$1
	shift
	"$flood" -p "$_p" -s "${FLOOD_SEED:-1}" -r "${FLOOD_RATE:-4000}" "$@" >>"$work/flood.out" 2>&1
}
case_flood() {
	n=${FLOOD_COUNT:-20000}
	start_b
	phones=127.91.9.1
	(cd "$work" && exec sipp -sf "$e2e/uas.xml" -i $phones -p 5060 -key media 198.51.100.9 \
	    -nostdin >"$work/trunk.out" 2>&1 </dev/null) &
	pids="$pids $!"
	sipgw_pid=$(proc_pid b sipgw)
	ok "a call before" call b +4940123456 0
	during "udp, a stranger" flood_by udp -d 127.91.2.1:5060 -l 127.91.2.77 -n "$n"
	during "udp, the PBX's address" flood_by udp -d 127.91.2.1:5060 -l "$(pbx b)" \
	    -n "$n" -r 2000
	during "tcp, the PBX's address" flood_by tcp -d 127.91.2.1:5060 -l "$(pbx b)" -n "$n"
	during "tls, a peer" flood_by tls -d 127.91.2.1:5061 -l 127.91.2.78 -n "$n" \
	    -c "$work/ca/a.example.crt" -k "$work/ca/a.example.key"
	ok "a call after" call b +4940123456 0
	cat "$work/flood.out"
}

# One call with all that may be in it between PBX and trunk, many times over,
# and callers that give up at any moment.
case_flows() {
	start_b
	(cd "$work" && exec sipp -sf "$e2e/inside_uas.xml" -i 127.91.9.1 -p 5060 -nostdin \
	    >"$work/trunk.out" 2>&1 </dev/null) &
	trunk=$!
	pids="$pids $trunk"
	for t in u1 t1; do
		ok "PRACK, UPDATE, re-INVITE, REFER ($t)" sh -c "cd '$work' && timeout 60 sipp \
		    -sf '$e2e/inside_uac.xml' 127.91.2.1:5060 -t $t -i '$(pbx b)' -p 5099 \
		    -s +4940123456 -key caller 100 -m 20 -r 10 -l 3 -nostdin -timeout 50 \
		    >'$work/$t.out' 2>&1 </dev/null"
	done
	kill $trunk
	wait $trunk 2>/dev/null
	phone ring 127.91.9.1:5060
	for ms in 0 1 5 20 100; do
		for n in 1 2 3; do
			gives_up "$ms" || echo "$ms" >>"$work/cancel.failed"
		done
	done
	is "callers that give up" "" "$(cat "$work/cancel.failed" 2>/dev/null)"
	ok "no call stands" soon 5 calls_up b 0
	is "the trunk rang no more" "$(seen ring '^INVITE ')" "$(seen ring '^CANCEL ')"
}
# gives_up MS: a call to a trunk that only rings, cancelled so soon.
gives_up() {
	(cd "$work" && timeout 20 sipp -sf "$e2e/inside_cancel.xml" 127.91.2.1:5060 -i "$(pbx b)" \
	    -p 5098 -s +4940123180 -key caller 101 -d "$1" -m 1 -nostdin -timeout 15 \
	    -default_behaviors all,-abortunexp \
	    >"$work/cancel.out" 2>&1 </dev/null)
}

"case_$1"
