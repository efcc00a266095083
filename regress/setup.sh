# What a fresh Debian lacks, and the build; read by demo, check, bench, fuzz.
# Sets top (the tree) and build (programs).  Not run by itself.

top=$(cd "$(dirname "$0")/.." && pwd)
build=${VIPR_BUILD:-$top/build}

build_packages="gcc make libc6-dev libsodium-dev libssl-dev libevent-dev
	libbsd-dev liblmdb-dev libseccomp-dev libc-ares-dev libexpat1-dev
	byacc"
test_packages="libatf-dev atf-sh kyua sip-tester tshark openssl mandoc clang
	libclang-rt-14-dev bmake bison procps iproute2 jq curl"
# Real peers; what lacks one says skipped.
peer_packages="kamailio kamailio-tls-modules baresip-core rtpengine-daemon fail2ban"
demo_packages="libatf-dev sip-tester openssl procps jq"

say() { printf '%s\n' "$*"; }

# Packages with daemons start them when they are installed: not here.
quiet_services() {
	quieted=
	[ ! -e /usr/sbin/policy-rc.d ] || return 0
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d &&
	    chmod 755 /usr/sbin/policy-rc.d && quieted=1
}
unquiet_services() { [ -z "$quieted" ] || rm -f /usr/sbin/policy-rc.d; }

# packages NAME...: install those that are missing.
packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		    grep -q 'install ok installed' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		say "missing packages:$missing (run as root, or install them)" >&2
		return 1
	fi
	say "installing:$missing"
	# Two tries: a package list may be old or a mirror busy.
	quiet_services
	for try in 1 2; do
		apt-get update -qq >/dev/null 2>&1 || :
		# shellcheck disable=SC2086
		if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		    --no-install-recommends $missing >"${TMPDIR:-/tmp}/vipr-apt.log" 2>&1
		then
			unquiet_services
			return 0
		fi
	done
	unquiet_services
	tail -n 5 "${TMPDIR:-/tmp}/vipr-apt.log" >&2
	say "could not install:$missing" >&2
	return 1
}

# The users of the processes, as etc/vipr.sysusers would make them.
users() {
	for u in _viprkey _vipr _overlayd _pvpd _sipgw; do
		getent passwd "$u" >/dev/null 2>&1 ||
		    useradd --system --user-group --no-create-home \
		    --home-dir /nonexistent --shell /usr/sbin/nologin "$u" ||
		    return 1
	done
}

# build TARGET [VAR=VALUE...]: quietly; the log when it fails.
build() {
	log=$build/make.log
	mkdir -p "$build"
	# The first pass finds dependencies, the second is a no-op if none came.
	if ! make -C "$top" -j"$(nproc)" O="${O:-$build}" "$@" >"$log" 2>&1; then
		grep -E 'error|Error' "$log" | head -n 20 >&2
		say "build failed, see $log" >&2
		return 1
	fi
	if grep -q 'warning:' "$log"; then
		grep 'warning:' "$log" | head -n 20 >&2
		say "the build has warnings, see $log" >&2
		[ -z "${CI:-}" ] || return 1
	fi
}
