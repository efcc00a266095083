# SPDX-License-Identifier: ISC
#
# Whole-process tests of viprd: start and stop, crash and restart, reload, bad
# configuration, the control socket, what the sandbox leaves.  No overlay here.

. "${VIPR_SRC:-$(atf_get_srcdir)/../../..}/regress/tools/box.sh"

# config [LINES]
config() {
	box_config a.example 1 "" "$*"
	# Not functions: atf_check runs them.
	ctlbad=$(bin regress/tools/ctlbad)
	[ -x "$ctlbad" ] || atf_skip "$ctlbad is not built"
	cat >ask <<-END
		#!/bin/sh
		exec "$ctlbad" "$PWD/ctl.sock" ask "\$@"
	END
	chmod 755 ask
}

# start [ARG ...]: in the foreground mode, and ready.
start() {
	box_start "$@"
	if ! grep -q '\]: ready' log; then
		cat log >&2
		atf_fail "viprd did not start"
	fi
}

# The process that a name stands for now.
pid_of() {
	./ask 8 | sed -n "s/^process name=$1 pid=\([0-9]*\) .*/\1/p"
}

# is_new NAME PID: up, and another process than PID.
# Both from one answer: between two it may be neither the old nor the new one.
is_new() {
	new=$(./ask 8 | sed -n "s/^process name=$1 pid=\([0-9]*\) state=up .*/\1/p")
	[ -n "$new" ] && [ "$new" != "$2" ]
}

gone() {
	[ ! -e "/proc/$1" ]
}

tc start_stop
start_stop_head() {
	atf_set descr "starts, serves, stops at a signal, leaves nothing"
	atf_set timeout 120
}
start_stop_body() {
	config
	start -u
	./ask 8 | sed -n 's/.* pid=\([0-9]*\) .*/\1/p' >pids
	atf_check_equal 4 "$(wc -l <pids)"
	atf_check -o match:'^viprd version=.* domain=a.example .* generation=1 .* degraded=$' ./ask 1
	atf_check -o match:'^config line=domain "a.example"$' ./ask 19
	kill -TERM "$(cat pid)"
	_rc=0; wait "$(cat pid)" || _rc=$?
	atf_check_equal 0 $_rc
	for p in $(cat pids); do
		atf_check test ! -e /proc/$p
	done
	atf_check test ! -e ctl.sock
	atf_check -o ignore grep 'viprd\[[0-9]*\]: stopped$' log
	# Again on the same data.
	start -u
	atf_check ./ask 14
	_rc=0; wait "$(cat pid)" || _rc=$?
	atf_check_equal 0 $_rc
	atf_check -o ignore grep 'control\[[0-9]*\]: uid [0-9]*: stop$' log
}

tc crash
crash_head() {
	atf_set descr "a child that is killed comes back, with those that depend on it"
	atf_set timeout 120
}
crash_body() {
	config
	start -u
	key=$(pid_of key) sip=$(pid_of sipgw) control=$(pid_of control)
	kill -9 $control
	wait_until is_new control $control
	control=$(pid_of control)
	atf_check_equal $key "$(pid_of key)"
	atf_check_equal $sip "$(pid_of sipgw)"

	# sipgw works on while key is away, then both are new.
	kill -9 $key
	wait_until is_new key $key
	wait_until is_new sipgw $sip
	atf_check_equal $control "$(pid_of control)"
	atf_check -o ignore grep "key\[$key\] killed by signal 9" log
	atf_check -o match:'degraded=$' ./ask 1

	key=$(pid_of key) sip=$(pid_of sipgw)
	kill -9 $sip
	wait_until is_new sipgw $sip
	wait_until is_new key $key
	atf_check_equal $control "$(pid_of control)"
	atf_check -o match:'^process name=sipgw .* restarts=2 ' ./ask 8
	atf_check -o match:'degraded=$' ./ask 1
}

tc violated_sandbox
violated_sandbox_head() {
	atf_set descr "a child that its sandbox killed is logged as such"
	atf_set timeout 120
}
violated_sandbox_body() {
	config
	start -u
	sip=$(pid_of sipgw)
	kill -SYS $sip
	wait_until grep -q "sipgw\[$sip\] killed by its sandbox" log
	wait_until is_new sipgw $sip
}

tc restart_no
restart_no_head() {
	atf_set descr "restart no: the death of a child is the end"
	atf_set timeout 60
}
restart_no_body() {
	config "restart no"
	start -u
	kill -9 "$(pid_of key)"
	_rc=0; wait "$(cat pid)" || _rc=$?
	atf_check_equal 1 $_rc
	atf_check -o ignore grep 'killed by signal 9.*; stopping$' log
}

