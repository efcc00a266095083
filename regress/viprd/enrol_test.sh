# SPDX-License-Identifier: ISC
#
# viprctl overlay: discovery and enrolment with a real peer on loopback,
# regress/tools/enrolsrv, which signs by way of "viprctl ca sign".

: "${VIPRD_WAIT:=400}"		# tenths of a second

find_build() { : "${VIPR_BUILD:=$(cd "$(atf_get_srcdir)/../.." && pwd)}"; }

wait_until() {
	_n=0
	until "$@" >/dev/null 2>&1; do
		_n=$((_n + 1))
		if [ $_n -gt "$VIPRD_WAIT" ]; then
			tail -n 40 srv.log n*/log >&2 || true
			atf_fail "waited in vain: $*"
		fi
		sleep 0.1
	done
}

# A server's certificate, made by itself: tls NAME SUBJECT-ALT-NAME
tls() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	    -keyout "$1.key" -out "$1.crt" -subj /CN=overlay.test -addext "subjectAltName=$2" \
	    -days 10 2>/dev/null || atf_fail "openssl req"
}

# setup [KEYTYPE]: authority, certificate of the server, program that signs.
setup() {
	find_build
	v=$VIPR_BUILD/viprctl
	# Addresses below 127/8 that no other test uses at the same time.
	net=127.$(($$ / 250 % 60 + 60)).$(($$ % 250 + 1))
	"$v" ca init -k "${1:-p256}" ca overlay.test >/dev/null || atf_fail "ca init"
	tls s DNS:overlay.test
	cat >sign <<-END
		#!/bin/sh
		"$v" ca sign -f -c "\$1" -o out ca >sign.log 2>&1 || {
			grep -q 'another key' sign.log && printf username_not_available || printf bad_CSR
			exit 1
		}
		openssl x509 -in out.crt -outform DER -out "\$2"
	END
	chmod 755 sign
	mkdir srv
	printf 'secret\n' >pw
	chmod 600 pw
}

# server [ARG ...]: in place of the one before.  At the same port, if any.
server() {
	stop
	rm -f srv.port
	"$VIPR_BUILD/regress/tools/enrolsrv" -h $net.1 ${port:+-p $port} "$@" >srv.port 2>>srv.log &
	echo $! >srv.pid
	wait_until grep -q '^[0-9]' srv.port
	port=$(cat srv.port)
	url=https://$net.1:$port
}

stop() {
	[ ! -f srv.pid ] || kill "$(cat srv.pid)" 2>/dev/null || true
	[ ! -f srv.pid ] || wait "$(cat srv.pid)" 2>/dev/null || true
	rm -f srv.pid
}

cleanup() {
	for _p in srv.pid other.pid n*/pid; do
		[ ! -f "$_p" ] || kill "$(cat "$_p")" 2>/dev/null || true
	done
}

# A server that enrols, and the document that names it.
enrolling() {
	setup "$@"
	server -a alice:secret -d ca/config.xml -x ./sign s.crt s.key srv
	"$v" ca config -b $net.1:6084 -e $url/enrol -o overlay.xml ca >/dev/null || atf_fail "ca config"
}

# Seconds until we give up: one, where nothing will come.
patience() { case $1 in slow | silent) echo 1 ;; *) echo 60 ;; esac; }

fetch() { "$v" overlay fetch -C s.crt "$@"; }
enrol() { "$v" overlay enrol -C s.crt -a alice -p pw "$@"; }
node() { openssl x509 -in "$1" -noout -ext subjectAltName | grep -o 'reload://[^,]*'; }

case_of() {
	atf_test_case "$1" cleanup
	eval "${1}_head() { atf_set descr \"$2\"; atf_set require.progs openssl; atf_set timeout ${3:-120}; }
	${1}_cleanup() { cleanup; }"
}

