# SPDX-License-Identifier: ISC
#
# viprd -n over real files: certificates, keys and documents that are right and
# wrong in each way; the sample configuration; manual pages.

bin() {
	echo "$(atf_get_srcdir)/../../$1"
}

src() {
	echo "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/$1"
}

# need FILE: of the source tree.
need() {
	[ -e "$(src "$1")" ] || atf_skip "$1 of the source tree is not here"
}

# sip_cert PREFIX SAN [EKU [DAYS]]: made by the CA in sip.pem.
sip_cert() {
	[ -f sip.pem ] || {
		openssl ecparam -name prime256v1 -genkey -noout -out sip-ca.key
		openssl req -x509 -new -key sip-ca.key -subj "/CN=Test CA" \
		    -days 30 -out sip.pem
	}
	openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
	chmod 600 "$1.key"
	openssl req -new -key "$1.key" -subj / -out "$1.csr"
	echo "subjectAltName=$2" >"$1.ext"
	[ -z "${3:-}" ] || echo "extendedKeyUsage=$3" >>"$1.ext"
	openssl x509 -req -in "$1.csr" -CA sip.pem -CAkey sip-ca.key \
	    -CAcreateserial -days "${4:-20}" -extfile "$1.ext" -out "$1.crt" \
	    2>/dev/null
}

# setup: everything right, in viprd.conf.
setup() {
	umask 022
	"$(bin viprctl)" ca init ca o.example >/dev/null
	"$(bin viprctl)" ca sign -o node ca >/dev/null
	"$(bin viprctl)" ca config -b 192.0.2.1:6084 -o overlay.xml ca >/dev/null
	sip_cert sip DNS:a.example,DNS:sip.a.example serverAuth
	conf
}

# conf [SIP LINE ...]
conf() {
	cat >viprd.conf <<-END
		domain a.example
		data state
		numbers +14085550100 to +14085550199
		overlay o.example {
			config overlay.xml
			certificate node.crt
			key node.key
			listen on 192.0.2.1
		}
		pvp { listen on 192.0.2.1 }
		sip {
			certificate sip.crt
			key sip.key
			ca sip.pem
			listen inside on 10.0.0.1 udp
			listen outside on 192.0.2.1
			pbx "pbx" at 10.0.0.2 udp
			trunk "t" at 10.0.0.3 udp
			$*
		}
	END
}

# good, bad TEXT...: what viprd -n says; all texts must be there.
good() {
	atf_check -o empty -e save:err "$(bin viprd)" -n -f viprd.conf
}
bad() {
	atf_check -s exit:1 -o empty -e save:err "$(bin viprd)" -n -f viprd.conf
	for t in "$@"; do
		atf_check -o ignore grep -F -- "$t" err
	done
}

certificates_head() {
	atf_set require.progs openssl
	atf_set timeout 60
}
certificates_body() {
	setup
	good
	atf_check -s exit:1 grep warning err
	conf host sip.a.example
	good
	conf host other.a.example
	bad "sip certificate $PWD/sip.crt: does not name the host other.a.example"
	conf
	sip_cert sip DNS:b.example serverAuth
	bad "does not name the domain a.example"
	# Of a certificate with a sip: URI only the URIs count.
	sip_cert sip DNS:a.example,URI:sip:b.example serverAuth
	bad "does not name the domain a.example"
	sip_cert sip DNS:b.example,URI:sip:a.example serverAuth
	good
	sip_cert sip "DNS:*.example" serverAuth
	bad "does not name the domain a.example"
	sip_cert sip DNS:a.example clientAuth
	bad "neither serverAuth nor sipDomain"
	sip_cert sip DNS:a.example 1.3.6.1.5.5.7.3.20
	good
	sip_cert sip DNS:a.example
	good
	sip_cert sip DNS:a.example serverAuth 5
	good
	atf_check -o ignore grep "warning: sip certificate .*: expires at" err
	# The clock of the configuration counts.
	echo 'test clock-offset 30d' >>viprd.conf
	bad "sip certificate $PWD/sip.crt: expired at"
	conf
	echo 'test clock-offset -2d' >>viprd.conf
	bad "sip certificate $PWD/sip.crt: not valid before" \
	    "overlay certificate $PWD/node.crt: not valid before"
	conf
	cp sip.key other.key
	sip_cert sip DNS:a.example serverAuth
	cp other.key sip.key
	bad "sip key $PWD/sip.key: is not the key of certificate $PWD/sip.crt"
	echo nonsense >sip.key
	bad "sip key $PWD/sip.key: no private key in PEM form"
	echo nonsense >sip.crt
	bad "sip certificate $PWD/sip.crt: no certificate in PEM form"
	# Roots that nobody has: a warning, peers may know more.
	sip_cert sip DNS:a.example serverAuth
	mv sip.pem real.pem
	openssl ecparam -name prime256v1 -genkey -noout -out x.key
	openssl req -x509 -new -key x.key -subj "/CN=Another" -days 9 -out sip.pem
	good
	atf_check -o ignore grep "peers with the same roots will refuse it" err
	echo nonsense >sip.pem
	bad "sip ca $PWD/sip.pem: no certificate in PEM form"
}

