#!/usr/bin/env bash
# Autobahn's fuzzing client against /ws-echo of the conformance server.
#
#   Tests/Conformance/autobahn.sh [plain|deflate|all] [--seconds N]
#
# plain:   cases 1-7, 9 and 10: RFC 6455. 301 cases, some minutes.
# deflate: cases 12 and 13: permessage-deflate. 216 cases, hours in all with this client; small messages come first, and
#          no case begins after N seconds (3600).
#
# autobahntestsuite is Python 2 code. ROLLCALL_PYTHON2 names a Python 2.7 (default: python2.7, where there is one); without
# one nothing is run, and the script says so. A virtual environment is made once, in the user's cache folder.
# ROLLCALL_BINARIES names the folder of a conformance-server that is built already. Fails on every result but OK and
# INFORMATIONAL.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../../deploy/lib.sh"

suite=autobahntestsuite==25.10.1
what=all
seconds=3600
while [ $# -gt 0 ]; do
    case $1 in
        plain | deflate | all) what=$1; shift ;;
        --seconds)
            [ $# -ge 2 ] || { say "error: $1 needs a value"; exit 64; }
            seconds=$2; shift 2 ;;
        -h | --help) sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) say "error: plain, deflate, all or --seconds, not $1"; exit 64 ;;
    esac
done

python=${ROLLCALL_PYTHON2:-python2.7}
if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
    say "SKIPPED: Autobahn's fuzzing client needs a Python 2.7, and $python is none (set ROLLCALL_PYTHON2)"
    exit 0
fi

# Python 2.7 brings no venv of its own: virtualenv comes along, beside the environment.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall/$suite
if [ ! -e "$cache/complete" ]; then
    say "making $cache"
    rm -rf "$cache"
    mkdir -p "$cache"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$cache/virtualenv" 'virtualenv<20.22' >&2
    PYTHONPATH=$cache/virtualenv "$python" -m virtualenv --quiet "$cache/venv" >&2
    "$cache/venv/bin/pip" install --quiet --disable-pip-version-check "$suite" >&2
    touch "$cache/complete"
fi

binaries=${ROLLCALL_BINARIES:-}
if [ -z "$binaries" ]; then
    need_build_tools
    build --product conformance-server || die "the build failed"
    binaries=$repository/.build/debug
fi
make_run_dir

# serve NAME ARGUMENT…: a conformance server on a free port, which is then in $port.
serve() {
    local name=$1 tries=0
    shift
    start "$name" "$binaries/conformance-server" --profile protocol --port 0 "$@"
    until port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$run_dir/$name.out" 2>/dev/null) && [ -n "$port" ]; do
        alive "$last_pid" || die "the conformance server ended: $(cat "$run_dir/$name.log")"
        [ $((tries += 1)) -le 100 ] || die "the conformance server does not listen"
        sleep 0.1
    done
}

# fuzz NAME CASES: one run of the client; its report goes to $run_dir/reports/NAME.
fuzz() {
    local out=$run_dir/reports/$1
    mkdir -p "$out"
    printf '{"outdir": "%s", "servers": [{"agent": "rollcall", "url": "ws://127.0.0.1:%s/ws-echo"}], "cases": ["%s"],
        "exclude-cases": [], "exclude-agent-cases": {}}\n' "$out" "$port" "$2" >"$out/spec.json"
    "$cache/venv/bin/wstest" --mode fuzzingclient --spec "$out/spec.json" >"$out/wstest.txt" 2>&1 ||
        die "wstest failed: $(tail -n 5 "$out/wstest.txt")"
}

# report NAME ARGUMENT…: of all runs whose names begin with NAME; of two of one case the later in the alphabet counts.
report() {
    local name=$1
    shift
    python3 "$here/autobahn_report.py" "$@" "$run_dir/reports/$name"-*/index.json
}

# again NAME: runs the cases again, once, whose only fault is that the server closed late. The client waits for one second,
# which is little on a busy machine.
again() {
    local case
    for case in $(report "$1" --late); do
        say "again, since the connection was closed late: $case"
        fuzz "$1-zz-$case" "$case"
    done
}

plain() {
    local category
    serve plain
    for category in 1 2 3 4 5 6 7 9 10; do
        say "cases $category.*"
        fuzz "plain-$category" "$category.*"
    done
    again plain
    report plain --expect 301
}

deflate() {
    local size kind
    serve deflate --per-message-deflate
    SECONDS=0
    for size in 1 2 3 4 5 6 7 8 9 11 12 10 13 14 18 17 16 15; do
        say "cases 12.*.$size and 13.*.$size"
        for kind in 12.1 12.2 12.3 12.4 12.5 13.1 13.2 13.3 13.4 13.5 13.6 13.7; do
            [ "$SECONDS" -lt "$seconds" ] || break 2
            fuzz "deflate-$kind.$size" "$kind.$size"
        done
    done
    again deflate
    report deflate
}

status=0
case $what in plain | all) plain || status=1 ;; esac
case $what in deflate | all) deflate || status=1 ;; esac
exit "$status"