tc orphan
orphan_head() {
	atf_set descr "children end when the parent is killed"
	atf_set timeout 60
}
orphan_body() {
	config
	start -u
	./ask 8 | sed -n 's/.* pid=\([0-9]*\) .*/\1/p' >pids
	kill -9 "$(cat pid)"
	for p in $(cat pids); do
		wait_until gone $p
	done
	# The socket that was left does not stand in the way.
	start -u
}

tc bad_config
bad_config_head() {
	atf_set descr "a bad configuration is refused with file and line"
}
bad_config_body() {
	config
	atf_check -e ignore -o ignore "$viprd" -n -u -f "$PWD/viprd.conf"
	echo 'nonsense here' >>viprd.conf
	atf_check -s exit:1 -o ignore -e match:'viprd.conf:12: ' \
	    "$viprd" -n -u -f "$PWD/viprd.conf"
	atf_check -s exit:1 -o ignore -e match:'viprd.conf:12: ' \
	    "$viprd" -d -u -f "$PWD/viprd.conf"
	atf_check -s exit:1 -o ignore -e match:'nowhere' \
	    "$viprd" -d -u -f "$PWD/nowhere"
	atf_check -s exit:1 -e match:'usage: viprd' "$viprd" -q
	atf_check -s exit:1 -e match:'usage: viprd' "$viprd" extra
	atf_check -s exit:1 -e match:'usage: viprd' "$viprd" -R sipgw
	atf_check -s exit:1 -e match:'started by viprd' "$viprd" -R key
	atf_check -s exit:1 -e match:'started by viprd' "$viprd" -R control
}

tc non_root
non_root_head() {
	atf_set descr "without root and without -u: one clear line"
	atf_set require.user unprivileged
}
non_root_body() {
	config
	atf_check -s exit:1 -e inline:'viprd: must be started by root, or with -u\n' \
	    "$viprd" -d -f "$PWD/viprd.conf"
	start -u
	atf_check ./ask 12
	atf_check -o match:" uid=$(id -u) " ./ask 8
}

tc busy_port
busy_port_head() {
	atf_set descr "a port or a control socket in use: one clear line"
	atf_set timeout 60
}
busy_port_body() {
	config
	start -u
	sed "s,ctl.sock,ctl2.sock,;s,/state,/state2," viprd.conf >second.conf
	atf_check -s exit:1 -o ignore -e match:"$addr" -e match:5060 \
	    "$viprd" -d -u -f "$PWD/second.conf"
	sed "s/5060/5061/;s,/state,/state2," viprd.conf >third.conf
	atf_check -s exit:1 -o ignore -e match:"ctl.sock" \
	    "$viprd" -d -u -f "$PWD/third.conf"
	atf_check -o match:'degraded=$' ./ask 1
}

tc reload
reload_head() {
	atf_set descr "all of a new configuration or none of it"
	atf_set require.progs openssl
	atf_set timeout 60
}
reload_body() {
	config
	start -u
	key=$(pid_of key)
	sed 's/0199/0198/' viprd.conf >new && cp new viprd.conf
	atf_check ./ask 12
	atf_check -o match:'generation 2$' -o match:0198 ./ask 19
	# by signal
	kill -HUP "$(cat pid)"
	wait_until grep -q 'generation 3 in force' log
	# refused: nothing has changed
	cp viprd.conf good.conf
	echo 'numbers { oops' >>viprd.conf
	atf_check -s exit:1 -o match:'^error: .*viprd.conf' ./ask 12
	atf_check -o ignore grep 'generation 4 refused: ' log
	atf_check -o match:'generation 3$' ./ask 19
	kill -HUP "$(cat pid)"
	wait_until grep -q 'generation 5 refused: ' log
	# another data folder needs a restart
	sed 's,/state",/other",' good.conf >viprd.conf
	atf_check -s exit:1 -o match:'without a restart' ./ask 12
	# listeners move and come back
	cp good.conf viprd.conf
	sed 's/5060/5062/' good.conf >viprd.conf
	atf_check ./ask 12
	cp good.conf viprd.conf
	atf_check ./ask 12
	atf_check_equal $key "$(pid_of key)"
	# A control socket that moves: the old one goes; when key refuses the
	# configuration it is the new one.
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
	    -nodes -keyout one.key -out in.crt -subj /CN=in -days 9 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out in.key
	chmod 600 in.key
	awk -v d="$PWD" '{ print } /^[ \t]*sip \{/ {
		print "inside certificate \"" d "/in.crt\""
		print "inside key \"" d "/in.key\""
	}' good.conf | sed 's,ctl.sock,ctl2.sock,' >viprd.conf
	atf_check -s exit:1 -o match:'in.key' ./ask 12
	atf_check test ! -e ctl2.sock
	atf_check test -S ctl.sock
	sed 's,ctl.sock,ctl2.sock,' good.conf >viprd.conf
	kill -HUP "$(cat pid)"
	wait_until test ! -e ctl.sock
	atf_check test -S ctl2.sock
	sed 's,ctl.sock,ctl2.sock,' ask >ask.new && cp ask.new ask
	wait_until ./ask 1
	atf_check -o match:'degraded=$' ./ask 1
}

