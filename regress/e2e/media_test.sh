# SPDX-License-Identifier: ISC
#
# Media of direct calls through Debian's rtpengine: see media.sh.

one() {
	atf_test_case "$1"
	eval "$1_head() {
		atf_set require.user root
		atf_set require.progs unshare sh jq openssl
		atf_set timeout 180
	}
	$1_body() {
		media $1
	}"
}

media() {
	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"
	command -v rtpengine >/dev/null || atf_skip "rtpengine is not installed"
	[ "$1" != baresip ] || command -v baresip >/dev/null ||
	    atf_skip "baresip is not installed"
	whole media.sh "$1"
}

for c in audio away wrong late reload baresip; do
	one $c
done

atf_init_test_cases() {
	for c in audio away wrong late reload baresip; do
		atf_add_test_case $c
	done
}