overlay_head() {
	atf_set require.progs openssl
	atf_set timeout 60
}
overlay_body() {
	setup
	sed 's/overlay o.example/overlay p.example/' viprd.conf >x
	mv x viprd.conf
	bad "overlay config $PWD/overlay.xml:" \
	    "overlay certificate $PWD/node.crt: is for overlay o.example, expected p.example"
	conf
	# The document's end: a warning in time, and no more than that.
	"$(bin viprctl)" ca config -d 20 -o overlay.xml ca >/dev/null
	good
	atf_check -o ignore \
	    grep "warning: overlay config $PWD/overlay.xml: expires at 20" err
	"$(bin viprctl)" ca config -d 2 -o overlay.xml ca >/dev/null
	echo 'test clock-offset 3d' >>viprd.conf
	good
	atf_check -o ignore \
	    grep "warning: overlay config $PWD/overlay.xml: expired at 20" err
	conf
	"$(bin viprctl)" ca config -d 31 -o overlay.xml ca >/dev/null
	good
	atf_check -s exit:1 grep "overlay config" err
	# Of another overlay of that name.
	"$(bin viprctl)" ca init ca2 o.example >/dev/null
	"$(bin viprctl)" ca sign -o node2 ca2 >/dev/null
	cp node.crt keep.crt
	cp node2.crt node.crt
	bad "overlay key $PWD/node.key: is not the key of certificate $PWD/node.crt"
	cp node2.key node.key
	bad "overlay certificate $PWD/node.crt:" "(overlay config $PWD/overlay.xml)"
	cp sip.crt node.crt
	bad "overlay certificate $PWD/node.crt:"
	cp keep.crt node.crt
	sed 's/<update/<udpate/; s/o.example/q.example/' overlay.xml >x
	mv x overlay.xml
	bad "overlay config $PWD/overlay.xml:"
}

files_head() {
	atf_set require.progs openssl
	atf_set timeout 60
}
files_body() {
	setup
	chmod 640 sip.key
	bad "sip key $PWD/sip.key: mode 0640"
	chmod 600 sip.key
	mv sip.key real.key
	bad "sip key $PWD/sip.key: No such file or directory"
	ln -s real.key sip.key
	bad "sip key $PWD/sip.key: is a symbolic link"
	rm sip.key
	mkdir sip.key
	bad "sip key $PWD/sip.key: not a regular file"
	rmdir sip.key
	: >sip.key
	chmod 600 sip.key
	bad "sip key $PWD/sip.key: 0 bytes"
	rm sip.key
	mkfifo -m 600 sip.key
	bad "sip key $PWD/sip.key: not a regular file"
	rm sip.key
	mv real.key sip.key
	chmod 666 sip.crt
	bad "sip certificate $PWD/sip.crt: others may change it"
	chmod 644 sip.crt
	# Every problem, each in a line.
	rm sip.key node.key overlay.xml
	bad "sip key $PWD/sip.key: No such" "overlay key $PWD/node.key: No such" \
	    "overlay config $PWD/overlay.xml: No such"
	atf_check_equal 3 "$(wc -l <err | tr -d ' ')"
}

