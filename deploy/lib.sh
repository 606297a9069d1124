# shellcheck shell=bash
# Functions shared by the scripts of this folder, to be sourced after `set -euo pipefail`.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# --- Installing what is missing -------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "this needs root and there is no sudo: $*"
    fi
}

# has WHAT: a command, NAME.pc for a library that pkg-config must find, or COMMAND:MODULE for a module of Python.
has() {
    case $1 in
        *.pc) command -v pkg-config >/dev/null && pkg-config --exists "${1%.pc}" ;;
        *:*) "${1%%:*}" -c "import ${1#*:}" 2>/dev/null ;;
        *) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] ;;
    esac
}

# need WHAT=PACKAGE…: installs by apt the packages whose WHAT is not there. Their services are not started: the scripts
# start what they need themselves, with their own configuration, and end it.
need() {
    local pair missing=()
    for pair in "$@"; do
        has "${pair%%=*}" || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing, and no apt-get to install it with: ${missing[*]}"
    say "installing ${missing[*]}"

    local policy=/usr/sbin/policy-rc.d ours=no failed=no package
    if [ ! -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        failed=yes
    [ "$ours" = no ] || as_root rm -f "$policy"
    [ "$failed" = no ] || die "apt-get could not install ${missing[*]}"

    for package in "${missing[@]}"; do
        case $package in
            redis-server | haproxy)
                [ ! -d /run/systemd/system ] || as_root systemctl disable --now --quiet "$package" || true ;;
        esac
    done
}

need_build_tools() {
    command -v swift >/dev/null || die "Swift 6.2 or newer is needed: https://www.swift.org/install/linux/"
    need pkg-config=pkg-config hiredis.pc=libhiredis-dev zlib.pc=zlib1g-dev
}

# build ARGUMENT…: a debug build, which deploy/quickstart.sh and deploy/test.sh share.
build() {
    if [ ! -d "$repository/.build/debug" ]; then
        say "building: the first time this takes several minutes, because the dependencies are compiled from source,"
        say "two TLS libraries among them (one for JWT, one for the listener); later builds take seconds"
    fi
    (cd "$repository" && swift build "$@") >&2
}

# --- A place for a run, and its processes ---------------------------------------------------------------------------

run_dir=
run_pids=()

# make_run_dir: a private folder for everything that a run writes; it goes when the script ends, and so does every
# process that was started by `start`, the last one first.
make_run_dir() {
    run_dir=$(mktemp -d "${TMPDIR:-/tmp}/rollcall.XXXXXXXX")
    trap end_run EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# start NAME COMMAND…: runs in the background, output in NAME.out and NAME.log of the run's folder. The process has a
# session of its own, so that Ctrl-C reaches the script only, which ends things in order; and it does not outlive the
# script, even if that is killed.
start() {
    local name=$1
    shift
    setsid setpriv --pdeathsig KILL "$@" </dev/null >"$run_dir/$name.out" 2>"$run_dir/$name.log" &
    # shellcheck disable=SC2034 # read by those who called
    last_pid=$!
    run_pids+=("$last_pid")
}

# alive PID: does this child of ours run? By the shell's own table: a number that ended may be another process's by now.
alive() { jobs -pr | grep -qx "$1"; }

# end_process PID: asks, waits, insists.
end_process() {
    local tries=0
    alive "$1" || return 0
    kill -TERM "$1" 2>/dev/null || return 0
    while alive "$1" && [ $((tries += 1)) -le 100 ]; do sleep 0.1; done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

end_run() {
    local status=$? index
    trap '' INT TERM HUP
    trap - EXIT
    for ((index = ${#run_pids[@]} - 1; index >= 0; index--)); do
        end_process "${run_pids[index]}"
    done
    [ -z "$run_dir" ] || rm -rf "$run_dir"
    exit "$status"
}

# --- Ports, HTTP, the balancer --------------------------------------------------------------------------------------

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: one that nobody listens on, below the range that outgoing connections are given.
free_port() {
    local port tries
    for ((tries = 0; tries < 100; tries++)); do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        port_answers "$port" || { echo "$port"; return; }
    done
    die "no free port found"
}

# http_ok PORT PATH: does GET answer 200? By bash alone, so that nothing needs to be installed for it.
http_ok() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3
    IFS= read -r -t 2 line <&3 || line=
    exec 3<&-
    [[ $line == HTTP/1.?\ 200* ]]
} 2>/dev/null

# render_balancer PREFIX:PORT:ADMIN…: deploy/haproxy.cfg with these nodes instead of n1, n2 and n3.
render_balancer() {
    local line node prefix port admin
    while IFS= read -r line; do
        case $line in
            "    server n1 "*)
                for node in "$@"; do
                    IFS=: read -r prefix port admin <<<"$node"
                    line=${line/server n1 /"server $prefix "}
                    printf '%s\n' "$line" | sed "s/:3001/:$port/; s/3101/$admin/"
                    line=${line/server $prefix /server n1 }
                done ;;
            "    server n"[23]" "*) ;;
            *) printf '%s\n' "$line" ;;
        esac
    done <"$repository/deploy/haproxy.cfg"
}
