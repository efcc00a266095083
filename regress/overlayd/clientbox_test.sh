# SPDX-License-Identifier: ISC
#
# A whole box as a client of the overlay of three others: publishes, is looked
# up, looks up, survives the peer that answered for it, and says what it is.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"

# as_client BOX: the configuration says so from now on.
as_client() {
	sed 's/^\([[:space:]]*\)store-rate.*/&\
\1client/' n$1/viprd.conf >n$1/viprd.conf.new
	mv n$1/viprd.conf.new n$1/viprd.conf
}

is_client() {
	ctl $1 -j show overlay | grep -q '"state":"client"'
}

atf_test_case client cleanup
client_head() { atf_set timeout 240; }
client_body() {
	setup 4
	as_client 4
	# Not both at once.
	sed 's/client/client\
first/' n4/viprd.conf >both.conf
	chmod 600 both.conf
	atf_check -s exit:1 -o ignore -e match:'found client and first' \
	    "$viprd" -n -f both.conf
	start 1 2 3
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until published $b 8
	done
	start 4
	wait_until is_client 4
	wait_until published 4 8
	for b in 1 2 3 4; do
		wait_until claims $b +14085552003 2
		wait_until claims $b +14085554001 4
	done
	atf_check -o match:client "$viprctl" -s "$PWD/n4/ctl" show overlay
	# The others have three peers of the ring, the client is none.
	for b in 1 2 3; do
		joined $b 2 || atf_fail "box $b counts the client as a peer"
	done
	atf_check -o match:'"stored":0' "$viprctl" -s "$PWD/n4/ctl" -j show
	# Whoever answers for it goes away, one after the other.
	for b in 2 3; do
		stop $b
		wait_until claims 1 +14085554001 4
		wait_until claims 4 +14085554002 4
		start $b
		wait_until joined $b 2
	done
	wait_until claims 2 +14085554003 4
	# A peer from now on.
	sed '/^[[:space:]]*client$/d' n4/viprd.conf >n4/viprd.conf.new
	mv n4/viprd.conf.new n4/viprd.conf
	atf_check -o ignore "$viprctl" -s "$PWD/n4/ctl" reload
	wait_until joined 4 3
	wait_until claims 1 +14085554001 4
	stop 1 2 3 4
	atf_check -s exit:1 -o ignore grep -l 'AddressSanitizer\|runtime error' \
	    n1/log n2/log n3/log n4/log
}
client_cleanup() { finish; }

atf_init_test_cases() {
	atf_add_test_case client
}
