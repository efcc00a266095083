# SPDX-License-Identifier: ISC
#
# Whole-process tests of key: what it keeps over restarts, keys that do not
# belong together, another master key.  No overlay here.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/tools/box.sh"

# config [LINES-IN-SIP]
config() {
	box_config b.example 2 "$*" ""
	box_ctl
}

start() {
	box_start -u
}

stop() {
	kill -TERM "$(cat pid)"
	_rc=0
	wait "$(cat pid)" || _rc=$?
	atf_check_equal 0 $_rc
}

# It must not come up, say why in one line, and exit with 1.
refused() {
	start
	_rc=0
	wait "$(cat pid)" || _rc=$?
	atf_check_equal 1 $_rc
	atf_check -o match:"$1" cat log
	atf_check -s exit:1 grep -q '\]: ready' log
}

tc epoch_kept
epoch_kept_head() {
	atf_set descr "ticket epochs and revocations survive a kill and a restart"
	atf_set timeout 120
}
epoch_kept_body() {
	config
	start
	atf_check -o match:'"epoch":1,' ./ctl -j show
	atf_check -o match:'2' ./ctl key rotate
	atf_check -o match:'"epoch":2,' ./ctl -j show
	atf_check ./ctl revoke grantee a.example
	atf_check ./ctl revoke epoch 2
	atf_check -o match:'"epoch":3,' ./ctl -j show
	atf_check -s not-exit:0 -e match:'no such' ./ctl revoke epoch 77
	atf_check -s not-exit:0 -e match:'TICKET-ID' ./ctl revoke ticket 12
	_k=$(./ctl -j show processes | tr '{' '\n' |
	    sed -n 's/.*"name":"key","pid":\([0-9]*\).*/\1/p')
	kill -9 "$_k"
	wait_until grep -q 'key\[[0-9]*\] is back' log
	wait_until sh -c './ctl -j show | grep -q "\"epoch\":3,"'
	stop
	start
	atf_check -o match:'"epoch":3,' ./ctl -j show
	stop
}

tc other_master
other_master_head() {
	atf_set descr "another master key than the one that sealed the records"
	atf_set timeout 60
}
other_master_body() {
	config
	start
	atf_check -o match:'"recording":true' ./ctl -j show
	stop
	mv master master.old
	printf '%032d' 0 >master
	chmod 600 master
	refused 'master key does not open the records'
	mv master.old master
	start
	atf_check -o match:'"epoch":1,' ./ctl -j show
	stop
}

# A certificate for b.example and a key of its own.
cert() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
	    -nodes -keyout "$1.key" -out "$1.crt" -days 30 -subj /CN=x \
	    -addext subjectAltName=DNS:b.example 2>/dev/null ||
	    atf_skip "openssl cannot make a certificate"
	chmod 600 "$1.key"
}

tc pair
pair_head() {
	atf_set descr "a private key of another certificate"
	atf_set require.progs openssl
	atf_set timeout 60
}
pair_body() {
	cert one
	cert two
	config "certificate \"$PWD/one.crt\"
		key \"$PWD/two.key\"
		ca \"$PWD/one.crt\"
		listen outside on 127.$(($$ / 250 % 250 + 1)).$(($$ % 250 + 1)).2 port 5061"
	refused 'two.key .*does not belong to the certificate'
	cp one.key two.key
	start
	atf_check -o match:'"recording":true' ./ctl -j show
	# At a reload it is refused and the old one stays.
	cert two
	kill -HUP "$(cat pid)"
	wait_until grep -q 'generation 2 refused: .*does not belong' log
	atf_check -o match:'"recording":true' ./ctl -j show
	stop
}

tc asks
asks_head() {
	atf_set descr "answers about numbers and calls"
	atf_set timeout 60
}
asks_body() {
	config
	start
	atf_check -o match:'none of our calls to it is kept' \
	    ./ctl explain +12125550187
	atf_check -s not-exit:0 -e match:'no call to it is left' \
	    ./ctl verify +12125550187
	atf_check -s not-exit:0 -e match:'no such route' \
	    ./ctl route remove +12125550187
	atf_check -o inline:'[]\n' ./ctl -j show calls
	atf_check -o inline:'[]\n' ./ctl -j show proofs
	atf_check -o inline:'[]\n' ./ctl -j show tickets
	atf_check -o match:'key_records 0' ./ctl show metrics
	stop
}

atf_init_test_cases() {
	for _t in epoch_kept other_master pair asks; do
		atf_add_test_case $_t
	done
}
