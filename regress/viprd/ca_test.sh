# SPDX-License-Identifier: ISC
#
# viprctl ca: an overlay made offline, judged by OpenSSL and by the document's
# own reader.

ca() { "$VIPR_BUILD/viprctl" ca "$@"; }

find_build() { : "${VIPR_BUILD:=$(cd "$(atf_get_srcdir)/../.." && pwd)}"; }

mode() { stat -c %a "$1"; }

make_head() { atf_set descr "root, node certificate and document"; atf_set require.progs openssl; }
make_body() {
	find_build
	atf_check -o match:'signer.crt: node [0-9a-f]{32} user' "$VIPR_BUILD/viprctl" ca init ov overlay.test
	atf_check -o match:'n1.crt: node [0-9a-f]{32} user [0-9a-f]{16}@overlay.test' \
	    "$VIPR_BUILD/viprctl" ca sign -o n1 ov
	atf_check -o match:'n2.crt: node' "$VIPR_BUILD/viprctl" ca sign -k rsa -u bob -o n2 ov
	atf_check -o match:'config.xml: overlay overlay.test sequence 1' \
	    "$VIPR_BUILD/viprctl" ca config -b 192.0.2.1:6084 -b '[2001:db8::1]:7000' ov
	for k in ov/root.key ov/signer.key n1.key n2.key; do
		atf_check_equal 600 "$(mode $k)"
	done
	atf_check_equal 700 "$(mode ov)"
	atf_check -o ignore openssl verify -x509_strict -CAfile ov/root.crt ov/signer.crt n1.crt n2.crt
	atf_check -o match:'reload://0110[0-9a-f]{32}@overlay.test/, email:' \
	    openssl x509 -in n1.crt -noout -ext subjectAltName
	atf_check -o match:'email:bob@overlay.test' openssl x509 -in n2.crt -noout -ext subjectAltName
	atf_check -o match:'^subject=$' openssl x509 -in n1.crt -noout -subject
	# Key and certificate belong together.
	atf_check_equal "$(openssl x509 -in n1.crt -noout -pubkey)" "$(openssl pkey -in n1.key -pubout)"
	atf_check -o save:shown "$VIPR_BUILD/viprctl" ca show ov/config.xml
	atf_check -o ignore grep -x 'bootstrap 192.0.2.1:6084' shown
	atf_check -o ignore grep -Fx 'bootstrap [2001:db8::1]:7000' shown
	atf_check -o ignore grep '^kind 4032186704 max-count 64' shown
	atf_check -o ignore grep -x 'signatures good' shown
	atf_check_equal 3 "$(wc -l <ov/issued | tr -d ' ')"
}

increment_head() { atf_set descr "the next document keeps what is not changed"; }
increment_body() {
	find_build
	ca init ov overlay.test >/dev/null || atf_fail init
	ca config -b 192.0.2.1:6084 -l 7200 -q 50 -t 30 ov >/dev/null || atf_fail config
	bad=000102030405060708090a0b0c0d0e0f
	atf_check -o match:'^out.xml: overlay overlay.test sequence 2$' \
	    "$VIPR_BUILD/viprctl" ca config -x $bad -o out.xml ov
	atf_check -o match:"bad-node $bad" -o match:'bootstrap 192.0.2.1:6084' -o match:'lifetime 7200 quota 50' \
	    "$VIPR_BUILD/viprctl" ca show out.xml overlay.test
	atf_check cmp out.xml ov/config.xml
	atf_check -o match:'<chord:chord-update-interval>30<' grep update-interval out.xml
	atf_check -o match:'sequence 3' "$VIPR_BUILD/viprctl" ca config -X $bad ov
	atf_check -o not-match:'bad-node' "$VIPR_BUILD/viprctl" ca show ov/config.xml
}

altered_head() { atf_set descr "an altered document is refused"; }
altered_body() {
	find_build
	ca init ov overlay.test >/dev/null || atf_fail init
	ca config -b 192.0.2.1:6084 ov >/dev/null || atf_fail config
	sed 's/port="6084"/port="6085"/' ov/config.xml >bad.xml
	atf_check -s exit:1 -o ignore -e match:'bad.xml: configuration: signature does not verify' \
	    "$VIPR_BUILD/viprctl" ca show bad.xml
	# White space counts too.
	sed 's/ <configuration /<configuration  /' ov/config.xml >bad.xml
	atf_check -s exit:1 -o ignore -e match:'signature does not verify' "$VIPR_BUILD/viprctl" ca show bad.xml
	sed 's/<max-size>64/<max-size>65/' ov/config.xml >bad.xml
	atf_check -s exit:1 -o ignore -e match:'signature does not verify' "$VIPR_BUILD/viprctl" ca show bad.xml
	sed 's/^/<!DOCTYPE x>/;q' ov/config.xml >bad.xml
	atf_check -s exit:1 -e match:'bad.xml: line 1: ' "$VIPR_BUILD/viprctl" ca show bad.xml
	atf_check -s exit:1 -e match:'no configuration for this overlay' \
	    "$VIPR_BUILD/viprctl" ca show ov/config.xml other.test
	# A document somebody put in the folder is not signed on.
	cp bad.xml ov/config.xml
	atf_check -s exit:1 -e match:'ov/config.xml: line 1: ' "$VIPR_BUILD/viprctl" ca config ov
}

