# SPDX-License-Identifier: ISC
#
# Proofs between two boxes with real daemons; the stories are in proof.sh.

story() {
	build=${VIPR_BUILD:-$(cd "$(atf_get_srcdir)/../.." && pwd)}
	src=${VIPR_SRC:-$(cd "$build/.." && pwd)}
	[ -x "$build/viprd" ] || atf_skip "$build/viprd is not built"
	[ -f "$src/regress/e2e/proof.sh" ] || atf_skip "no sources at $src"
	for u in _viprkey _vipr _overlayd _pvpd _sipgw; do
		getent passwd $u >/dev/null || atf_skip "no user $u"
	done
	unshare -n -m -p -f --mount-proc true 2>/dev/null ||
	    atf_skip "no namespaces of our own here"
	# A sanitizer keeps what was freed.
	[ "$1" != marker ] || ! grep -q __asan_init "$build/viprd" ||
	    atf_skip "memory of a sanitizer's build"
	# Whatever is left of it ends with its first process.
	VIPR_BUILD=$build VIPR_SRC=$src atf_check -o match:"checks, 0 failed" -e ignore \
	    unshare -n -m -p -f --kill-child --mount-proc sh "$src/regress/e2e/proof.sh" "$1"
}

for name in killed down selfsigned disk marker; do
	atf_test_case $name
	eval "${name}_head() {
		atf_set require.user root
		atf_set require.progs 'unshare ip mount sipp openssl jq'
		atf_set timeout 170
	}"
	eval "${name}_body() { story $name; }"
done

atf_init_test_cases()
{
	for name in killed down selfsigned disk marker; do
		atf_add_test_case $name
	done
}
