#!/usr/bin/env bash
# stop_engine.sh DIR: stop the engine that start_engine.sh DIR started, and no other; its images stay for the next time.
set -euo pipefail
dir=$(realpath -m "${1:?directory that was given to start_engine.sh}")
pidfile="$dir/docker.pid"
if [ ! -f "$pidfile" ]; then
	echo "docker: no engine was started from $dir" >&2
	exit 0
fi
pid=$(cat "$pidfile")
# The number may have passed on to another process since.
if ! tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -Fxq -- "$pidfile"; then
	rm -f "$pidfile"
	echo "docker: the engine of $dir had ended already" >&2
	exit 0
fi
kill "$pid"
for _ in $(seq 60); do
	if ! kill -0 "$pid" 2>/dev/null; then
		echo "docker: stopped the engine of $dir" >&2
		exit 0
	fi
	sleep 0.5
done
echo "docker: the engine of $dir (process $pid) does not stop; see $dir/dockerd.log" >&2
exit 1
