#!/usr/bin/env bash
# Fuzzes the decoders of what clients, other nodes and Redis send.
#
#   deploy/fuzz.sh [TARGET…] [--seconds N] [--findings FOLDER]
#
# Builds Tests/Fuzz with libFuzzer and AddressSanitizer and runs each target, or those named, for N seconds (60 without
# it), one after the other on one core. `--list` prints their names. Inputs that found something are kept in
# Tests/Fuzz/Corpus/TARGET, which deploy/test.sh replays; what the fuzzer learnt on its way stays in the user's cache
# folder and is where the next run begins.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=60 findings= targets=() list=no
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=${2:?}; shift ;;
        --findings) findings=${2:?}; shift ;;
        --list) list=yes ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        -*) say "error: unknown option $1"; exit 64 ;;
        *) targets+=("$1") ;;
    esac
    shift
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "--seconds takes a number, not $seconds"

# The folder is its own: with these flags everything in the usual one would be built again.
build_fuzzer() {
    (cd "$repository" && ROLLCALL_FUZZ=1 swift build --scratch-path .build/fuzz -c release --product Fuzz \
        -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library -Xswiftc -enable-testing \
        -Xswiftc -use-ld=lld -Xcc -fsanitize=address) >&2
}

need_build_tools
build_fuzzer || die "the build failed"
fuzzer=$repository/.build/fuzz/release/Fuzz
mapfile -t known < <("$fuzzer" --list)
if [ "$list" = yes ]; then printf '%s\n' "${known[@]}"; exit 0; fi
for target in ${targets[@]+"${targets[@]}"}; do
    printf '%s\n' "${known[@]}" | grep -qx -- "$target" || die "no target $target; there are: ${known[*]}"
done
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/fuzz
make_run_dir
# The runtime's own report of a crash takes minutes in such a binary, and says what libFuzzer says as well.
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=1

found=no
for target in "${targets[@]}"; do
    mkdir -p "$cache/$target"
    corpus=$repository/Tests/Fuzz/Corpus/$target
    artifacts=${findings:-$corpus}/
    mkdir -p "$artifacts"
    status=0
    nice "$fuzzer" "$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$artifacts" "$cache/$target" "$corpus" \
        >"$run_dir/$target.txt" 2>&1 </dev/null || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$run_dir/$target.txt")
    coverage=$(grep -aoE ' cov: [0-9]+' "$run_dir/$target.txt" | tail -n 1 || true)
    if [ "$status" = 0 ]; then
        printf '%-14s %12s executions,%s edges, no finding\n' "$target" "$executions" "${coverage# cov:}"
    else
        found=yes
        printf '%-14s %12s executions, FINDING:\n' "$target" "${executions:-?}"
        grep -aE '^finding in|^SUMMARY|Fatal error|Test unit written' "$run_dir/$target.txt" | sed 's/^/    /' || true
    fi
done
[ "$found" = no ]
