# Box B beside hostile peers: what border_in.sh and border_guard.sh share.
# Sourced after border_lib.sh.

n200=+14085550200 n1200=+14085551200 n180=+14085550180
# start_b [MORE LINES OF sip [MORE LINES]]: B with a PBX and a trunk, and the
# ticket $good for $target.
start_b() {
	sip_ca || fatal "no certificate authority"
	for c in a.example b.example c.example; do good_cert $c || fatal "no certificate"; done
	sip_conf b "+14085550000 to +14085551999" "${2:-}" "${1:-}"
	phone pbx "$(pbx b):5060" "ViPR-Refusal: expired" "X-Host: $(pbx b)" "Server: pbx at $(pbx b)" "User-Agent: $(pbx b):5060" "Warning: 399 $(pbx b) x" "Session-ID: $(pbx b)"
	phone trunk 127.91.9.1:5060
	box_up b
	target=$n200
	good=$(ticket ticket b.example a.example $n200 3600)
	[ -n "$good" ] || fatal "no ticket"
}

# within WHAT WANT FD METHOD [NAME=VALUE...]: a request in the call that
# open_call made.
within() {
	_w=$1 _x=$2 _f=$3 _m=$4
	shift 4
	cs=$((cs + 1))
	expect "$_w" "$_x" "$_f" method=$_m uri="$cookie" from="$dfrom" to="$dto" \
	    callid="$dcall" cseq=$cs "$@"
}
open_call() {
	expect "a call" 200 "$1" ticket="$good"
	cookie=$(field Contact | sed 's/.*<\([^>]*\)>.*/\1/')
	rr=$(printf '%s\n' "$resp" | sed -n 's/^Record-Route: *//p')
	dfrom=$from dto=$(field To) dcall=$callid cs=1
	send "$1" method=ACK uri="$cookie" from="$dfrom" to="$dto" callid="$dcall"
}
altered() { printf %s "$1" | sed "s/\(:.\{$2\}\)\(.\)/\1$(printf %s "$1" | sed "s/.*:.\{$2\}\(.\).*/\1/" | tr 'A-Za-z0-9_-' 'B-ZAb-za1-90-_')/"; }
pbx_got() { [ "$(seen pbx "^$1 ")" -gt "$2" ]; }
peer_got() { news "$1" | grep -q "^$2"; }

# metric NAME [LABEL VALUE]: of B; 0 when it never was.
metric() {
	ctl b -j show metrics | jq -r --arg n "vipr_sip_$1" --arg l "${2:-}" --arg v "${3:-}" \
	    '[.[] | select(.name == $n and ($l == "" or .[$l] == $v)) | .value] | add // 0'
}
metric_is() { [ "$(metric "$1")" = "$2" ]; }
