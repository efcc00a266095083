# Every fuzz target over its corpus: what was once found stays mended.

corpus_case() {
	name=$1
	eval "${name}_head() { atf_set descr \"$name over its corpus\"; atf_set timeout 120; }
	${name}_body() { corpus_run $name; }"
	atf_add_test_case "$name"
}

corpus_run() {
	for t in "$VIPR_BUILD"/regress/*/"$1"; do
		dir=$(basename "$(dirname "$t")")
		corpus=$VIPR_SRC/regress/$dir/corpus/$1
		[ -d "$corpus" ] || atf_fail "no corpus at regress/$dir/corpus/$1"
		atf_check -o match:'^[1-9][0-9]* inputs$' "$t" "$corpus"
	done
}

atf_init_test_cases() {
	for t in "${VIPR_SRC:-/nonexistent}"/regress/*/*_fuzz.c; do
		[ -f "$t" ] || continue
		corpus_case "$(basename "$t" .c)"
	done
}