tc hostile_client
hostile_client_head() {
	atf_set descr "a hostile client of the control socket ends alone"
	atf_set timeout 120
}
hostile_client_body() {
	config
	start -u
	control=$(pid_of control)
	for m in garbage huge short nohello version type argc descriptor \
	    twice flood; do
		atf_check "$ctlbad" "$PWD/ctl.sock" $m
	done
	# That many lines it cannot cause.
	for i in $(seq 60); do
		"$ctlbad" "$PWD/ctl.sock" garbage || atf_fail "garbage"
	done
	atf_check test "$(grep -c 'client of uid' log)" -lt 50
	# More connections than one may have; root has some left.
	mkfifo hold
	"$ctlbad" "$PWD/ctl.sock" hold 100 <hold >held &
	_hold=$!
	exec 9>hold
	wait_until test -s held
	atf_check test "$(cat held)" -le 60
	exec 9>&-
	wait $_hold
	wait_until ./ask 1
	atf_check_equal $control "$(pid_of control)"
	# Unknown verbs and wrong arguments are answered.
	atf_check -s exit:1 -o inline:'error: unknown request\n' ./ask 999
	atf_check -s exit:1 -o inline:'error: wrong number of arguments\n' \
	    ./ask 9
	atf_check -s exit:1 -o inline:'error: no overlay is configured\n' \
	    ./ask 6
	atf_check -s exit:1 -o match:'brief or verbose' ./ask 13 loud
}

tc denied
denied_head() {
	atf_set descr "only root and operators change things"
	atf_set require.user root
	atf_set require.progs setpriv
}
denied_body() {
	config 'operator "daemon"'
	start -u
	chmod 755 . && chmod 666 ctl.sock
	cp "$ctlbad" ctlbad
	cat >as <<-END
		#!/bin/sh
		u=\$1; shift
		exec setpriv --reuid="\$u" --regid="\$u" --clear-groups \\
		    ./ctlbad "$PWD/ctl.sock" ask "\$@"
	END
	chmod 755 as
	./as "$(id -u nobody)" 1 >out 2>&1 || atf_skip "this folder is closed to nobody"
	atf_check -o match:'^viprd ' ./as "$(id -u nobody)" 1
	for v in 12 14 17; do
		atf_check -s exit:1 -o match:'permission denied' \
		    ./as "$(id -u nobody)" $v
	done
	atf_check ./as "$(id -u daemon)" 12
	atf_check -o ignore grep "uid $(id -u daemon): reload" log
	atf_check -o ignore grep "uid $(id -u nobody): reload refused" log
}

tc sandbox
sandbox_head() {
	atf_set descr "what the kernel says of each running process"
	atf_set timeout 60
}
sandbox_body() {
	config
	start -u
	for p in key control sipgw; do
		pid=$(pid_of $p)
		atf_check -o match:'^Seccomp:.2$' -o match:'^NoNewPrivs:.1$' \
		    -o match:'^CapEff:.0000000000000000$' \
		    -o match:'^CapPrm:.0000000000000000$' \
		    cat /proc/$pid/status
		# nothing of the parent's: no descriptor but its own
		if [ "$(id -u)" = 0 ]; then
			atf_check -o not-match:'viprd.conf' \
			    -o not-match:' /dev/pts' ls -l /proc/$pid/fd
		fi
	done
	atf_check -o match:'name=key .* seccomp=1 no_new_privs=1 sandbox=seccomp' \
	    ./ask 8
}

