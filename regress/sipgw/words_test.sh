# SPDX-License-Identifier: ISC
#
# Words that programs show and people look up: each reason, refusal and counter
# of sipgw stands in its manual, and each statement of viprd.conf in its own.

page() {
	VIPR_SRC=${VIPR_SRC:-$(atf_get_srcdir)/../../..}
	[ -f "$VIPR_SRC/sipgw/sipgw.8" ] || atf_skip "the source tree is not here"
	tr '\n' ' ' <"$VIPR_SRC/sipgw/sipgw.8" >page
}
# stands WORD...: in the manual, as a word of its own.
stands() {
	n=0
	for w in "$@"; do
		n=$((n + 1))
		grep -qE "(^|[ \`(])$w([ ,.)]|\$)" page || atf_fail "$w is not in sipgw.8"
	done
	[ $n -gt 0 ] || atf_fail "no words were found"
}

reasons_head() { atf_set descr "why a call was not diverted"; }
reasons_body() {
	page
	# shellcheck disable=SC2046
	stands $(sed -n '/diverts\[DIVERT_MAX\]/,/^};/p' "$VIPR_SRC/sipgw/border_out.c" |
	    grep -o '"[a-z-]*"' | tr -d '"' | grep -v '^ok$')
	# As many as the enum has.
	want=$(sed -n '/^enum divert {/,/DIVERT_MAX/p' "$VIPR_SRC/sipgw/border.h" |
	    grep -c '^	DIVERT_')
	atf_check_equal "$want" "$(($(sed -n '/diverts\[DIVERT_MAX\]/,/^};/p' \
	    "$VIPR_SRC/sipgw/border_out.c" | grep -o '\[DIVERT_[A-Z_]*\]' | wc -l)))"
}

refusals_head() { atf_set descr "why a call from outside was refused, and fell back"; }
refusals_body() {
	page
	# shellcheck disable=SC2046
	stands $(sed -n '/refusals\[\]/,/^};/p' "$VIPR_SRC/common/vipr.c" | grep -o '"[a-z-][a-z-]*"' |
	    tr -d '"') $(sed -n '/^border_fall_str/,/^}/p' "$VIPR_SRC/sipgw/border_fall.c" |
	    grep -o 'return ("[a-z]*")' | grep -o '"[a-z]*"' | tr -d '"')
}

# Whatever is given as a reason in a line of the log.
lines_head() { atf_set descr "reasons in lines of the log"; }
lines_body() {
	page
	# shellcheck disable=SC2046
	stands $(cat "$VIPR_SRC"/sipgw/*.c | grep -o 'reason=[a-z][a-z-]*' | sed 's/.*=//' | sort -u) \
	    $(cat "$VIPR_SRC"/sipgw/proxy_guard.c "$VIPR_SRC"/sipgw/proxy_in.c \
	    "$VIPR_SRC"/sipgw/proxy.c | tr '\n\t' '  ' |
	    grep -o 'px_refused([^;]*;' | grep -o '"[a-z][a-z-]*"' | tr -d '"' | sort -u) \
	    $(grep -o 'why = "[a-z-]*"' "$VIPR_SRC/sipgw/proxy_within.c" | grep -o '"[a-z-]*"' |
	    tr -d '"' | sort -u)
}

metrics_head() { atf_set descr "counters and gauges"; }
metrics_body() {
	page
	# shellcheck disable=SC2046
	stands $(grep -oE '(COUNTER|GAUGE)\("[a-z_]+"' "$VIPR_SRC"/sipgw/sip_shell_ctl.c |
	    grep -o '"[a-z_]*"' | tr -d '"') \
	    $(grep -o '"vipr_sip_[a-z_]*"' "$VIPR_SRC"/sipgw/sip_shell_ctl.c |
	    sed 's/"vipr_sip_\([a-z_]*\)"/\1/' | grep .)
}

statements_head() { atf_set descr "statements of the sip section"; }
statements_body() {
	page
	n=0
	for w in $(grep -o 'SECTION_SIP, "[a-z-]*"' "$VIPR_SRC/viprd/config_syntax.c" |
	    grep -o '"[a-z-]*"' | tr -d '"' | sort -u); do
		n=$((n + 1))
		grep -qE "^\.(It )?Ic .*$w" "$VIPR_SRC/viprd/viprd.conf.5" ||
		    atf_fail "$w is not in viprd.conf.5"
	done
	[ $n -gt 20 ] || atf_fail "$n statements"
}

atf_init_test_cases() {
	for c in reasons refusals lines metrics statements; do atf_add_test_case $c; done
}
