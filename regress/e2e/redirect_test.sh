# SPDX-License-Identifier: ISC
#
# The redirect server and the copies for a capture server with real peers, in a
# network namespace of their own.  What is tried stands in redirect.sh.

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk ss $2
		atf_set timeout 240
	}
	$1_body() {
		redirect $1
	}"
}

redirect() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	whole redirect.sh "$1"
}

one kamailio kamailio
one tcp kamailio
one token
one capture kamailio

atf_init_test_cases() {
	for c in kamailio tcp token capture; do
		atf_add_test_case $c
	done
}