errors_head() { :; }
errors_body() {
	printf 'domain a_b\nfoo\nrestart maybe\n' >viprd.conf
	bad "viprd.conf:1: " "viprd.conf:2: found \"foo\", expected one of" \
	    "viprd.conf:3: found \"maybe\", expected: restart yes|no"
	rm viprd.conf
	bad "viprd.conf: No such file"
}

warnings_head() {
	atf_set require.progs openssl
}
warnings_body() {
	setup
	conf media plain
	sed 's/pvp { /&delay 1s to 2s\nmin-duration 1s\nspacing 1s\nproofs 1\n/' \
	    viprd.conf >x
	mv x viprd.conf
	echo 'permit private' >>viprd.conf
	echo 'test clock-offset 1' >>viprd.conf
	good
	for w in delay min-duration spacing "proofs 1" "media plain" \
	    "permit private" clock-offset; do
		atf_check -o ignore grep "warning: .*$w" err
	done
}

round_trip_head() {
	atf_set require.progs openssl
}
round_trip_body() {
	setup
	conf country 49
	atf_check -o save:one -e ignore "$(bin viprd)" -nv -f viprd.conf
	mkdir elsewhere
	cp one elsewhere/one
	atf_check -o save:two -e ignore "$(bin viprd)" -nv -f elsewhere/one
	atf_check diff one two
}

sample_head() {
	atf_set require.progs openssl
}
sample_body() {
	need etc/viprd.conf
	umask 022
	"$(bin viprctl)" ca init ca overlay.example >/dev/null
	"$(bin viprctl)" ca sign -o node ca >/dev/null
	"$(bin viprctl)" ca config -b 192.0.2.1:6084 -o overlay.xml ca >/dev/null
	sip_cert sip DNS:a.example serverAuth
	# With the defaults that stand in it as comments, too.
	sed "s,/etc/vipr/,$PWD/,; s,/etc/ssl/.*crt,$PWD/sip.pem," \
	    "$(src etc/viprd.conf)" >viprd.conf
	sed 's/^	listen inside/	ca sip.pem\n&/' viprd.conf >x
	mv x viprd.conf
	good
	atf_check -s exit:1 grep warning err
}

manual_head() {
	atf_set require.progs mandoc
}
manual_body() {
	need viprd/viprd.conf.5
	for m in viprd/viprd.8 viprd/viprd.conf.5 viprd/viprctl.8 sipgw/sipgw.8; do
		mandoc -T lint -W style "$(src $m)" 2>&1 |
		    grep -v -e 'referenced manual not found' \
		    -e 'outdated mandoc.db' >lint || :
		atf_check cat lint
	done
	# Every keyword of the grammar, and every command of viprctl.
	sed -n 's/^	{ "\([a-z-]*\)",.*[A-Z] },*$/\1/p' \
	    "$(src viprd/parse.y)" >words
	atf_check -o match:'^trunk$' cat words
	while read -r w; do
		grep -Eq -- "^\\.(It|Op|Ic|Xr|Sy|.*Ic) .*$w|^\\.Ic $w" \
		    "$(src viprd/viprd.conf.5)" || echo "$w"
	done <words >missing
	atf_check cat missing
	for w in $(sed -n 's/.*TOKEN_[WP][A-Z]*, "\([a-z]*\)".*/\1/p' \
	    "$(src viprd/ctl_parse.c)"); do
		grep -q "^\\.It Cm .*$w" "$(src viprd/viprctl.8)" || echo "$w"
	done >missing
	atf_check cat missing
}

# Both grammars' programs take it without a conflict.
grammar_head() { :; }
grammar_body() {
	need viprd/parse.y
	! command -v byacc >/dev/null ||
	    atf_check byacc -o byacc.c "$(src viprd/parse.y)"
	! command -v bison >/dev/null ||
	    atf_check bison -y -Wno-yacc -o bison.c "$(src viprd/parse.y)"
	# The keywords are in order, as bsearch(3) needs them.
	sed -n 's/^	{ "\([a-z-]*\)",.*[A-Z] },*$/\1/p' \
	    "$(src viprd/parse.y)" >words
	atf_check env LC_ALL=C sort -c words
}