keep_head() { atf_set descr "no key is overwritten without -f"; }
keep_body() {
	find_build
	ca init ov overlay.test >/dev/null || atf_fail init
	ca sign -o n ov >/dev/null || atf_fail sign
	cp ov/root.key root.old
	cp n.key n.old
	atf_check -s exit:1 -e match:'ov/root.key: exists already' "$VIPR_BUILD/viprctl" ca init ov overlay.test
	atf_check -s exit:1 -e match:'n: certificate or key exists already' "$VIPR_BUILD/viprctl" ca sign -o n ov
	rm n.crt
	atf_check -s exit:1 -e match:'n: certificate or key exists already' "$VIPR_BUILD/viprctl" ca sign -o n ov
	atf_check cmp ov/root.key root.old
	atf_check cmp n.key n.old
	atf_check -o ignore "$VIPR_BUILD/viprctl" ca sign -f -o n ov
	atf_check -s exit:1 -o ignore cmp n.key n.old
}

request_head() { atf_set descr "a certificate for a key made elsewhere"; atf_set require.progs openssl; }
request_body() {
	find_build
	ca init ov overlay.test >/dev/null || atf_fail init
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout far.key \
	    -subj / -out far.csr 2>/dev/null || atf_fail req
	atf_check -o match:'far.crt: node' "$VIPR_BUILD/viprctl" ca sign -c far.csr -o far ov
	atf_check -o ignore openssl verify -CAfile ov/root.crt far.crt
	atf_check_equal "$(openssl x509 -in far.crt -noout -pubkey)" "$(openssl pkey -in far.key -pubout)"
	openssl req -new -newkey rsa:1024 -nodes -keyout weak.key -subj / -out weak.csr 2>/dev/null ||
	    atf_fail req
	atf_check -s exit:1 -e match:'weak.csr: key is neither P-256 nor RSA' \
	    "$VIPR_BUILD/viprctl" ca sign -c weak.csr -o weak ov
	atf_check -s exit:1 -e match:'ov/root.crt: no certificate request in PEM' \
	    "$VIPR_BUILD/viprctl" ca sign -c ov/root.crt -o weak ov
	[ ! -e weak.crt ] || atf_fail "weak.crt was made"
}

errors_head() { atf_set descr "mistakes are named"; }
errors_body() {
	find_build
	v=$VIPR_BUILD/viprctl
	atf_check -s exit:1 -e match:'^usage: viprctl ca init' "$v" ca
	atf_check -s exit:1 -e match:'ca bogus: unknown command' "$v" ca bogus
	atf_check -s exit:1 -e match:'a/b: an overlay name is a domain name' "$v" ca init ov a/b
	atf_check -s exit:1 -e match:'none/signer.crt: No such file' "$v" ca sign none
	atf_check -s exit:1 -e match:'none/signer.key: No such file' "$v" ca config none
	atf_check -s exit:1 -e match:'expected p256 or rsa' "$v" ca init -k dsa ov overlay.test
	atf_check -s exit:1 -e match:'-d 0: expected a number from 1' "$v" ca init -d 0 ov overlay.test
	atf_check -s exit:1 -e match:'-b example.com:1: expected address:port' "$v" ca config -b example.com:1 ov
	atf_check -s exit:1 -e match:'-b 192.0.2.1: expected address:port' "$v" ca config -b 192.0.2.1 ov
	atf_check -s exit:1 -e match:'expected a Node-ID' "$v" ca config -x 00 ov
	ca init ov overlay.test >/dev/null || atf_fail init
	ca init other overlay.test >/dev/null || atf_fail init
	cp other/root.key ov/root.key
	atf_check -s exit:1 -e match:'ov/root.key: does not belong to root.crt' "$v" ca sign -o n ov
	cp other/signer.key ov/signer.key
	atf_check -s exit:1 -e match:'ov/signer.crt: does not belong to signer.key' "$v" ca config ov
}

