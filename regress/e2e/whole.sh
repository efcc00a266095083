# SPDX-License-Identifier: ISC
#
# What the test programs of this folder share whose cases stand in a script of
# whole processes.  They source it from a case's body, by $VIPR_SRC:
#	. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/e2e/whole.sh"

VIPR_SRC=${VIPR_SRC:-$(atf_get_srcdir)/../../..}
VIPR_BUILD=${VIPR_BUILD:-$(atf_get_srcdir)/../..}
export VIPR_SRC VIPR_BUILD

# whole SCRIPT CASE: the case in a network namespace of its own.
whole() {
	[ -x "$VIPR_BUILD/viprd" ] || atf_skip "viprd is not built"
	getent passwd _sipgw >/dev/null || atf_skip "the users of the daemons are missing"
	unshare -n true 2>/dev/null || atf_skip "no network namespaces here"
	unshare -n sh "$VIPR_SRC/regress/e2e/$1" "$2" >out 2>&1 && return
	cat out
	atf_fail "$(grep -c '^FAIL' out) do not hold: $(grep -m 1 '^FAIL' out || tail -n 1 out)"
}
