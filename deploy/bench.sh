#!/usr/bin/env bash
# What an operation costs the server, as a ratio to the least that a server can cost (deploy/bench/limit.c), in one run.
#
#   deploy/bench.sh [option of deploy/bench/ratios.py…]
#
# Builds `rollcall` for release, runs one plain node with authentication, registry (in memory) and metrics, one event loop
# on core 0, and the load generator on core 1. Needs two cores that nothing else uses. BENCH_BINARY names a `rollcall` that
# is built already, BENCH_BEFORE an older one, which then takes its turn in the same run (column "before").
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1:-} in
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

need_build_tools
need cc=gcc python3=python3
binary=${BENCH_BINARY:-}
if [ -z "$binary" ]; then
    (cd "$repository" && swift build -c release --product rollcall --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked >&2)
    binary=$repository/.build/release/rollcall
fi
make_run_dir

secret=0123456789abcdef0123456789abcdef
python3 "$repository/deploy/bench/mktokens.py" "$secret" 12000 > "$run_dir/tokens"
# The event rate of a connection is a bound for clients that misbehave; the load generator is meant to.
options="serve --port {port} --admin-port 0 --event-loops 1 --event-rate 0 --jwt-secret $secret --grant all --log-level error"
before=()
[ -z "${BENCH_BEFORE:-}" ] || before=(--also "before=taskset -c {core} $BENCH_BEFORE $options")
python3 "$repository/deploy/bench/ratios.py" --launch "taskset -c {core} $binary $options" \
    --extra "--tokens $run_dir/tokens --auth {\"token\":\"%s\"}" ${before[@]+"${before[@]}"} "$@"
