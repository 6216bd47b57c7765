#!/usr/bin/env bash
# base_image.sh DIR: make sure that the base image of our images is here. Where no registry can be reached, a stand-in is
# made from Debian's packages, with the certificates that this machine trusts. It belongs to the tests, not to the product.
set -euo pipefail
dir=$(realpath -m "${1:?directory for what is built meanwhile}")
image=python:3.11-slim
if [ -f "$dir/unavailable" ]; then
	exit 0
fi
if docker image inspect "$image" >/dev/null 2>&1; then
	echo "docker: $image is here" >&2
	exit 0
fi
if timeout 120 docker pull --quiet "$image" >/dev/null 2>&1; then
	echo "docker: pulled $image" >&2
	exit 0
fi

unavailable() {
	mkdir -p "$dir"
	printf '%s\n' "$1" >"$dir/unavailable"
	printf '\n*** NOT TESTED: no base image %s, so nothing that needs our images: %s ***\n\n' "$image" "$1" >&2
	exit 0
}

[ "$(id -u)" = 0 ] || unavailable "it cannot be pulled, and making a stand-in needs root"
if ! command -v debootstrap >/dev/null; then
	command -v apt-get >/dev/null || unavailable "it cannot be pulled, and there is neither debootstrap nor apt-get"
	export DEBIAN_FRONTEND=noninteractive
	mkdir -p "$dir"
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >"$dir/apt.log" 2>&1 ||
		unavailable "apt-get cannot install debootstrap: $(tail -n 1 "$dir/apt.log")"
fi

echo "docker: making a stand-in for $image from Debian's packages, about two minutes" >&2
mkdir -p "$dir"
rootfs="$dir/rootfs"
rm -rf "$rootfs"
trap 'rm -rf "$rootfs"' EXIT
debootstrap --variant=minbase --include=python3,python3-pip,python3-venv,ca-certificates bookworm "$rootfs" \
	>"$dir/debootstrap.log" 2>&1 || unavailable "debootstrap failed: $(tail -n 1 "$dir/debootstrap.log")"
rm -f "$rootfs"/usr/lib/python3*/EXTERNALLY-MANAGED
rm -rf "$rootfs"/var/cache/apt/archives/*.deb "$rootfs"/var/lib/apt/lists/*
ln -sf python3 "$rootfs/usr/bin/python"
find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$rootfs/usr/local/share/ca-certificates/" \; 2>/dev/null || true
chroot "$rootfs" update-ca-certificates >>"$dir/debootstrap.log" 2>&1
tar -C "$rootfs" -c . | docker import --change 'CMD ["python3"]' - "$image" >/dev/null
echo "docker: made $image" >&2
