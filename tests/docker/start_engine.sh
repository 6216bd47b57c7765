#!/usr/bin/env bash
# start_engine.sh DIR: a Docker engine for tests. Reuses one that answers; else installs and starts one whose data lies
# under DIR (Debian and Ubuntu, as root). Where neither is possible it says so loudly, writes DIR/unavailable and exits
# with 0, so that the checks that need no engine go on.
set -euo pipefail
dir=$(realpath -m "${1:?directory for the data of the engine}")
mkdir -p "$dir"
rm -f "$dir/unavailable"

unavailable() {
	printf '%s\n' "$1" >"$dir/unavailable"
	printf '\n*** NOT TESTED: no Docker engine, so nothing that needs containers: %s ***\n\n' "$1" >&2
	exit 0
}

answers() {
	command -v docker >/dev/null && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

if answers; then
	echo "docker: using the engine that runs already" >&2
	exit 0
fi
# Two engines on one machine take away each other's network.
if pgrep -x dockerd >/dev/null; then
	unavailable "a dockerd runs here but does not answer"
fi
[ "$(uname -s)" = Linux ] || unavailable "only Linux can start one; start Docker Desktop"
[ "$(id -u)" = 0 ] || unavailable "starting one needs root; start Docker first"

if ! command -v dockerd >/dev/null; then
	command -v apt-get >/dev/null || unavailable "dockerd is not installed and there is no apt-get"
	echo "docker: installing docker.io" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io; } >"$dir/apt.log" 2>&1 ||
		unavailable "apt-get cannot install docker.io: $(tail -n 1 "$dir/apt.log")"
fi

socket=/var/run/docker.sock
setsid dockerd --data-root "$dir/root" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" -H "unix://$socket" \
	>"$dir/dockerd.log" 2>&1 </dev/null &
started=$!
for _ in $(seq 60); do
	if answers; then
		echo "docker: started an engine, its data under $dir" >&2
		exit 0
	fi
	kill -0 "$started" 2>/dev/null || break
	sleep 0.5
done
kill "$started" 2>/dev/null || true
unavailable "dockerd does not start: $(tail -n 1 "$dir/dockerd.log")"
