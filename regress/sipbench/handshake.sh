# Mutual handshakes: CPU of all of the server's processes for one, an OPTIONS
# and its answer included; memory of a connection that stands.  Sourced by
# run.sh.
HANDSHAKES=${HANDSHAKES:-1000}
PEERS=${PEERS:-12}		# domains, each with 16 connections
tlsrate=$build/regress/tools/tlsrate

# shake SIDE: sets full_us, resumed_us, resumed, peer_kb
shake() {
	side_start "$1" udp-tls
	set -- "$1" -c "$work/ca/kama.crt" -k "$work/ca/kama.key" -C "$work/ca/sip.pem" \
	    -s b.example
	_s=$1
	shift
	"$tlsrate" "$@" -n 50 127.91.2.1:5061 >/dev/null || die "no handshake with $_s"
	# shellcheck disable=SC2086
	{
		c0=$(cpu $pids_b)
		"$tlsrate" "$@" -n "$HANDSHAKES" 127.91.2.1:5061 >/dev/null || die "$_s: handshakes"
		c1=$(cpu $pids_b)
		resumed=$("$tlsrate" "$@" -r -n "$HANDSHAKES" 127.91.2.1:5061) || resumed=
		c2=$(cpu $pids_b)
		sleep 2
		p0=$(pss $pids_b)
		# A domain may have sixteen.
		mkfifo "$work/hold.$_s"
		sleep 600 >"$work/hold.$_s" &
		_w=$!
		_hs=
		for _i in $(seq "$PEERS"); do
			"$tlsrate" -c "$work/ca/peer$_i.crt" -k "$work/ca/peer$_i.key" \
			    -C "$work/ca/sip.pem" -s b.example -o 16 127.91.2.1:5061 \
			    <"$work/hold.$_s" >"$work/peers.$_i" 2>>"$work/peers.err" &
			_hs="$_hs $!"
		done
		peer_kb=
		if wait_until 30 sh -c "[ \$(cat '$work'/peers.[0-9]* | grep -c handshakes) = $PEERS ]"; then
			peer_kb=$((($(pss $pids_b) - p0) / PEERS / 16))
		fi
		halt $_w $_hs
		rm -f "$work/hold.$_s" "$work"/peers.*
	}
	full_us=$(((c1 - c0) * 1000 / HANDSHAKES))
	resumed_us=$(((c2 - c1) * 1000 / HANDSHAKES))
	resumed=$(echo "$resumed" | sed -n 's/.*resumed=\([0-9]*\).*/\1/p')
	note handshake "$_s" full $full_us
	# Only where the server did resume.
	[ "${resumed:-0}" -lt $((HANDSHAKES * 9 / 10)) ] || note handshake "$_s" resumed $resumed_us
	[ -z "$peer_kb" ] || note handshake "$_s" peer $peer_kb
	side_stop
}
for i in $(seq "$PEERS"); do
	sip_cert "peer$i.example" "$work/ca/peer$i" || die "no certificate"
	sed 's/serverAuth/serverAuth,clientAuth/' "$work/ca/peer$i.ext" >"$work/ca/peer.ext"
	openssl x509 -req -in "$work/ca/peer$i.csr" -CA "$work/ca/sip.pem" \
	    -CAkey "$work/ca/sip.key" -CAcreateserial -days 20 -extfile "$work/ca/peer.ext" \
	    -out "$work/ca/peer$i.crt" 2>/dev/null || die "no certificate"
done
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	shake vipr
	shake kamailio
done
v=$(figure handshake vipr full) k=$(figure handshake kamailio full)
echo "sip: case=handshake cpu_us=$v kamailio_cpu_us=$k ratio=$(awk -v v="$v" -v k="$k" 'BEGIN { printf "%.2f", v / k }') resumed_cpu_us=$(figure handshake vipr resumed) kamailio_resumed_cpu_us=$(figure handshake kamailio resumed) peer_kb=$(figure handshake vipr peer) kamailio_peer_kb=$(figure handshake kamailio peer) handshakes=$HANDSHAKES rounds=$ROUNDS"
