# SPDX-License-Identifier: ISC
#
# Whole-process tests of overlays in which nodes sign their own certificates:
# boxes join, publish and look up; who does not keep to the rule stays outside.

: "${VIPRD_WAIT:=900}"		# a place may need a second round

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/overlayd/boxes.sh"

digest=sha256

authority() {
	atf_check -o ignore -e ignore "$viprctl" ca init -S $digest ca overlay.test
}

certificate() {
	atf_check -o ignore -e ignore "$viprctl" ca self -o n$1/node overlay.xml
}

# key_node FILE: the Node-ID that the key of a certificate makes.
key_node() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER |
	    ${digest}sum | cut -c 1-32
}

# stored BOX: its own certificate, at both places.
stored() {
	ctl $1 -j show metrics | grep -q '"overlay_certificate_places".*"value":2}'
}

# no_more BOX N: so many values are stored at it, or fewer while copies are under
# way.  In a ring of three everybody holds everything: 8 numbers and decoys of
# each under three names, and each certificate at two places.
no_more() {
	_held=$(ctl $1 -j show metrics |
	    sed -n 's/.*"overlay_stored",.*"value":\([0-9]*\)}.*/\1/p')
	[ "$_held" -gt 0 ] && [ "$_held" -le "$2" ] ||
	    atf_fail "n$1 holds $_held values, not up to $2"
}

sane() {
	atf_check -s exit:1 -o ignore grep -l 'AddressSanitizer\|runtime error' n*/log
}

members() {
	ring 3
	for b in 1 2 3; do
		atf_check_equal "$(key_node n$b/node.crt)" "$(node_of $b)"
		wait_until claims $b +14085552003 2
		wait_until claims $b +14085551001 1
		wait_until unclaimed $b +14085559999
		wait_until stored $b
	done
	for b in 1 2 3; do
		no_more $b 78
	done
	# The operator is told what it is worth.
	atf_check -s exit:0 -o ignore -e match:'chosen Node-IDs are nearly free' \
	    "$viprd" -u -n -f "$PWD/n1/viprd.conf"
	stop 1 2 3
	# Another certificate for the same key is the same node.
	id=$(key_node n2/node.crt)
	cp n2/node.crt old.crt
	atf_check -o match:"n2/node.crt: node $id user" -e ignore \
	    "$viprctl" ca self -r -o n2/node overlay.xml
	atf_check -s exit:1 -o ignore cmp n2/node.crt old.crt
	start 1 2 3
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until claims $b +14085552003 2
	done
	atf_check_equal "$id" "$(node_of 2)"
	# The old one of box 2 stays beside the new one, twice; a restart adds
	# nothing.
	for b in 1 2 3; do
		wait_until stored $b
	done
	for b in 1 2 3; do
		no_more $b 80
	done
	# A user name that is another's already is worth a warning.
	user=$(openssl x509 -in n1/node.crt -noout -ext subjectAltName |
	    sed -n 's/.*email:\([^,]*\).*/\1/p')
	stop 3
	atf_check -o match:"user $user" -e ignore \
	    "$viprctl" ca self -r -u "$user" -o n3/node overlay.xml
	start 3
	wait_until joined 3 2
	wait_until grep -q "our user name is also that of node $(node_of 1)" n3/log
	wait_until stored 3
	# Exchanged while it runs: the same node again, with both stored.
	id=$(node_of 1)
	atf_check -o match:"node $id user" -e ignore \
	    "$viprctl" ca self -r -o n1/node overlay.xml
	atf_check -o ignore "$viprctl" -s "$PWD/n1/ctl" reload
	for b in 1 2 3; do
		wait_until joined $b 2
		wait_until claims $b +14085551001 1
	done
	wait_until stored 1
	atf_check_equal "$id" "$(node_of 1)"
	for b in 1 2 3; do
		no_more $b 84
	done
	sane
}

atf_test_case sha256 cleanup
sha256_head() { atf_set timeout 240; atf_set require.progs openssl; }
sha256_body() { members; }
sha256_cleanup() { finish; }

atf_test_case sha1 cleanup
sha1_head() { atf_set timeout 240; atf_set require.progs openssl; }
sha1_body() { digest=sha1; members; }
sha1_cleanup() { finish; }

