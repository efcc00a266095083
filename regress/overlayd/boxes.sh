# SPDX-License-Identifier: ISC
#
# Boxes on loopback addresses that form an overlay, n1 the first of them; each
# in a folder of its name, with its log.  For tests with whole processes.

: "${VIPRD_WAIT:=400}"		# tenths of a second

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/tools/box.sh"

logs() {
	tail -n 40 n*/log
}

# setup N: an overlay's authority and N boxes, none started.
setup() {
	viprd=$(bin viprd)
	viprctl=$(bin viprctl)
	for _p in "$viprd" "$viprctl" "$(bin overlayd)" "$(bin pvpd)" "$(bin sipgw)"; do
		[ -x "$_p" ] || atf_skip "$_p is not built"
	done
	boxes=$1
	# Addresses below 127/8 that no other test uses at the same time.
	net=127.$(($$ / 250 % 120 + 130)).$(($$ % 250 + 1))
	authority
	document
	_i=1
	while [ $_i -le "$boxes" ]; do
		mkdir -p n$_i/state
		certificate $_i
		head -c 32 /dev/urandom >n$_i/master
		chmod 600 n$_i/master
		config $_i "+1408555${_i}000 to +1408555${_i}004"
		_i=$((_i + 1))
	done
}

# Who signs documents, and a node's certificate: a test may have others.
authority() {
	atf_check -o ignore -e ignore "$viprctl" ca init ca overlay.test
}

certificate() {
	atf_check -o ignore -e ignore "$viprctl" ca sign -o n$1/node ca
}

# document [ARG ...]: a new one, or the next.
document() {
	atf_check -o ignore -e ignore "$viprctl" ca config -b $net.1:6084 -o overlay.xml "$@" ca
}

# config BOX NUMBERS
config() {
	_first=
	[ "$1" != 1 ] || _first=first
	cat >n$1/viprd.conf <<-END
		domain "d$1.example"
		data "$PWD/n$1/state"
		control socket "$PWD/n$1/ctl"
		master key "$PWD/n$1/master"
		permit private
		numbers { $2 }
		decoy 3 from +1408556${1}000 to +1408556${1}099
		overlay "overlay.test" {
			config "$PWD/overlay.xml"
			certificate "$PWD/n$1/node.crt"
			key "$PWD/n$1/node.key"
			listen on $net.$1 port 6084
			store-rate 200
			$_first
		}
		pvp { listen on $net.$1 port 6085 }
		sip {
			listen inside on $net.$1 port 5060 udp
			pbx "pbx" at $net.$1 port 5070 udp ping no
			trunk "pstn" at $net.$1 port 5080 udp ping no
		}
	END
}

# start BOX ...
start() {
	for _b; do
		"$viprd" -u -d -v -f "$PWD/n$_b/viprd.conf" >>n$_b/log 2>&1 &
		echo $! >n$_b/pid
	done
}

stop() {
	for _b; do
		kill "$(cat n$_b/pid)" 2>/dev/null || true
		wait "$(cat n$_b/pid)" 2>/dev/null || true
		rm -f n$_b/pid
	done
}

ctl() {
	_b=$1
	shift
	"$viprctl" -s "$PWD/n$_b/ctl" "$@"
}

# joined BOX PEERS
joined() {
	ctl $1 -j show overlay | grep '"joined":true' | grep -q "\"peers\":$2[,}]"
}

# published BOX COUNT
published() {
	ctl $1 -j show | grep -q "\"published\":$2,\"pending\":0,\"failed\":0"
}

# has_document BOX SEQUENCE
has_document() {
	ctl $1 -j show overlay | grep -q "\"document\":$2,"
}

# claims BOX NUMBER OWNER: box sees exactly owner as claimant.
claims() {
	_id=$(node_of $3)
	_out=$(ctl $1 -j lookup "$2") || return 1
	[ "$(echo "$_out" | grep -c '"node"')" = 1 ] && echo "$_out" | grep -q "$_id"
}

unclaimed() {
	_out=$(ctl $1 -j lookup "$2") || return 1
	! echo "$_out" | grep -q '"node"'
}

node_of() {
	ctl $1 -j show overlay | sed -n 's/.*"node":"\([0-9a-f]*\)","state".*/\1/p'
}

pid_of() {
	ctl $1 -j show processes | tr '{' '\n' |
	    sed -n "s/.*\"$2\".*\"pid\":\([0-9]*\).*/\1/p" | head -n 1
}

ring() {
	setup "$1"
	_b=1
	while [ $_b -le "$1" ]; do
		start $_b
		_b=$((_b + 1))
	done
	_b=1
	while [ $_b -le "$1" ]; do
		wait_until joined $_b $(($1 - 1))
		wait_until published $_b 8
		_b=$((_b + 1))
	done
}

finish() {
	for _p in n*/pid; do
		[ ! -f "$_p" ] || kill "$(cat $_p)" 2>/dev/null || true
	done
}