# What make install would give the system, and what it would think of it.
service_head() { :; }
service_body() {
	need etc/viprd.service
	for u in _vipr _viprkey _overlayd _pvpd _sipgw; do
		atf_check -o ignore grep "^u $u " "$(src etc/vipr.sysusers)"
	done
	atf_check sh -n "$(src etc/rc.d/viprd)"
	command -v systemd-analyze >/dev/null || atf_skip "no systemd here"
	sed "s,@PREFIX@/sbin/viprd,$(command -v true)," \
	    "$(src etc/viprd.service)" >viprd.service
	systemd-analyze verify ./viprd.service >out 2>&1 || :
	# Its manual pages are not installed here.
	grep 'viprd\.service' out | grep -v "'man " >complaints || :
	atf_check cat complaints
}

install_head() {
	atf_set require.progs openssl
	atf_set timeout 120
}
install_body() {
	need Makefile
	for p in viprd viprctl overlayd pvpd sipgw; do
		[ -x "$(bin $p)" ] || atf_skip "$p is not built"
	done
	build=$(cd "$(bin .)" && pwd)
	[ -w "$build" ] || atf_skip "the build folder is not ours"
	setup
	cd "$(src .)" || atf_fail "no source"
	d=$OLDPWD/root
	# Nothing is built: it is there.
	atf_check -o ignore -e ignore make -o "$build/viprd" \
	    -o "$build/viprctl" -o "$build/overlayd" -o "$build/pvpd" \
	    -o "$build/sipgw" O="$build" DESTDIR="$d" PREFIX=/opt/vipr install
	for f in sbin/viprd bin/viprctl libexec/vipr/overlayd \
	    libexec/vipr/pvpd libexec/vipr/sipgw share/man/man8/viprd.8 \
	    share/man/man8/viprctl.8 share/man/man5/viprd.conf.5 \
	    share/examples/vipr/viprd.conf lib/systemd/system/viprd.service \
	    lib/sysusers.d/vipr.conf lib/tmpfiles.d/vipr.conf; do
		[ -f "$d/opt/vipr/$f" ] || atf_fail "$f is missing"
	done
	atf_check -e match:'configuration OK' "$d/opt/vipr/sbin/viprd" -n \
	    -f "$OLDPWD/viprd.conf"
	atf_check -o ignore grep '^ExecStart=/opt/vipr/sbin/viprd$' \
	    "$d/opt/vipr/lib/systemd/system/viprd.service"
	atf_check -o ignore -e ignore make O="$build" DESTDIR="$d" \
	    PREFIX=/opt/vipr uninstall
	atf_check find "$d" -type f
}

# A PBX or trunk needs an inside listener to speak from.
hops_head() {
	atf_set require.progs openssl
	atf_set timeout 60
}
hops_body() {
	setup
	conf 'trunk "v6" at 2001:db8::1 udp'
	bad 'found trunk "v6" at 2001:db8::1, expected an inside listener for IPv6 and udp too'
	conf 'trunk "v6" at 2001:db8::1 tcp
listen inside on fd00::1 udp'
	good
	grep -q 'trunk "v6" on tcp, but no inside listener' err || atf_fail "no warning"
	conf 'trunk "t2" at 10.0.0.4 tcp weight 3 ping no
listen inside on 10.0.0.1 tcp'
	good
	! grep -q 'no inside listener' err || atf_fail "a warning"
	conf 'trunk "t2" at 10.0.0.4 tcp weight 70000'
	bad 'found "70000"'
	conf 'trunk "t2" at 10.0.0.4 tcp ping 4s'
	bad 'found "4s", expected a time from 5s to 1d'
	conf 'trunk "t2" at fe80::1%eth0 udp'
	bad 'found "fe80::1%eth0", expected an address or a host name'
}

atf_init_test_cases() {
	atf_add_test_case hops
	atf_add_test_case certificates
	atf_add_test_case overlay
	atf_add_test_case files
	atf_add_test_case errors
	atf_add_test_case warnings
	atf_add_test_case round_trip
	atf_add_test_case sample
	atf_add_test_case manual
	atf_add_test_case grammar
	atf_add_test_case service
	atf_add_test_case install
}