# Our own users and /dev, in a mount name space.
in_box() {
	cat /etc/passwd >passwd; cat /etc/group >group
	n=4000
	for u in _vipr _viprkey _overlayd _pvpd _sipgw; do
		n=$((n + 1))
		sed -i "/^$u:/d" passwd; sed -i "/^$u:/d" group
		echo "$u:x:$n:$n::/nonexistent:/usr/sbin/nologin" >>passwd
		echo "$u:x:$n:" >>group
	done
	mkdir -p dev
	for d in null:3 zero:5 random:8 urandom:9; do
		[ -e dev/${d%:*} ] || mknod -m 666 dev/${d%:*} c 1 ${d#*:} ||
		    atf_skip "no device nodes here"
	done
	cat >box.sh <<-END
		mount --bind passwd /etc/passwd || exit 77
		mount --bind group /etc/group || exit 77
		mount --bind dev /dev || exit 77
		exec "\$@"
	END
}

tc users
users_head() {
	atf_set descr "each process under its own user and in its own chroot"
	atf_set require.user root
	atf_set require.progs unshare mknod
	atf_set timeout 60
}
users_body() {
	config
	in_box
	unshare -m sh box.sh true || atf_skip "no mount name space here"
	unshare -m sh box.sh "$viprd" -d -v -f "$PWD/viprd.conf" \
	    >>log 2>&1 &
	echo $! >pid
	wait_until ready_or_dead
	for p in key:4002:key control:4001:empty sipgw:4005:sipgw; do
		name=${p%%:*} rest=${p#*:}
		uid=${rest%:*} dir=${rest#*:}
		pid=$(pid_of $name)
		atf_check -o match:"^Uid:.$uid.$uid.$uid.$uid\$" \
		    -o match:"^Gid:.$uid.$uid.$uid.$uid\$" \
		    -o match:"^Groups:.$uid *\$" cat /proc/$pid/status
		atf_check -o inline:"$PWD/state/$dir\n" \
		    readlink /proc/$pid/root
	done
	atf_check -o inline:'700 4002\n' stat -c '%a %u' state/key
	atf_check -o inline:'700 4005\n' stat -c '%a %u' state/sipgw
	atf_check -o inline:'755 0\n' stat -c '%a %u' state/empty
	atf_check -o inline:'660 0 4001\n' stat -c '%a %u %g' ctl.sock
	# It comes back under the same rules.
	key=$(pid_of key)
	kill -9 $key
	wait_until is_new key $key
	atf_check -o match:'^Uid:.4002.4002' cat /proc/$(pid_of key)/status
}

tc missing_user
missing_user_head() {
	atf_set descr "a missing user: one clear line"
	atf_set require.user root
	atf_set require.progs unshare mknod
}
missing_user_body() {
	config
	in_box
	sed -i '/^_pvpd:/d' passwd
	unshare -m sh box.sh true || atf_skip "no mount name space here"
	atf_check -s exit:1 -e match:'user _pvpd is missing' \
	    unshare -m sh box.sh "$viprd" -d -f "$PWD/viprd.conf"
}

tc syslog
syslog_head() {
	atf_set descr "lines reach syslog under the writer's name, after its restart too"
	atf_set require.user root
	atf_set require.progs unshare mknod
	atf_set timeout 60
}
syslog_body() {
	config
	in_box
	unshare -m sh box.sh true || atf_skip "no mount name space here"
	# It starts without a syslog daemon, and in the background.
	atf_check -o ignore -e ignore unshare -m sh box.sh "$viprd" \
	    -v -f "$PWD/viprd.conf"
	wait_until ./ask 1
	pid_of viprd >pid
	sink() {
		"$(bin regress/tools/logsink)" dev/log >>syslog 2>&1 &
		echo $! >sink.pid
		wait_until test -S dev/log
	}
	sink
	atf_check ./ask 12
	wait_until grep -Eq '^<30>.* viprd\[[0-9]+\]: generation 2 in force$' syslog
	wait_until grep -Eq '^<30>.* control\[[0-9]+\]: uid 0: reload$' syslog
	kill "$(cat sink.pid)"
	rm -f dev/log
	atf_check ./ask 12
	sink
	atf_check ./ask 12
	wait_until grep -q 'generation 4 in force$' syslog
	atf_check ./ask 14
	wait_until gone "$(cat pid)"
}

atf_init_test_cases() {
	for _t in start_stop crash violated_sandbox restart_no orphan \
	    bad_config non_root busy_port reload hostile_client denied \
	    sandbox users missing_user syslog; do
		atf_add_test_case $_t
	done
}
