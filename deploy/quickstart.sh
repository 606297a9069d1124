#!/usr/bin/env bash
# A Rollcall cluster on this machine, until Ctrl-C: Redis, some nodes, and HAProxy in front of them.
#
#   deploy/quickstart.sh [--nodes 3] [--port 8080] [--prebuilt DIR]
#
# --prebuilt DIR takes DIR/rollcall instead of building it. Everything listens on 127.0.0.1 and lives in a temporary
# folder, which goes with the cluster.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

nodes=3 port=8080 prebuilt=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --nodes | --port | --prebuilt)
            [ $# -ge 2 ] || { say "error: $1 needs a value"; exit 64; }
            printf -v "${1#--}" '%s' "$2"
            shift 2 ;;
        *) say "error: unknown argument $1"; usage >&2; exit 64 ;;
    esac
done
[[ $nodes =~ ^[1-9][0-9]?$ ]] || { say "error: --nodes is a number from 1 to 99, not $nodes"; exit 64; }
[[ $port =~ ^[0-9]{1,5}$ ]] && [ "$port" -ge 1 ] && [ "$port" -le 65535 ] ||
    { say "error: --port is a number from 1 to 65535, not $port"; exit 64; }
! port_answers "$port" || die "port $port is in use; choose another one with --port"

need redis-server=redis-server redis-cli=redis-tools haproxy=haproxy
PATH=$PATH:/usr/sbin
if [ -n "$prebuilt" ]; then
    rollcall=$(cd "$prebuilt" && pwd)/rollcall || die "--prebuilt: no folder $prebuilt"
    [ -x "$rollcall" ] || die "--prebuilt: no executable $rollcall"
else
    need_build_tools
    build --product rollcall || die "the build failed"
    rollcall=$repository/.build/debug/rollcall
fi

make_run_dir

# expect NAME SECONDS COMMAND…: waits until the command succeeds; the process that was started last must live as long.
expect() {
    local name=$1 pid=$last_pid deadline=$((SECONDS + $2))
    shift 2
    until "$@" && alive "$pid"; do
        alive "$pid" || die "$name did not start:"$'\n'"$(cat "$run_dir/$name.out" "$run_dir/$name.log" | tail -n 20)"
        [ "$SECONDS" -lt "$deadline" ] || die "$name is not ready in time:"$'\n'"$(tail -n 20 "$run_dir/$name.log")"
        sleep 0.1
    done
}

redis_port=$(free_port)
redis_answers() { redis-cli -h 127.0.0.1 -p "$redis_port" ping >"$run_dir/ping" 2>&1; }
start redis redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$run_dir"
redis_pid=$last_pid
expect redis 10 redis_answers

(umask 077 && od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >"$run_dir/jwt-secret")
export ROLLCALL_JWT_SECRET_FILE=$run_dir/jwt-secret ROLLCALL_REDIS_URL=redis://127.0.0.1:$redis_port
"$rollcall" registry init >&2 || die "the registry could not be initialised"

node_pids=() balanced=()
listening='^listening on .*:([0-9]+), admin on .*:([0-9]+), node '
listens() { [[ $(cat "$run_dir/$1.out") =~ $listening ]]; }
for ((index = 1; index <= nodes; index++)); do
    name=n$index
    start "$name" "$rollcall" serve --port 0 --admin-port 0 --node-id "$name" --sid-prefix "$name" \
        --trusted-proxy 127.0.0.1 --duplicate-message '이미 연결된 유저입니다.' \
        --grant broadcast --grant 'join:*' --grant 'send:*' --drain-delay 0s --drain-duration 1s
    node_pids+=("$last_pid")
    expect "$name" 30 listens "$name"
    node_port=${BASH_REMATCH[1]} admin_port=${BASH_REMATCH[2]}
    expect "$name" 30 http_ok "$admin_port" /readyz
    balanced+=("$name:$node_port:$admin_port")
done

render_balancer "${balanced[@]}" >"$run_dir/haproxy.cfg"
start haproxy env ROLLCALL_BIND="127.0.0.1:$port" ROLLCALL_PAGE="$repository/deploy/page" \
    haproxy -db -f "$run_dir/haproxy.cfg"
haproxy_pid=$last_pid
expect haproxy 10 http_ok "$port" /

token() { "$rollcall" token create --user "$1" --ttl 24h || die "no token for $1"; }
alice=$(token alice)
bob=$(token bob)
admin=http://127.0.0.1:${balanced[0]##*:}
cat <<END

A cluster of $nodes nodes is up: http://localhost:$port

Two users, each in a tab of its own:
  alice  http://localhost:$port/#token=$alice
  bob    http://localhost:$port/#token=$bob

Open alice's page a second time: it is refused, wherever in the cluster the first one is connected.
Broadcast from one of them: it reaches both, whatever node they are on.

Who is online, from any node:
  curl -s $admin/v1/presence
  curl -s $admin/v1/presence/alice

More users:
  export ROLLCALL_JWT_SECRET_FILE=$run_dir/jwt-secret
  $rollcall token create --user carol

The nodes (kill one with -9: its users are back on another within seconds):
$(for ((index = 1; index <= nodes; index++)); do
    IFS=: read -r _ node_port admin_port <<<"${balanced[index - 1]}"
    echo "  n$index  pid ${node_pids[index - 1]}  port $node_port  admin http://127.0.0.1:$admin_port  log $run_dir/n$index.log"
done)

Ctrl-C ends it all.
END

trap 'say "ending"; exit 0' INT TERM HUP
# Each is looked at by its number: `wait -n` does not tell of a process that ended while another command ran.
watched=("$redis_pid" "$haproxy_pid" "${node_pids[@]}")
left=$nodes
while true; do
    for place in "${!watched[@]}"; do
        ended=${watched[place]}
        ! alive "$ended" || continue
        unset "watched[place]"
        status=0
        wait "$ended" || status=$?
        case $ended in
            "$redis_pid") die "Redis ended with status $status:"$'\n'"$(tail -n 20 "$run_dir/redis.out")" ;;
            "$haproxy_pid") die "HAProxy ended with status $status:"$'\n'"$(tail -n 20 "$run_dir/haproxy.log")" ;;
        esac
        say "node n$((place - 1)) ended with status $status"
        left=$((left - 1))
        [ "$left" -gt 0 ] || die "no node is left:"$'\n'"$(tail -n 20 "$run_dir/n1.log")"
    done
    sleep 0.5
done
