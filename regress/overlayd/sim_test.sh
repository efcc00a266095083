# SPDX-License-Identifier: ISC
#
# The simulation (regress/sim) with 200 nodes and a fixed seed: joined, stored,
# looked up in peace, under churn, after a cut, after 30 % were killed at one
# instant and among malicious nodes.  Larger ones are for make sim.

sim() {
	_sim=$(atf_get_srcdir)/../sim/sim
	[ -x "$_sim" ] || atf_skip "regress/sim/sim is not built"
	"$_sim" "$@" >out 2>err || { cat out err >&2; atf_fail "sim $*"; }
	tail -n 1 out >last
}

# at_most NAME MAX: a figure of the last line.
at_most() {
	sed -n "s/.* $1=\([0-9.]*\).*/\1/p" last | grep -q . ||
	    atf_fail "no $1 in the last line"
	awk -v v="$(sed -n "s/.* $1=\([0-9.]*\).*/\1/p" last)" -v max="$2" \
	    'BEGIN { exit !(v <= max) }' || { cat out >&2; atf_fail "$1 is above $2"; }
}

atf_test_case overlay
overlay_head() {
	atf_set descr "two hundred nodes, churn, a cut and a great loss"
	atf_set timeout 120
}
overlay_body() {
	sim -n 200 -s 1000 -S 1 -l 1000 -m 20 -p 30 -k 30
	grep -q ' success=100.0000% ' last || { cat out >&2; atf_fail "success"; }
	at_most mean_hops 3.9
	at_most p99_hops 12
	at_most join_s 10
}

atf_test_case replay
replay_head() {
	atf_set descr "a seed gives the same run again, another seed another one"
	atf_set timeout 120
}
replay_body() {
	for i in 1 2 3; do
		sim -n 60 -s 200 -S $((i / 3 + 7)) -l 100 -m 10 -k 10 -L 20
		sed -n 's/.*digest=//p' out >digests.$i
		[ -s digests.$i ] || atf_fail "no digests"
	done
	cmp digests.1 digests.2 || atf_fail "the same seed, another run"
	! cmp -s digests.2 digests.3 || atf_fail "another seed, the same run"
}

atf_test_case malicious
malicious_head() {
	atf_set descr "three hundred nodes, every fifth drops and denies"
	atf_set timeout 120
}
malicious_body() {
	sim -n 300 -s 1000 -S 2 -l 4000 -c 0 -k 0 -i 1 -x 20
	grep '^attack: ' out >last || { cat out >&2; atf_fail "no attack line"; }
	# Without an attack three Fetches; with one not without bounds.
	at_most peace_requests 3.05
	at_most requests 15
	at_most unknown_requests 100
	# sim itself fails below 99 per cent; what it prints must be of it.
	grep -q ' success=\(99\|100\)\.' last || { cat out >&2; atf_fail "success"; }
	# So many malicious nodes are too many: the measure can fail.
	! "$(atf_get_srcdir)"/../sim/sim -n 60 -s 100 -S 1 -l 400 -c 0 -k 0 -i 1 -x 80 \
	    >out 2>&1 || { cat out >&2; atf_fail "80 per cent did no harm"; }
}

atf_init_test_cases() {
	atf_add_test_case overlay
	atf_add_test_case malicious
	atf_add_test_case replay
}
