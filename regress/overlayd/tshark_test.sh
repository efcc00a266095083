# SPDX-License-Identifier: ISC
#
# An independent decoder reads what we write: every message of reloadmsg goes
# through tshark's RELOAD dissectors, bare and framed; see tshark.sh.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/tshark.sh"

tool() {
	echo "$(atf_get_srcdir)/../tools/reloadmsg"
}

# capture NAMES FILE OPTION...: one packet a message.
capture() {
	_list=$1
	_out=$2
	shift 2
	while read -r _f; do
		od -Ax -tx1 -v "m/$_f"
	done <"$_list" >hex
	atf_check -o ignore -e ignore text2pcap -q "$@" hex "$_out"
}

atf_test_case bare
bare_head() {
	atf_set descr "tshark dissects each byte of each message"
	atf_set require.progs tshark text2pcap
}
bare_body() {
	atf_check "$(tool)" emit m
	(cd m && ls) | grep -v -e framed -e fragment >names
	capture names bare.pcap -u 40001,40000
	check bare.pcap names
	# The code that tshark reads is the one in the file's name.
	tshark -r bare.pcap -T fields -e reload.message.code 2>/dev/null |
	    while read -r _c; do printf '%04x\n' "$_c"; done >codes
	cut -d - -f 1 names >expected
	atf_check cmp expected codes
}

atf_test_case framed
framed_head() {
	atf_set descr "the same on a link: frames and acks"
	atf_set require.progs tshark text2pcap
}
framed_body() {
	atf_check "$(tool)" emit m
	# An ack is known as one once its conversation is.
	(cd m && ls) | grep framed | grep -v ack >names
	(cd m && ls) | grep ack.framed >>names
	capture names framed.pcap -u 40001,40000
	check framed.pcap names -d udp.port==40000,reload-framing
}

atf_test_case fragments
fragments_head() {
	atf_set descr "tshark puts fragments together"
	atf_set require.progs tshark text2pcap
}
fragments_body() {
	atf_check "$(tool)" emit m
	(cd m && ls) | grep fragment >names
	capture names frag.pcap -u 40001,40000
	atf_check -e ignore -o match:"2 RELOAD fragments" -o match:"store_req" \
	    -o match:"4032186704" -o not-match:"[Mm]alformed" tshark -r frag.pcap -V
}

atf_test_case decode
decode_head() {
	atf_set descr "what is emitted is decoded, and each cut of it refused"
}
decode_body() {
	atf_check "$(tool)" emit m
	for _f in m/*; do
		atf_check -o not-empty "$(tool)" decode "$_f"
	done
	_f=m/0007-store-of-a-registration
	for _n in 0 4 37 38 56 57 100 300 500 700; do
		head -c $_n "$_f" >cut
		atf_check -s exit:1 -e match:"at byte" "$(tool)" decode cut
		head -c $_n "$_f.framed" >cut
		atf_check -s exit:1 -e match:"at byte" "$(tool)" decode cut
	done
}

atf_init_test_cases() {
	atf_add_test_case bare
	atf_add_test_case framed
	atf_add_test_case fragments
	atf_add_test_case decode
}
