# SPDX-License-Identifier: ISC
#
# What tshark's RELOAD dissectors make of our bytes: each byte must belong to a
# field that tshark shows, and nothing may be malformed or unknown.  For
# tshark_test.sh and capture_test.sh.

# Reads PDML.  A line for each run of bytes that no field with a value covers,
# for each remark of an expert and each value whose name is not known:
# FILE FIELD OFFSET-OFFSET, FILE expert FIELD TEXT, FILE unknown FIELD TEXT.
cat_awk() {
	cat <<-'END'
	function attr(s, k,   i, t) {
		i = index(s, " " k "=\"")
		if (i == 0) return ("")
		t = substr(s, i + length(k) + 3)
		return (substr(t, 1, index(t, "\"") - 1))
	}
	function flush(   p, q) {
		if (!on) return
		for (p = from; p < to; p++) {
			if (p in seen) continue
			for (q = p; q + 1 < to && !((q + 1) in seen) &&
			    inner[q + 1] == inner[p]; q++)
				continue
			print name[packet], inner[p], (p - from) "-" (q - from)
			p = q
		}
		split("", seen)
		split("", inner)
		on = 0
	}
	FILENAME != "-" { name[++names] = $0; next }
	# An attribute may hold a line break.
	held != "" { $0 = held " " $0; held = "" }
	/<(field|proto) / && !/>$/ { held = $0; next }
	/<packet>/ { packet++; dissected = 0 }
	/<\/packet>/ {
		flush()
		if (!dissected) print name[packet], "not taken for RELOAD"
	}
	/<proto / {
		if (/<proto name="reload/) {
			flush()
			on = dissected = 1
			from = attr($0, "pos") + 0
			to = from + attr($0, "size")
		} else if (/name="(data|_ws.malformed|_ws.short)"/)
			print name[packet], "expert", attr($0, "name")
		next
	}
	/<field / {
		f = attr($0, "name")
		if (f == "_ws.expert") { expert = 1; next }
		if (expert) {
			print name[packet], "expert", f, attr($0, "showname")
			expert = 0
			next
		}
		if (f !~ /^_ws/ && attr($0, "showname") ~ /[Uu]nknown[^_]/)
			print name[packet], "unknown", f, attr($0, "showname")
		if (!on) next
		pos = attr($0, "pos") + 0
		size = attr($0, "size") + 0
		# DER's tags and lengths are not shown for themselves.
		if (f == "x509af.signedCertificate_element")
			for (i = certpos; i < certpos + certsize; i++) seen[i] = 1
		if (f == "reload.certificate") {
			certpos = pos
			certsize = size
		}
		for (i = pos; i < pos + size; i++) {
			if (attr($0, "value") != "") seen[i] = 1
			else inner[i] = f
		}
	}
	END
}

# Where tshark 4.0 goes astray or follows an older draft; sections of RFC 6940.
# A captured message is named by its code and two numbers.
exceptions() {
	cat <<-'END'
	# 6.3.2: version 1.0 is 0x0a; its table ends at 0x01
	^[^ ]* unknown reload.forwarding.version version .uint8.: Unknown .0x0a.$
	# 6.3.4: identity_type 3, none, has no value to show
	^000a-(fetch-answer|[0-9]+-[0-9]+)(.framed)? expert reload.signature.identity.type.unknown
	# 6.3.2.3, 14.10: option 1 is exp-forward
	^0017-ping-with-an-option[^ ]* unknown reload.forwarding.option
	# 6.5.2.1, 14.5: applications from 61441 on are private
	^001e-appattach-answer[^ ]* unknown reload.application
	# 6.4.2.5: the length of probe_info is stepped over and not shown
	^0002-(probe-answer|[0-9])[^ ]* reload.probe_info [0-9]*-[0-9]*$
	# 6.5.1.1: priority is shown, but read at the start of its candidate
	^00(03|04|1d|1e)-[^ ]* reload.icecandidate [0-9]*-[0-9]*$
	# 7.4.2.1: an ArrayRange is shown as 16 bytes and none of its numbers
	^00(09-fetch|19-stat|09-[0-9]+-[0-9]+|19-[0-9]+-[0-9]+)(.framed)? reload.arrayrange [0-9]*-[0-9]*$
	# 7.4.2.1: the length of an empty list of keys is not shown
	^0009-(fetch-of-all-keys|[0-9]+-[0-9]+)(.framed)? reload.storeddataspecifier.keys [0-9]*-[0-9]*$
	# 7.4.2.1: a key behind other specifiers is looked for too far on, and
	# so found too long
	^00(09-fetch|19-stat)(.framed)? reload.storeddataspecifier.keys [0-9]*-[0-9]*$
	^00(09-fetch|19-stat)(.framed)? expert reload.computed_len_too_big
	END
}

# inspect CAPTURE NAMES [OPTION ...]: what is neither fine nor excused.
inspect() {
	_capture=$1
	_names=$2
	shift 2
	tshark -r "$_capture" -T pdml "$@" \
	    -o 'uat:reload_kindids:"4026531841","TEST","DICTIONARY"' \
	    -o 'uat:reload_kindids:"4032186704","VIPR","DICTIONARY"' \
	    >"$_capture.pdml" 2>tshark.err || atf_fail "tshark: $(cat tshark.err)"
	cat_awk >cover.awk
	awk -f cover.awk "$_names" - <"$_capture.pdml" >"$_capture.found"
	exceptions | grep -v '^#' >allowed
	grep -c '<packet>' "$_capture.pdml" >count
	atf_check -o inline:"$(wc -l <"$_names")\n" cat count
	if grep -vE -f allowed "$_capture.found"; then
		atf_fail "not dissected, or not as it should be"
	fi
}

# check CAPTURE NAMES [OPTION ...]: the same, and all exceptions are needed.
check() {
	inspect "$@"
	# An exception that excuses nothing has had its day.
	while read -r _x; do
		grep -qE -e "$_x" "$1.found" || atf_fail "not needed any more: $_x"
	done <allowed
}