self_head() { atf_set descr "an overlay where each node signs for itself"; atf_set require.progs openssl; }
self_body() {
	find_build
	v=$VIPR_BUILD/viprctl
	for d in sha256 sha1; do
		atf_check -o match:'signer.crt: node [0-9a-f]{32} user signer@overlay.test' \
		    "$v" ca init -S $d $d overlay.test
		[ ! -e $d/root.key ] && [ ! -e $d/root.crt ] || atf_fail "a root was made"
		atf_check -o match:'sequence 1$' -e match:'chosen Node-IDs are nearly free' \
		    "$v" ca config -b 192.0.2.1:6084 -o $d.xml $d
		atf_check -o save:shown "$v" ca show $d.xml
		atf_check -o ignore grep -x "self-signed-permitted $d, no root" shown
		atf_check -o ignore grep -x 'signatures good' shown
		atf_check -s exit:1 grep root-cert $d.xml
		# A key of either kind; the Node-ID is the digest of the public one.
		for k in p256 rsa; do
			n=$d-$k
			atf_check -o match:"$n.crt: node [0-9a-f]{32} user [0-9a-f]{16}@overlay.test" \
			    "$v" ca self -k $k -o $n $d.xml overlay.test
			atf_check_equal 600 "$(mode $n.key)"
			id=$(openssl pkey -in $n.key -pubout -outform DER | ${d}sum | cut -c 1-32)
			atf_check -o match:"reload://0110$id@overlay.test/" \
			    openssl x509 -in $n.crt -noout -ext subjectAltName
			atf_check -o inline:'issuer=\nsubject=\n' \
			    openssl x509 -in $n.crt -noout -issuer -subject
			# Made again for the same key: the same Node-ID and user.
			cp $n.crt old.crt
			cp $n.key old.key
			atf_check -s exit:1 -e match:"$n: certificate or key exists already" \
			    "$v" ca self -o $n $d.xml
			atf_check -o match:"node $id user" "$v" ca self -r -d 30 -o $n $d.xml
			atf_check cmp $n.key old.key
			atf_check -s exit:1 -o ignore cmp $n.crt old.crt
			atf_check_equal "$(openssl x509 -in old.crt -noout -ext subjectAltName)" \
			    "$(openssl x509 -in $n.crt -noout -ext subjectAltName)"
			atf_check -o match:"node $id user bob@overlay.test" \
			    "$v" ca self -r -u bob -o $n $d.xml
		done
		atf_check -o not-match:"$id" "$v" ca self -f -k rsa -o $n $d.xml
	done
	# The next document says the same; a bad node cannot make one that counts.
	id=$(openssl x509 -in sha256-p256.crt -noout -ext subjectAltName |
	    sed -n 's/.*0110\([0-9a-f]*\)@.*/\1/p')
	atf_check -o match:'sequence 2$' -e ignore "$v" ca config -x $id -o sha256.xml sha256
	atf_check -o match:'self-signed-permitted sha256, no root' "$v" ca show sha256.xml
	atf_check -s exit:1 -e match:'sha256-p256.crt: nodes would refuse it: a bad node' \
	    "$v" ca self -r -o sha256-p256 sha256.xml
	# The signer goes by one digest and there is nobody else.
	atf_check -s exit:1 -e match:'signer.crt is self-signed with sha256' "$v" ca config -S sha1 sha256
	atf_check -s exit:1 -e match:'-S no: signer.crt is self-signed' "$v" ca config -S no sha256
	atf_check -s exit:1 -e match:'sha256/root.crt: No such file' "$v" ca sign -o n sha256
	[ ! -e n.key ] || atf_fail "n.key was made"
}

mixed_head() { atf_set descr "a CA's overlay that permits others, and no more"; }
mixed_body() {
	find_build
	v=$VIPR_BUILD/viprctl
	ca init ov overlay.test >/dev/null || atf_fail init
	ca config -b 192.0.2.1:6084 ov >/dev/null || atf_fail config
	atf_check -o not-match:self-signed "$v" ca show ov/config.xml
	atf_check -s exit:1 -e match:'ov/config.xml: overlay overlay.test does not permit self-signed' \
	    "$v" ca self -o n ov/config.xml
	[ ! -e n.key ] || atf_fail "n.key was made"
	atf_check -o ignore -e match:'nearly free' "$v" ca config -S sha1 ov
	atf_check -o match:'^self-signed-permitted sha1$' "$v" ca show ov/config.xml
	atf_check -o ignore "$v" ca self -o n ov/config.xml
	atf_check -o ignore -e ignore "$v" ca config ov
	atf_check -o match:'^self-signed-permitted sha1$' "$v" ca show ov/config.xml
	atf_check -o ignore "$v" ca config -S no ov
	atf_check -o not-match:self-signed "$v" ca show ov/config.xml
	atf_check -s exit:1 -e match:'ov/config.xml: overlay overlay.test does not permit' \
	    "$v" ca self -r -o n ov/config.xml
	atf_check -s exit:1 -e match:'ov/root.key: the folder is that of a CA' \
	    "$v" ca init -f -S sha1 ov overlay.test
	atf_check -s exit:1 -e match:'-S md5: expected sha256, sha1 or no' "$v" ca config -S md5 ov
	atf_check -s exit:1 -e match:'^usage: viprctl ca init' "$v" ca self ov/config.xml
	sed 's/port="6084"/port="6085"/' ov/config.xml >bad.xml
	atf_check -s exit:1 -e match:'bad.xml: configuration: signature does not verify' \
	    "$v" ca self -o m bad.xml
}

atf_init_test_cases() {
	atf_add_test_case make
	atf_add_test_case increment
	atf_add_test_case altered
	atf_add_test_case keep
	atf_add_test_case request
	atf_add_test_case errors
	atf_add_test_case self
	atf_add_test_case mixed
}
