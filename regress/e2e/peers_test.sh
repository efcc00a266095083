# SPDX-License-Identifier: ISC
#
# Real peers through two borders: sipp, Kamailio as the PBX, baresip as the
# telephone; certificates good and bad; processes that die in mid-call.  What is
# done stands in peers.sh.

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set timeout 240
	}
	$1_body() {
		peers $*
	}"
}

# peers CASE PROGRAM...
peers() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	case=$1
	shift
	for p in unshare ip jq openssl awk sipp "$@"; do
		command -v "$p" >/dev/null || atf_skip "$p is not installed"
	done
	whole peers.sh "$case"
}

one sipp
one kamailio kamailio baresip bash
one baresip baresip bash
one certificates
one restarts

atf_init_test_cases() {
	atf_add_test_case sipp
	atf_add_test_case kamailio
	atf_add_test_case baresip
	atf_add_test_case certificates
	atf_add_test_case restarts
}
