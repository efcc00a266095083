# SPDX-License-Identifier: ISC
#
# TLS of the border with whole processes, in a network namespace of their own:
# resumption, tickets remembered, certificates replaced under calls, floods,
# PBXs and trunks over TLS.  What is tried stands in border_tls.sh.
# By hand: RELOAD_SECONDS=60 CPS=300 ./border_tls_test reload

cases="resume client known names expired floods reload inside"

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl awk sipp
		atf_set timeout 400
	}
	$1_body() {
		border $1
	}"
}

border() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	whole border_tls.sh "$1"
}

for c in $cases; do
	one "$c"
done

atf_init_test_cases() {
	for c in $cases; do
		atf_add_test_case "$c"
	done
}
