# SPDX-License-Identifier: ISC
#
# viprctl against a running viprd: what it shows, in both forms, its errors and
# exit statuses.  A box with a telephone side only.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/tools/box.sh"

start() {
	box_config a.example 2 "" ""
	box_start -u
	box_ctl
}

tc show
show_head() {
	atf_set require.progs jq
	atf_set timeout 60
}
show_body() {
	start
	atf_check -o match:'domain +a\.example' ./ctl show
	atf_check -o match:'NAME +PID' -o match:'^sipgw +[0-9]+' ./ctl sh proc
	atf_check -o match:'^numbers \{$' \
	    -o match:'^	\+14085550100 to \+14085550199$' ./ctl show config
	atf_check -o match:'^# TYPE vipr_process_up gauge$' \
	    -o match:'^vipr_process_up\{process="sipgw"\} 1$' \
	    -o match:'^# EOF$' ./ctl show metrics
	atf_check -o empty ./ctl show routes
	atf_check -o empty ./ctl show calls
	atf_check -o match:'next call +trunk: no-route' ./ctl explain +14085559999
	# Every answer is JSON.
	for c in show "show processes" "show routes" "show calls" \
	    "show tickets" "show proofs" "show config" "show metrics" \
	    "explain +14085559999"; do
		# shellcheck disable=SC2086
		./ctl -j $c >out || atf_fail "$c"
		atf_check -o inline:'array\n' jq -r type out
	done
	atf_check -o inline:'null\n' ./ctl -j show routes +14085559999
	atf_check -o inline:'"none"\n' sh -c \
	    "'$(bin viprctl)' -s ctl.sock -j show routes +14085559999 |
	    jq '.state // \"none\"'"
	./ctl -j show processes >out
	atf_check -o match:'^[0-9]+$' jq '.[] | select(.name == "key") | .pid' out
	# What is printed is a configuration.
	./ctl show config >again
	atf_check -o ignore -e ignore "$(bin viprd)" -n -f again
}

tc change
change_head() {
	atf_set timeout 60
}
change_body() {
	start
	atf_check ./ctl log verbose
	atf_check ./ctl log b
	atf_check ./ctl reload
	atf_check -o match:'^# generation 2$' ./ctl show config
	# The reason comes back, and nothing changes.
	echo nonsense >>viprd.conf
	atf_check -s exit:1 -e match:'viprctl: .*viprd.conf' ./ctl reload
	atf_check -o ignore grep 'viprd.conf:[0-9]*: found "nonsense"' log
	atf_check -o match:'^# generation 2$' ./ctl show config
	atf_check -s exit:1 -e match:'viprctl: .*no call' ./ctl verify +14085559999
	atf_check -s exit:1 -e match:'viprctl: ' ./ctl route remove +14085559999
	atf_check -s exit:1 -e match:'viprctl: ' ./ctl revoke epoch 77
	atf_check -o match:'EPOCH' ./ctl key rotate
	atf_check ./ctl stop
	wait_until sh -c "! kill -0 $(cat pid)"
	rm pid
	atf_check -s exit:1 -e match:'ctl.sock: .*is viprd running' ./ctl show
}

usage_head() { :; }
usage_body() {
	[ -x "$(bin viprctl)" ] || atf_skip "viprctl is not built"
	box_ctl
	atf_check -s exit:1 -e match:'^usage: viprctl' ./ctl
	atf_check -s exit:1 -e match:'^usage: viprctl' ./ctl -x show
	atf_check -s exit:1 -e match:'found "nope", expected explain' ./ctl nope
	atf_check -s exit:1 -e match:'more than one command begins with "re"' \
	    ./ctl re
	atf_check -s exit:1 -e match:'expected \+NUMBER' ./ctl lookup 911
	atf_check -s exit:1 -e match:'usage: viprctl ca' ./ctl ca
	atf_check -s exit:1 -e match:'name too long' "$(bin viprctl)" \
	    -s "$(printf '%0200d' 1)" show
}

# Something else answers on the socket: nothing bad happens.
garbage_head() {
	atf_set require.progs perl
	atf_set timeout 30
}
garbage_body() {
	[ -x "$(bin viprctl)" ] || atf_skip "viprctl is not built"
	box_ctl
	: >log
	for g in '' 'HTTP/1.1 200 OK' \
	    "$(printf '\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377')"; do
		rm -f ctl.sock
		printf '%s' "$g" >answer
		perl -MIO::Socket::UNIX -e 'open(F, "answer"); $t = <F>;
		    $l = IO::Socket::UNIX->new(Local => "ctl.sock", Listen => 1);
		    $c = $l->accept; print $c $t if defined $t; close($c);' &
		wait_until test -S ctl.sock
		atf_check -s exit:1 -e match:'^viprctl: ' ./ctl show
		wait
	done
}

atf_init_test_cases() {
	atf_add_test_case show
	atf_add_test_case change
	atf_add_test_case usage
	atf_add_test_case garbage
}