case_of discover "a document by URL and by the DNS, the first and later ones"
discover_body() {
	setup
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	server -d ca/config.xml s.crt s.key srv
	atf_check -o save:out "$v" overlay fetch -C s.crt -s $url/.well-known/reload-config overlay.test doc.xml
	atf_check -o match:'^doc.xml: from .*, a first one, believed' -o match:'^overlay overlay.test$' \
	    -o match:'^sequence 1$' -o match:'^expires 20..-' -o match:'^root [0-9a-f]{64} until' \
	    -o match:'^configuration-signer [0-9a-f]{32}$' -o match:'^signatures good$' cat out
	atf_check cmp doc.xml ca/config.xml
	atf_check -o match:'^root '"$(openssl x509 -in ca/root.crt -outform DER | sha256sum | cut -c1-64)" cat out
	atf_check -o match:'^GET /.well-known/reload-config HTTP/1.1' -o match:"^Host: $net.1:$port" \
	    -o match:'^Accept: application/p2p-overlay.xml' -o match:'^Connection: close' cat srv/head
	atf_check -o match:'doc.xml: is the latest' "$v" overlay fetch -C s.crt -s $url/x overlay.test doc.xml
	# By name: SRV, then the address of its target; asked for by the overlay's name.
	atf_check -o match:'dns.xml: from srv.test:' "$v" overlay fetch -C s.crt -n $net.1:$port overlay.test dns.xml
	atf_check cmp dns.xml ca/config.xml
	atf_check -o match:'^Host: overlay.test' cat srv/head
	# A newer one is judged by the one that is there.
	"$v" ca config -t 60 ca >/dev/null || atf_fail config
	atf_check -o match:'signed by a signer of the one before' -o match:'^sequence 2$' \
	    "$v" overlay fetch -C s.crt -n $net.1:$port overlay.test doc.xml
	atf_check cmp doc.xml ca/config.xml
	atf_check_equal 644 "$(stat -c %a doc.xml)"
}

case_of judged "which documents are refused"
judged_body() {
	setup
	tls s DNS:overlay.test,DNS:other.test
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	cp ca/config.xml one.xml
	"$v" ca config -t 60 ca >/dev/null || atf_fail config
	cp one.xml served.xml
	server -d served.xml s.crt s.key srv
	cp ca/config.xml doc.xml
	f="$v overlay fetch -C s.crt -s $url/ overlay.test"
	atf_check -s exit:1 -e match:'is refused: sequence 1 is not newer than 2' $f doc.xml
	# The same sequence, but other bytes.
	sed 's/ <signature>/<signature>/' ca/config.xml >served.xml
	atf_check -s exit:1 -e match:'is refused: sequence 2 is not newer than 2' $f doc.xml
	# Newer and altered; newer, and of another authority.
	sed 's/sequence="2"/sequence="3"/' ca/config.xml >served.xml
	atf_check -s exit:1 -e match:'is refused: configuration: signature does not verify' $f doc.xml
	"$v" ca init other overlay.test >/dev/null || atf_fail init
	for i in 1 2 3; do "$v" ca config -b $net.1:6084 other >/dev/null 2>&1 || atf_fail config; done
	cp other/config.xml served.xml
	atf_check -s exit:1 -e match:'is refused: configuration: ' $f doc.xml
	atf_check cmp doc.xml ca/config.xml
	# Unless it is to be believed like a first one.
	atf_check -o match:'^sequence 3' -o match:'a first one' "$v" overlay fetch -f -C s.crt -s $url/ overlay.test doc.xml
	atf_check cmp doc.xml other/config.xml
	# No document, none of this overlay, not signed, altered, an entity.
	echo '<html>hello</html>' >served.xml
	atf_check -s exit:1 -e match:'is refused: line 1: the root is not overlay' $f new.xml
	cp ca/config.xml served.xml
	atf_check -s exit:1 -e match:'is refused: no configuration for this overlay' \
	    "$v" overlay fetch -C s.crt -s $url/ other.test new.xml
	sed '/<signature>/d' ca/config.xml >served.xml
	atf_check -s exit:1 -e match:'is refused: configuration: not signed' $f new.xml
	sed 's/port="6084"/port="6085"/' ca/config.xml >served.xml
	atf_check -s exit:1 -e match:'is refused: configuration: signature does not verify' $f new.xml
	head -c 1000 ca/config.xml >served.xml
	atf_check -s exit:1 -e match:'is refused: line [0-9]+: (unclosed token|no element found)' $f new.xml
	[ ! -e new.xml ] || atf_fail "a refused document was written"
	# Somebody's file that is no document is not replaced.
	echo precious >mine
	cp ca/config.xml served.xml
	atf_check -s exit:1 -e match:'mine: line 1: ' $f mine
	atf_check -o inline:'precious\n' cat mine
}