# A CA's overlay; box 4 has a document of its own by which it may sign for
# itself with a digest, and the others say why they do not let it in.
# outsider DIGEST WHY
outsider() {
	mkdir -p n4/state
	cp -R ca next
	atf_check -o ignore -e ignore "$viprctl" ca config -S $1 -o other.xml next
	atf_check -o ignore -e ignore "$viprctl" ca self -o n4/node other.xml
	head -c 32 /dev/urandom >n4/master
	chmod 600 n4/master
	config 4 "+14085554000 to +14085554004"
	# With the document in force its own box does not start with it.
	atf_check -s exit:1 -o ignore -e match:"n4/node.crt: $2" \
	    "$viprd" -u -n -f "$PWD/n4/viprd.conf"
	sed 's/overlay.xml/other.xml/' n4/viprd.conf >n4/other.conf
	mv n4/other.conf n4/viprd.conf
	start 4
	wait_until grep -q "$2" n1/log
	for b in 1 2 3; do
		joined $b 2 || atf_fail "n$b has another peer"
		wait_until claims $b +14085552003 2
		has_document $b 1 || atf_fail "n$b took the other document"
	done
	ctl 4 -j show overlay | grep -q '"joined":true' && atf_fail "n4 joined"
	sane
}

signed_by_ca() {
	authority() {
		atf_check -o ignore -e ignore "$viprctl" ca init ca overlay.test
	}
	certificate() {
		atf_check -o ignore -e ignore "$viprctl" ca sign -o n$1/node ca
	}
}

# Receivers make the Node-ID anew from the key: by their digest it is not his.
atf_test_case chosen cleanup
chosen_head() { atf_set timeout 180; }
chosen_body() {
	signed_by_ca
	document() {
		atf_check -o ignore -e ignore \
		    "$viprctl" ca config -S sha256 -b $net.1:6084 -o overlay.xml ca
	}
	ring 3
	outsider sha1 'self-signed, and a Node-ID is not the digest of its key'
}
chosen_cleanup() { finish; }

# Where a CA signs, nobody signs for himself; until the document says so.
atf_test_case mixed cleanup
mixed_head() { atf_set timeout 240; }
mixed_body() {
	signed_by_ca
	ring 3
	atf_check -s exit:1 -e match:'does not permit self-signed certificates' \
	    "$viprctl" ca self -o n4 overlay.xml
	outsider sha256 "self-signed, which the overlay's document does not permit"
	# The same document from the operator of one of them: all take it, and
	# then the fourth.
	cp other.xml new.xml
	sed 's/overlay.xml/new.xml/' n2/viprd.conf >n2/new.conf
	mv n2/new.conf n2/viprd.conf
	atf_check -o ignore "$viprctl" -s "$PWD/n2/ctl" reload
	for b in 1 2 3; do
		wait_until has_document $b 2
	done
	for b in 1 2 3 4; do
		wait_until joined $b 3
	done
	wait_until published 4 8
	wait_until claims 1 +14085554003 4
	wait_until claims 4 +14085552003 2
	# And not any more: it hears of it, and is outside.
	mv next/config.xml ca/config.xml
	atf_check -o ignore "$viprctl" ca config -S no -o new.xml ca
	atf_check -o ignore "$viprctl" -s "$PWD/n2/ctl" reload
	wait_until has_document 4 3
	wait_until grep -q 'n4/node.crt: self-signed, .* no peer will talk to this box' n4/log
	for b in 1 2 3; do
		wait_until has_document $b 3
		wait_until joined $b 2
		wait_until claims $b +14085552003 2
	done
	atf_check -o match:'is no member by document 3: self-signed' cat n1/log n2/log n3/log
	sane
}
mixed_cleanup() { finish; }

# A node whose key was lost: its links are closed, and it comes in no more.
atf_test_case bad cleanup
bad_head() { atf_set timeout 180; }
bad_body() {
	ring 3
	atf_check -o ignore -e ignore "$viprctl" ca config -x $(node_of 3) -o overlay.xml ca
	atf_check -o ignore "$viprctl" -s "$PWD/n1/ctl" reload
	for b in 1 2; do
		wait_until has_document $b 2
		wait_until joined $b 1
		atf_check -o match:"node $(node_of 3) is no member by document 2: a bad node" \
		    cat n$b/log
	done
	wait_until grep -q 'overlay link .*: a bad node' n1/log
	wait_until claims 1 +14085552003 2
	wait_until claims 2 +14085551003 1
	sane
}
bad_cleanup() { finish; }

atf_init_test_cases() {
	atf_add_test_case sha256
	atf_add_test_case sha1
	atf_add_test_case chosen
	atf_add_test_case mixed
	atf_add_test_case bad
}
