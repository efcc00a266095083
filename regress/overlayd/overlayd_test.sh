# SPDX-License-Identifier: ISC
#
# Whole-process tests of overlayd: boxes on loopback addresses form an overlay,
# publish, look up, lose and regain processes, move a number, take a new
# configuration document.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"

atf_test_case lookup cleanup
lookup_head() { atf_set timeout 180; }
lookup_body() {
	ring 4
	for b in 1 2 3 4; do
		wait_until claims $b +14085552003 2
		wait_until claims $b +14085554000 4
		wait_until unclaimed $b +14085559999
	done
	# Decoys are for root's eyes, and none of the numbers are failed.
	atf_check -o match:decoy -o match:own -o not-match:failed \
	    "$viprctl" -s "$PWD/n2/ctl" show numbers
	atf_check -o match:claimants "$viprctl" -s "$PWD/n1/ctl" explain +14085552003
	atf_check -s exit:1 -e match:NUMBER "$viprctl" -s "$PWD/n1/ctl" lookup 12
	stop 1 2 3 4
	atf_check -s exit:1 -o ignore grep -l 'AddressSanitizer\|runtime error' n1/log n2/log n3/log n4/log
}
lookup_cleanup() { finish; }

atf_test_case killed cleanup
killed_head() { atf_set timeout 240; }
killed_body() {
	ring 3
	for b in 3 1; do
		p=$(pid_of $b overlayd)
		atf_check test -n "$p"
		kill -9 "$p"
		wait_until joined 2 1
		# What it stored is there all the same.
		wait_until claims 2 +14085552001 2
		wait_until joined $b 2
		wait_until published $b 8
		wait_until joined 2 2
		wait_until claims $b +14085552001 2
	done
	# The whole overlay off and on again.
	stop 1 2 3
	start 3 2 1
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until claims $b +14085553001 3
	done
}
killed_cleanup() { finish; }

atf_test_case leaves cleanup
leaves_head() { atf_set timeout 180; }
leaves_body() {
	ring 3
	id=$(node_of 2)
	stop 2
	# Both neighbours were told before the process ended.
	for b in 1 3; do
		atf_check -o ignore grep "node $id leaves" n$b/log
		wait_until joined $b 1
	done
	atf_check -s exit:1 -o ignore grep killed n2/log
	wait_until claims 1 +14085553001 3
	start 2
	for b in 1 2 3; do
		wait_until joined $b 2
	done
	wait_until claims 2 +14085553001 3
	stop 1 2 3
}
leaves_cleanup() { finish; }

atf_test_case moved cleanup
moved_head() { atf_set timeout 180; }
moved_body() {
	ring 3
	wait_until claims 1 +14085552004 2
	config 2 "+14085552000 to +14085552003"
	config 3 "+14085553000 to +14085553004, +14085552004"
	atf_check -o ignore "$viprctl" -s "$PWD/n2/ctl" reload
	atf_check -o ignore "$viprctl" -s "$PWD/n3/ctl" reload
	wait_until claims 1 +14085552004 3
	wait_until claims 2 +14085552004 3
	wait_until claims 1 +14085552003 2
	config 3 "+14085553000 to +14085553004"
	atf_check -o ignore "$viprctl" -s "$PWD/n3/ctl" reload
	wait_until unclaimed 1 +14085552004
}
moved_cleanup() { finish; }

# A document that one box got from its operator reaches all others.
atf_test_case document cleanup
document_head() { atf_set timeout 180; }
document_body() {
	ring 3
	cp overlay.xml old.xml
	document
	mv overlay.xml new.xml
	cp old.xml overlay.xml
	sed 's/overlay.xml/new.xml/' n1/viprd.conf >n1/viprd.conf.new
	mv n1/viprd.conf.new n1/viprd.conf
	atf_check -o ignore "$viprctl" -s "$PWD/n1/ctl" reload
	for b in 1 2 3; do
		wait_until sh -c "'$viprctl' -s '$PWD/n$b/ctl' -j show | grep -q '\"document\":2'"
		wait_until claims $b +14085552001 2
	done
	# It is remembered, though the file is the old one.
	kill -9 "$(pid_of 3 overlayd)"
	wait_until joined 1 1
	wait_until joined 3 2
	wait_until claims 3 +14085552001 2
	wait_until has_document 3 2
	atf_check -o ignore grep 'document 2 came from peers, the file has 1' n3/log
	# Key learns it again when the whole box was off, and takes the next.
	stop 3
	start 3
	wait_until joined 3 2
	wait_until has_document 3 2
	mv new.xml overlay.xml
	document
	mv overlay.xml new.xml
	cp old.xml overlay.xml
	atf_check -o ignore "$viprctl" -s "$PWD/n1/ctl" reload
	wait_until has_document 3 3
	atf_check -s exit:1 grep 'of a peer refused' n3/log
	kill -9 "$(pid_of 3 overlayd)"
	wait_until joined 1 1
	wait_until joined 3 2
	wait_until has_document 3 3
	wait_until claims 3 +14085552001 2
	# Without its store it has only the file's; key has the newer one
	# already and agrees when a peer sends it.
	kill -9 "$(pid_of 3 overlayd)"
	rm -f n3/state/overlayd/*
	wait_until joined 1 1
	wait_until joined 3 2
	wait_until has_document 3 3
	atf_check -s exit:1 grep 'of a peer refused' n3/log
}
document_cleanup() { finish; }

# A document that has expired is an alarm, and no more.
atf_test_case expired cleanup
expired_head() { atf_set timeout 60; }
expired_body() {
	setup 1
	document -d 1
	echo 'test clock-offset 3d' >>n1/viprd.conf
	start 1
	wait_until joined 1 0
	wait_until grep -q 'warning: overlay config .*/overlay.xml: expired at' n1/log
	wait_until grep -q 'alarm: overlay overlay.test: document 2 has expired 2 days ago' \
	    n1/log
}
expired_cleanup() { finish; }

atf_test_case bad_config
bad_config_head() { atf_set timeout 60; }
bad_config_body() {
	setup 1
	# A certificate of another overlay.
	atf_check -o ignore -e ignore "$viprctl" ca init other other.test
	atf_check -o ignore -e ignore "$viprctl" ca sign -o n1/other other
	sed "s/node.crt/other.crt/;s/node.key/other.key/" n1/viprd.conf >n1/bad.conf
	atf_check -s exit:1 -o ignore -e match:other.crt "$viprd" -u -d -f "$PWD/n1/bad.conf"
	# A document that was changed.
	sed 's/sequence="1"/sequence="9"/' overlay.xml >changed.xml
	sed 's/overlay.xml/changed.xml/' n1/viprd.conf >n1/bad.conf
	atf_check -s exit:1 -o ignore -e match:changed.xml "$viprd" -u -d -f "$PWD/n1/bad.conf"
}

atf_init_test_cases() {
	atf_add_test_case lookup
	atf_add_test_case killed
	atf_add_test_case leaves
	atf_add_test_case moved
	atf_add_test_case document
	atf_add_test_case expired
	atf_add_test_case bad_config
}