case_of names "whose certificate counts for what"
names_body() {
	setup
	"$v" ca config -b $net.1:6084 -e https://$net.1:1/ ca >/dev/null || atf_fail config
	tls wrong DNS:www.other.test
	tls address IP:$net.1
	tls wild DNS:*.test
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout cn.key -out cn.crt \
	    -subj /CN=overlay.test -days 10 2>/dev/null
	cat s.crt wrong.crt address.crt wild.crt cn.crt >all.crt
	server -d ca/config.xml wrong.crt wrong.key srv
	u="$v overlay fetch -C all.crt -s $url/ overlay.test"
	d="$v overlay fetch -C all.crt -n $net.1:$port overlay.test"
	atf_check -s exit:1 -e match:"its certificate is not for $net.1 or overlay.test, but for www.other.test" $u w.xml
	atf_check -s exit:1 -e match:'srv.test:[0-9]+: its certificate is not for overlay.test, but for www.oth' $d w.xml
	# The name in the DNS is not believed: only that of the overlay.
	server -d ca/config.xml address.crt address.key srv
	atf_check -o ignore $u a.xml
	atf_check -s exit:1 -e match:'its certificate is not for overlay.test' $d w.xml
	# Nor that of a whole top level.
	server -d ca/config.xml wild.crt wild.key srv
	atf_check -s exit:1 -e match:'its certificate is not for overlay.test, but for [*].test' $d w.xml
	# The common name counts no longer.
	server -d ca/config.xml cn.crt cn.key srv
	atf_check -s exit:1 -e match:'its certificate is not for overlay.test' $d w.xml
	# Not trusted, by -C and by the system.
	server -d ca/config.xml s.crt s.key srv
	atf_check -s exit:1 -e match:'its certificate is not trusted: self-signed certificate' \
	    "$v" overlay fetch -C wrong.crt -n $net.1:$port overlay.test w.xml
	if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
		atf_check -s exit:1 -e match:'its certificate is not trusted: ' \
		    "$v" overlay fetch -n $net.1:$port overlay.test w.xml
	fi
	atf_check -s exit:1 -e match:'pw: no certificates in PEM form' "$v" overlay fetch -C pw -s $url/ overlay.test w.xml
	# An enrolment server is vouched for by the overlay, not by its URL.
	server -x ./sign address.crt address.key srv
	atf_check -s exit:1 -e match:'its certificate is not for overlay.test' \
	    "$v" overlay enrol -C all.crt -s $url/ ca/config.xml w
	[ ! -e w.xml ] && [ ! -e w.key ] || atf_fail "written all the same"
}

case_of dns "names that lead nowhere"
dns_body() {
	setup
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	server -n dot -d ca/config.xml s.crt s.key srv
	d="$v overlay fetch -t 5 -C s.crt -n $net.1:$port overlay.test doc.xml"
	atf_check -s exit:1 -e match:'_reload-config._tcp.overlay.test: the DNS says that there is no such service' $d
	# Without SRV the name itself, as a browser would; nobody listens there.
	server -n none -d ca/config.xml s.crt s.key srv
	atf_check -s exit:1 -e match:'overlay.test:443: ' $d
	stop
	atf_check -s exit:1 -e match:'viprctl: [a-z_.-]*overlay.test: ' "$v" overlay fetch -t 2 -C s.crt -n $net.9:1 overlay.test doc.xml
	atf_check -s exit:1 -e match:"$net.1:$port: Connection refused" \
	    "$v" overlay fetch -C s.crt -s $url/ overlay.test doc.xml
	atf_check -s exit:1 -e match:'x: no address of a DNS server' "$v" overlay fetch -C s.crt -n x overlay.test doc.xml
}

