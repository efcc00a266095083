# SPDX-License-Identifier: ISC
#
# PBXs and trunks with whole processes: looked up in DNS, dead and alive, over
# UDP, TCP, IPv4 and IPv6.  What is tried stands in hops.sh.

cases="names pings transports reuse ipv6 several tls"

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk ip ss
		atf_set timeout 180
	}
	$1_body() {
		hops $1
	}"
}

hops() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	case $1 in
	transports|ipv6|several)
		command -v sipp >/dev/null || atf_skip "sipp is missing" ;;
	esac
	case $1 in
	transports|ipv6)
		unshare -n sh -c 'ip link set lo up && ip -6 addr add fd00:91::1/128 dev lo' \
		    2>/dev/null || atf_skip "no IPv6 here" ;;
	esac
	whole hops.sh "$1"
}

for c in $cases; do
	one "$c"
done

atf_init_test_cases() {
	for c in $cases; do
		atf_add_test_case "$c"
	done
}
