# SPDX-License-Identifier: ISC
#
# Documents and Kinds that a member of another make pushes over a real link: one
# that asks for what we do not have, one that permits no clients, a Kind alone.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"

tools() {
	for _t in docmake linkpeer; do
		[ -x "$(bin regress/tools/$_t)" ] || atf_skip "$_t is not built"
	done
	atf_check -o ignore "$viprctl" ca sign -o peer ca
}

# docmake SEQUENCE OUT [ELEMENT]
docmake() {
	atf_check "$(bin regress/tools/docmake)" ca overlay.xml "$2" "$1" "$3"
}

# push BOX config|kind FILE PATTERN: what the box answers.
push() {
	"$(bin regress/tools/linkpeer)" -b $net.99 -c peer -t 4 $net.$1 "$2" "$3" >out 2>&1 || :
	atf_check -o match:"$4" cat out
}

in_state() {
	ctl $1 -j show overlay | grep -q "\"state\":\"$2\""
}

# restarted BOX PID: its overlayd is another one.
restarted() {
	_pid=$(pid_of $1 overlayd)
	[ -n "$_pid" ] && [ "$_pid" != "$2" ]
}

atf_test_case unsupported cleanup
unsupported_head() { atf_set timeout 240; }
unsupported_body() {
	ring 3
	tools
	docmake 2 bad.xml '<mandatory-extension>urn:x-other</mandatory-extension>'
	# Changed on the way, it moves nobody.
	sed 's/urn:x-other/urn:x-othe2/' bad.xml >changed.xml
	push 2 config changed.xml '^message Error_Forbidden'
	in_state 2 joined || atf_fail "box 2 has gone"
	# Rightly signed it is in force, for all that can follow it.
	push 2 config bad.xml '^message ConfigUpdateAns'
	wait_until in_state 2 left
	atf_check -o match:'alarm: overlay.*asks for what we do not have: .*mandatory-extension' \
	    cat n2/log
	for b in 1 3; do
		wait_until joined $b 1
		wait_until claims $b +14085551001 1
	done
	# The next one is good again; it comes as a file.
	docmake 3 good.xml ''
	sed 's/overlay.xml/good.xml/' n2/viprd.conf >n2/viprd.conf.new
	mv n2/viprd.conf.new n2/viprd.conf
	atf_check -o ignore "$viprctl" -s "$PWD/n2/ctl" reload
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until has_document $b 3
	done
	wait_until claims 2 +14085553001 3
	stop 1 2 3
}
unsupported_cleanup() { finish; }

atf_test_case clients cleanup
clients_head() { atf_set timeout 240; }
clients_body() {
	setup 3
	tools
	sed 's/store-rate.*/&\
client/' n3/viprd.conf >n3/viprd.conf.new
	mv n3/viprd.conf.new n3/viprd.conf
	chmod 600 n3/viprd.conf
	docmake 2 none.xml '<clients-permitted>false</clients-permitted>'
	sed 's/overlay.xml/none.xml/' n3/viprd.conf >none.conf
	chmod 600 none.conf
	atf_check -s exit:1 -o ignore -e match:'none.xml: its clients-permitted is false' \
	    "$viprd" -n -f none.conf
	start 1 2 3
	wait_until in_state 3 client
	wait_until published 3 8
	push 1 config none.xml '^message ConfigUpdateAns'
	wait_until in_state 3 idle
	atf_check -o match:'alarm: overlay.*document 2 permits no clients' cat n3/log
	for b in 1 2; do
		wait_until has_document $b 2
		wait_until joined $b 1
	done
	# Permitted again.
	docmake 3 again.xml ''
	sed 's/overlay.xml/again.xml/' n3/viprd.conf >n3/viprd.conf.new
	mv n3/viprd.conf.new n3/viprd.conf
	chmod 600 n3/viprd.conf
	push 2 config again.xml '^message ConfigUpdateAns'
	wait_until has_document 1 3
	atf_check -o ignore "$viprctl" -s "$PWD/n3/ctl" reload
	wait_until in_state 3 client
	wait_until claims 1 +14085553001 3
	stop 1 2 3
}
clients_cleanup() { finish; }

atf_test_case kind cleanup
kind_head() { atf_set timeout 180; }
kind_body() {
	ring 2
	tools
	atf_check "$(bin regress/tools/docmake)" -k ca kind.xml '<kind id="4026531993"><data-model>SINGLE</data-model><access-control>NODE-MATCH</access-control><max-count>1</max-count><max-size>10</max-size></kind>'
	atf_check "$(bin regress/tools/docmake)" -k ca more.xml '<kind id="4026531993"><data-model>SINGLE</data-model><access-control>NODE-MATCH</access-control><max-count>1</max-count><max-size>20</max-size></kind>'
	sed 's/>10</>11</' kind.xml >changed.xml
	push 1 kind changed.xml '^message Error_Forbidden'
	push 1 kind kind.xml '^message ConfigUpdateAns'
	atf_check -o match:'kind 4026531993 is new' cat n1/log
	# It is kept, and so no news after a restart.
	p=$(pid_of 1 overlayd)
	kill -9 "$p"
	wait_until restarted 1 "$p"
	wait_until joined 1 1
	push 1 kind kind.xml '^message ConfigUpdateAns'
	push 1 kind more.xml '^message ConfigUpdateAns'
	atf_check -o inline:'1\n' grep -c 'kind 4026531993 is new' n1/log
	atf_check -o match:'kind 4026531993 is changed' cat n1/log
	stop 1 2
}
kind_cleanup() { finish; }

atf_init_test_cases() {
	atf_add_test_case unsupported
	atf_add_test_case clients
	atf_add_test_case kind
}