case_of transport "answers that are malformed, endless, slow, or somewhere else"
transport_body() {
	setup
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	for m in chunked close interim nonotify; do
		server -m $m -d ca/config.xml s.crt s.key srv
		atf_check -o ignore "$v" overlay fetch -f -C s.crt -s $url/ overlay.test ok-$m.xml
		atf_check cmp ok-$m.xml ca/config.xml
	done
	while read -r mode text; do
		server -m $mode -d ca/config.xml s.crt s.key srv
		atf_check -s exit:1 -e match:"viprctl: $net.1:$port: $text" \
		    "$v" overlay fetch -t "$(patience $mode)" -C s.crt -s $url/ overlay.test doc.xml
	done <<-END
		redirect sends us on \(302, https://evil.test/x\), which is not followed
		status=404 answers 404, expected 200 \(there is nothing at this URL\)
		status=503 answers 503, expected 200 \(trouble over there; try later\)
		status=401 answers 401, expected 200
		truncate the answer is cut short
		cut answer: unexpected eof while reading
		nothttp the answer does not begin with an HTTP status line
		garbage its document is refused: line 1: 
		head the answer has too long a header
		huge the answer is longer than is allowed
		slow (answer|request|TLS handshake) took too long
		silent TLS handshake took too long
		plain TLS handshake: wrong version number
	END
	[ ! -e doc.xml ] || atf_fail "doc.xml was written"
}

case_of confined "what reads from the network is in a sandbox"
confined_body() {
	[ -r /proc/self/status ] || atf_skip "no /proc"
	setup
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	server -m silent s.crt s.key srv
	"$v" overlay fetch -t 60 -C s.crt -s $url/ overlay.test doc.xml >/dev/null 2>&1 &
	pid=$!
	echo $pid >other.pid
	boxed() {
		_c=$(cat /proc/$pid/task/$pid/children)
		[ -n "$_c" ] && grep -q '^Seccomp:.*2$' "/proc/${_c% }/status"
	}
	wait_until boxed
	# The one that writes files is not, and waits for it in vain.
	kill -9 "$(cat /proc/$pid/task/$pid/children)"
	wait $pid && atf_fail "success without an answer"
	[ ! -e doc.xml ] || atf_fail "doc.xml was written"
}

case_of s_server "a document from OpenSSL's own web server"
s_server_body() {
	setup
	"$v" ca config -b $net.1:6084 ca >/dev/null || atf_fail config
	mkdir -p www/.well-known
	cp ca/config.xml www/.well-known/reload-config
	server s.crt s.key srv		# finds a free port
	stop
	(cd www && exec openssl s_server -WWW -quiet -accept $net.1:$port -cert ../s.crt -key ../s.key) \
	    >/dev/null 2>>srv.log </dev/null &
	echo $! >other.pid
	wait_until "$v" overlay fetch -f -C s.crt -s $url/.well-known/reload-config overlay.test doc.xml
	atf_check cmp doc.xml ca/config.xml
}

case_of enrol "key and certificate from an enrolment server"
enrol_body() {
	enrolling
	atf_check -o match:'^box.crt: node [0-9a-f]{32} user [0-9a-f]{16}@overlay.test$' \
	    "$v" overlay enrol -C s.crt -a alice -p pw overlay.xml box
	atf_check_equal 600 "$(stat -c %a box.key)"
	atf_check_equal 644 "$(stat -c %a box.crt)"
	atf_check -o ignore openssl verify -x509_strict -CAfile ca/root.crt box.crt
	atf_check_equal "$(openssl x509 -in box.crt -noout -pubkey)" "$(openssl pkey -in box.key -pubout)"
	# What stood in the form, and around it.
	atf_check -o inline:'username password csr' cat srv/names
	atf_check -o match:'^POST /enrol HTTP/1.1' -o match:'^Accept: application/pkix-cert' \
	    -o match:'^Content-Type: multipart/form-data; boundary=' cat srv/head
	atf_check -o match:'Subject: *$' -o match:'email:[0-9a-f]{16}@overlay.test' -e ignore \
	    openssl req -inform DER -in srv/csr.der -noout -text -verify -nameopt utf8
	# No password where others can see it.
	atf_check -s exit:1 -o ignore grep -q secret srv/head
	# Neither is replaced unasked, nor by a failure.
	cp box.key box.old
	atf_check -s exit:1 -e match:'box.key: exists already' "$v" overlay enrol -C s.crt -a alice -p pw overlay.xml box
	atf_check -s exit:1 -e match:'failed_authentication' "$v" overlay enrol -f -C s.crt overlay.xml box
	atf_check cmp box.key box.old
	atf_check -o ignore "$v" overlay enrol -f -C s.crt -a alice -p pw -k rsa overlay.xml box
	atf_check -o match:'3072 bit' openssl pkey -in box.key -noout -text
	# A name of one's own; the password from standard input.
	atf_check -o match:'user exchange-7@overlay.test$' -x \
	    "echo secret | $v overlay enrol -C s.crt -a alice -p - -u exchange-7 overlay.xml ex"
	# Nobody else gets that.
	atf_check -s exit:1 -e match:'refuses: somebody else has that user name.*\(username_not_available\)' \
	    "$v" overlay enrol -C s.crt -a alice -p pw -u exchange-7 overlay.xml ex2
	[ ! -e ex2.key ] && [ ! -e ex2.crt ] || atf_fail "ex2 was written"
}

case_of rsa "the kind of key follows that of the authority"
rsa_body() {
	enrolling rsa
	atf_check -o ignore "$v" overlay enrol -C s.crt -a alice -p pw overlay.xml box
	atf_check -o match:'\(3072 bit' openssl pkey -in box.key -noout -text
	atf_check -o ignore "$v" overlay enrol -C s.crt -a alice -p pw -k p256 overlay.xml ec
	atf_check -o match:'prime256v1' openssl pkey -in ec.key -noout -text
}

case_of renew "the same key, user and Node-ID again"
renew_body() {
	enrolling
	enrol -u me overlay.xml box >/dev/null || atf_fail enrol
	cp box.key key.old
	cp box.crt crt.old
	atf_check -o match:'user me@overlay.test$' "$v" overlay enrol -r -C s.crt -a alice -p pw overlay.xml box
	atf_check cmp box.key key.old
	atf_check -s exit:1 -o ignore cmp box.crt crt.old
	atf_check_equal "$(node crt.old)" "$(node box.crt)"
	# A failure leaves the old one.
	cp box.crt crt.old
	server -m token=unheard_of s.crt s.key srv
	atf_check -s exit:1 -e match:'for a reason that RELOAD does not know: "unheard_of"' \
	    "$v" overlay enrol -r -C s.crt -a alice -p pw overlay.xml box
	atf_check cmp box.crt crt.old
	enrol2="$v overlay enrol -C s.crt -a alice -p pw"
	atf_check -s exit:1 -e match:'-r keeps the key' $enrol2 -r -k rsa overlay.xml box
	atf_check -s exit:1 -e match:'none.crt: No such file' $enrol2 -r overlay.xml none
	"$v" ca sign -o strange ca >/dev/null || atf_fail sign
	cp strange.key box.key
	atf_check -s exit:1 -e match:'box.key: is not the key of box.crt' $enrol2 -r overlay.xml box
}

case_of refused "what an enrolment server may say, and may not"
refused_body() {
	enrolling
	e="$v overlay enrol -C s.crt -a alice -p pw"
	while read -r mode text; do
		server -m $mode -a alice:secret -x ./sign s.crt s.key srv
		atf_check -s exit:1 -e match:"viprctl: $net.1:$port: $text" \
		    $e -t "$(patience $mode)" overlay.xml box
	done <<-END
		token=failed_authentication refuses: account or password is wrong.*\(failed_authentication\)
		token=username_not_available refuses: somebody else has that user name
		token=Node-IDs_not_available refuses: there is no Node-ID left
		token=bad_CSR refuses: the server does not take the request.*-k rsa
		token=other refuses, for a reason that RELOAD does not know: "other"
		token= refuses, for a reason that RELOAD does not know: ""
		status=403 answers 403, expected 200
		status=401 wants an HTTP password, which is not how RELOAD enrols
		status=500 answers 500, expected 200 \(trouble over there
		redirect sends us on \(302, https://evil.test/x\)
		type=text/html answers with "text/html", expected application/pkix-cert
		garbage its answer is not one certificate in DER
		twice its answer is not one certificate in DER: there is more behind it
		truncate the answer is cut short
		huge the answer is longer than is allowed
		head the answer has too long a header
		slow (answer|request|TLS handshake) took too long
		silent TLS handshake took too long
	END
	# Tokens with a line end are as good.
	e="$e overlay.xml box"
	server -m "$(printf 'token=bad_CSR\r\n')" s.crt s.key srv
	atf_check -s exit:1 -e match:'\(bad_CSR\)' $e
	# What would upset a terminal is not shown as it is.
	server -m "$(printf 'token=\033[31mred')" s.crt s.key srv
	atf_check -s exit:1 -e match:'"\\033\[31mred"' $e
	server -m plain s.crt s.key srv
	atf_check -s exit:1 -e match:'wrong version number' $e
	stop
	atf_check -s exit:1 -e match:"$net.1:$port: Connection refused" $e
	[ ! -e box.key ] && [ ! -e box.crt ] || atf_fail "box was written"
}

case_of foreign "certificates that are not right for us"
foreign_body() {
	enrolling
	e="$v overlay enrol -C s.crt -a alice -p pw"
	try() {		# text; the program that signs is on standard input
		{ echo '#!/bin/sh'; cat; } >bad
		chmod 755 bad
		server -x ./bad s.crt s.key srv
		atf_check -s exit:1 -e match:"$1" $e overlay.xml box
	}
	"$v" ca init other overlay.test >/dev/null || atf_fail init
	"$v" ca init far far.test >/dev/null || atf_fail init
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k -subj / -out k.csr 2>/dev/null
	try 'its certificate is refused: it is for another key' <<-END
		"$v" ca sign -f -c k.csr -o o ca >/dev/null && openssl x509 -in o.crt -outform DER -out "\$2"
	END
	try 'its certificate is refused: .*(issuer|chain|root|signature)' <<-END
		"$v" ca sign -f -c "\$1" -o o other >/dev/null && openssl x509 -in o.crt -outform DER -out "\$2"
	END
	try 'its certificate is refused: ' <<-END
		"$v" ca sign -f -c "\$1" -o o far >/dev/null && openssl x509 -in o.crt -outform DER -out "\$2"
	END
	try 'its answer is not one certificate in DER, but PEM' <<-END
		"$v" ca sign -f -c "\$1" -o o ca >/dev/null && cp o.crt "\$2"
	END
	# Names made by hand.
	u0=reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@overlay.test/
	u1=reload://0110b0b1b2b3b4b5b6b7b8b9babbbcbdbebf@overlay.test/
	byhand() {	# text names days
		printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=critical,%s\n' "$2" >ext
		try "$1" <<-END
			openssl x509 -req -in "\$1" -inform DER -CA ca/root.crt -CAkey ca/root.key -days $3 \
			    -subj / -extfile ext -outform DER -out "\$2" 2>bad.log
		END
	}
	byhand 'it holds several Node-IDs' "URI:$u0,URI:$u1,email:x@y" 10
	byhand 'is refused: a name that is neither' "URI:$u0,email:x@y,DNS:z" 10
	byhand 'is refused: no Node-ID' email:x@y 10
	byhand 'is refused: ' "URI:reload://0110a0a1a2a3a4a5a6a7a8a9aaabacadaeaf@far.test/,email:x@y" 10
	byhand 'is refused: ' "URI:$u0,email:x@y" -1
	[ ! -e box.key ] && [ ! -e box.crt ] || atf_fail "box was written"
	# The same by hand, but right: another user name than we asked for is told.
	printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=critical,%s\n' "URI:$u0,email:bob@corp.test" >ext
	server -x ./bad s.crt s.key srv
	sed -i 's/-days -1/-days 10/' bad
	atf_check -o match:'box.crt: node a0a1a2a3a4a5a6a7a8a9aaabacadaeaf user bob@corp.test' \
	    -e match:'warning: the server gave us the user name bob@corp.test in place of me@overlay.test' \
	    $e -u me overlay.xml box
	# A bad node stays one.
	"$v" ca config -x a0a1a2a3a4a5a6a7a8a9aaabacadaeaf -o overlay.xml ca >/dev/null || atf_fail config
	atf_check -s exit:1 -e match:'its certificate is refused: .*bad' $e overlay.xml box2
}

case_of several "servers in turn; the child url"
several_body() {
	setup
	server -x ./sign s.crt s.key srv
	"$v" ca config -b $net.1:6084 -e https://$net.1:1/ -e "$url/x?a=1&b=2" -o overlay.xml ca >/dev/null || atf_fail config
	atf_check -o match:"^enrollment-server https://$net.1:1/$" \
	    -o match:"^enrollment-server $url/x.a=1&b=2$" "$v" ca show overlay.xml
	atf_check -o ignore "$v" overlay enrol -C s.crt overlay.xml box
	atf_check -o match:'^POST /x\?a=1&b=2 HTTP/1.1' cat srv/head
	# Without an account there is none in the form.
	atf_check -o inline:csr cat srv/names
	# Kept by the next document, until it says none.
	"$v" ca config -t 60 -o overlay.xml ca >/dev/null || atf_fail config
	atf_check -o match:"^enrollment-server $url/x.a=1&b=2$" "$v" ca show overlay.xml
	"$v" ca config -e none -o overlay.xml ca >/dev/null || atf_fail config
	atf_check -o not-match:enrollment-server "$v" ca show overlay.xml
	atf_check -s exit:1 -e match:'overlay overlay.test has no enrollment-server' \
	    "$v" overlay enrol -C s.crt overlay.xml none
	atf_check -o ignore "$v" overlay enrol -C s.crt -s $url/ overlay.xml by-hand
}

case_of other_client "the test's server takes the form of curl"
other_client_head() { atf_set descr "the test's server takes the form of curl"; atf_set require.progs "openssl curl"; }
other_client_body() {
	enrolling
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout c.key -subj / \
	    -outform DER -out c.csr 2>/dev/null || atf_fail req
	atf_check -o ignore -e ignore curl -sS --cacert s.crt --resolve overlay.test:$port:$net.1 \
	    -H 'Accept: application/pkix-cert' -F username=alice -F password=secret \
	    -F 'csr=@c.csr;type=application/pkcs10' -o c.der https://overlay.test:$port/enrol
	atf_check -o ignore -x "openssl x509 -inform DER -in c.der >c.crt && openssl verify -CAfile ca/root.crt c.crt"
}

case_of other_parser "our form as tshark reads it"
other_parser_head() {
	atf_set descr "our form as tshark reads it"
	atf_set require.progs "openssl tshark text2pcap od"
}
other_parser_body() {
	enrolling
	enrol -u me overlay.xml box >/dev/null || atf_fail enrol
	cat srv/head srv/body >form
	od -Ax -tx1 -v form >form.hex
	atf_check -o ignore -e ignore text2pcap -T 1234,80 form.hex form.pcap
	atf_check -o save:read -e ignore tshark -r form.pcap -V
	atf_check -o match:'Request Method: POST' -o match:'Type: multipart/form-data' \
	    -o match:'form-data; name="username"' -o match:"Data: $(printf alice | od -An -tx1 | tr -d ' ')" \
	    -o match:'form-data; name="password"' -o match:"Data: $(printf secret | od -An -tx1 | tr -d ' ')" \
	    -o match:'form-data; name="csr"; filename=' -o match:'Content-Type: application/pkcs10' \
	    -o match:'rdnSequence: 0 items' -o match:'namedCurve: 1.2.840.10045.3.1.7' \
	    -o match:'GeneralNames: 1 item' -o match:'rfc822Name: me@overlay.test' \
	    -o match:'Last boundary' -o not-match:'[Mm]alformed' -o not-match:nodeids cat read
}

case_of offline "a request that travels by other means"
offline_body() {
	setup
	atf_check -o match:'^me.csr: asks for user me@overlay.test$' "$v" overlay request -u me overlay.test me
	atf_check_equal 600 "$(stat -c %a me.key)"
	atf_check -o ignore -e ignore openssl req -in me.csr -noout -verify
	atf_check -o match:'^me.crt: node [0-9a-f]{32} user me@overlay.test$' "$v" ca sign -c me.csr -o me ca
	atf_check -s exit:1 -e match:'me.key: exists already' "$v" overlay request overlay.test me
	# The same key, renewed; another key with that name only when the operator says so.
	atf_check -o match:' as before$' "$v" ca sign -f -c me.csr -o again ca
	atf_check_equal "$(node me.crt)" "$(node again.crt)"
	atf_check -o ignore "$v" overlay request -k rsa -u me@overlay.test overlay.test thief
	atf_check -s exit:1 -e match:'me@overlay.test: has a certificate for another key' \
	    "$v" ca sign -c thief.csr -o thief ca
	[ ! -e thief.crt ] || atf_fail "thief.crt was made"
	atf_check -o match:'user me@overlay.test as before' "$v" ca sign -c thief.csr -u me -o moved ca
	atf_check_equal "$(node me.crt)" "$(node moved.crt)"
	# One who was banned begins anew.
	"$v" ca config -b 192.0.2.1:6084 -x "$(node me.crt | cut -c14-45)" ca >/dev/null || atf_fail config
	atf_check -o not-match:'as before' "$v" ca sign -f -c thief.csr -u me -o moved ca
	[ "$(node me.crt)" != "$(node moved.crt)" ] || atf_fail "the banned Node-ID again"
	# The signer's name is not for nodes.
	atf_check -o ignore "$v" overlay request -u signer overlay.test evil
	atf_check -s exit:1 -e match:'signer@overlay.test: is the signer of documents' "$v" ca sign -c evil.csr -o evil ca
	atf_check -s exit:1 -e match:'is the signer of documents' "$v" ca sign -u signer -o evil2 ca
	# Names that would not be one.
	openssl req -new -key me.key -subj / -addext 'subjectAltName=email:a b@c' -out x.csr 2>/dev/null || atf_fail req
	atf_check -s exit:1 -e match:'x.csr: asks for no single, readable user name' "$v" ca sign -c x.csr -o x ca
	openssl req -new -key me.key -subj / -addext 'subjectAltName=email:a@b,email:c@d' -out x.csr 2>/dev/null || atf_fail req
	atf_check -s exit:1 -e match:'x.csr: asks for no single' "$v" ca sign -c x.csr -o x ca
	# In DER, as a form carries it.
	atf_check -o ignore "$v" overlay request -u der overlay.test der
	openssl req -in der.csr -outform DER -out der.p10 || atf_fail req
	atf_check -o match:'user der@overlay.test$' "$v" ca sign -c der.p10 -o der ca
	# A register that cannot be read is no reason for new Node-IDs.
	echo nonsense >>ca/issued
	atf_check -s exit:1 -e match:'ca/issued: line [0-9]+: expected a Node-ID and a user' "$v" ca sign -u x -o x ca
}

case_of errors "mistakes are named"
errors_body() {
	setup
	"$v" ca config -b $net.1:6084 -e https://$net.1:1/ -o overlay.xml ca >/dev/null || atf_fail config
	atf_check -s exit:1 -e match:'^usage: viprctl overlay fetch' "$v" overlay
	atf_check -s exit:1 -e match:'overlay bogus: unknown command' "$v" overlay bogus
	atf_check -s exit:1 -e match:'^usage' "$v" overlay fetch overlay.test
	atf_check -s exit:1 -e match:'a/b: an overlay name is a domain name' "$v" overlay fetch a/b x
	atf_check -s exit:1 -e match:'-s http://x/: no https URL' "$v" overlay fetch -s http://x/ overlay.test x
	atf_check -s exit:1 -e match:'-t 0: expected a number from 1 to 3600' "$v" overlay fetch -t 0 overlay.test x
	atf_check -s exit:1 -e match:'-e ftp://x: no https URL' "$v" ca config -e ftp://x ca
	atf_check -s exit:1 -e match:'-k dsa: expected p256 or rsa' "$v" overlay enrol -k dsa overlay.xml x
	atf_check -s exit:1 -e match:'-p: expected an account too' "$v" overlay enrol -p pw overlay.xml x
	atf_check -s exit:1 -e match:'nowhere/x: No such file' "$v" overlay enrol overlay.xml nowhere/x
	atf_check -s exit:1 -e match:'nothing.xml: No such file' "$v" overlay enrol nothing.xml x
	atf_check -s exit:1 -e match:'overlay.xml: no configuration for this overlay' "$v" overlay enrol overlay.xml x far.test
	atf_check -s exit:1 -e match:'user name: expected printable' "$v" overlay enrol -u 'a b' overlay.xml x
	atf_check -s exit:1 -e match:'user name: expected printable' "$v" overlay enrol -u 'a@b@c' overlay.xml x
	atf_check -s exit:1 -e match:'user name of more than 255' "$v" overlay enrol -u "$(printf %0256d 1)" overlay.xml x
	chmod 644 pw
	atf_check -s exit:1 -e match:'pw: others may read it, expected mode 0600' "$v" overlay enrol -a a -p pw overlay.xml x
	printf 'one\ntwo\n' >two
	chmod 600 two
	atf_check -s exit:1 -e match:'two: expected one line' "$v" overlay enrol -a a -p two overlay.xml x
	sed 's/port="6084"/port="6085"/' overlay.xml >forged.xml
	atf_check -s exit:1 -e match:'forged.xml: configuration: signature does not verify' "$v" overlay enrol forged.xml x
	atf_check -s exit:1 -e match:'1: Connection refused' "$v" overlay enrol -C s.crt overlay.xml x
	[ ! -e x.key ] || atf_fail "x.key was written"
}

case_of ring "two boxes, enrolled so, form an overlay" 300
ring_body() {
	enrolling
	for p in viprd overlayd pvpd sipgw; do
		[ -x "$VIPR_BUILD/$p" ] || atf_skip "$p is not built"
	done
	"$v" ca config -t 2 ca >/dev/null || atf_fail config
	for i in 1 2; do
		mkdir -p n$i/state
		fetch -s $url/.well-known/reload-config overlay.test n$i/overlay.xml >/dev/null || atf_fail fetch
		enrol n$i/overlay.xml n$i/node >/dev/null || atf_fail enrol
		head -c 32 /dev/urandom >n$i/master
		chmod 600 n$i/master
		cat >n$i/viprd.conf <<-END
			domain "d$i.example"
			data "$PWD/n$i/state"
			control socket "$PWD/n$i/ctl"
			master key "$PWD/n$i/master"
			permit private
			numbers { +1408555${i}000 to +1408555${i}001 }
			overlay "overlay.test" {
				config "$PWD/n$i/overlay.xml"
				certificate "$PWD/n$i/node.crt"
				key "$PWD/n$i/node.key"
				listen on $net.$i port 6084
				$([ $i != 1 ] || echo first)
			}
			pvp { listen on $net.$i port 6085 }
			sip {
				listen inside on $net.$i port 5060 udp
				pbx "pbx" at $net.$i port 5070 udp ping no
				trunk "pstn" at $net.$i port 5080 udp ping no
			}
		END
		atf_check -o ignore -e not-match:'error|refus' "$VIPR_BUILD/viprd" -n -u -f n$i/viprd.conf
		"$VIPR_BUILD/viprd" -u -d -v -f "$PWD/n$i/viprd.conf" >n$i/log 2>&1 &
		echo $! >n$i/pid
	done
	joined() { "$v" -s "$PWD/n$1/ctl" -j show overlay | grep '"joined":true' | grep -q '"peers":1[,}]'; }
	wait_until joined 1
	wait_until joined 2
	for i in 1 2; do
		kill "$(cat n$i/pid)"
		wait "$(cat n$i/pid)" 2>/dev/null || true
		rm n$i/pid
	done
}

atf_init_test_cases() {
	for _c in discover judged names dns transport confined s_server enrol rsa renew refused foreign several \
	    other_client other_parser offline errors ring; do
		atf_add_test_case $_c
	done
}
