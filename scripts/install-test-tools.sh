#!/bin/sh
# Debian packages that the tests put our answers to. Root installs them; anybody else learns what is missing.
set -eu
missing=
need() { # COMMAND OR FILE, PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing="$missing $2"
}
need dpkg dpkg
need cc gcc
need c++ g++
need pkg-config pkg-config
need /usr/include/dpkg/dpkg.h libdpkg-dev
need /usr/lib/python3/dist-packages/rpm python3-rpm
need tar tar
need docker-registry docker-registry
# Real images are built only where their recipes are.
if [ -e "$(dirname "$0")/../../shared/images/make-images.sh" ]; then
    for tool in mmdebstrap skopeo umoci rpm jq zstd; do need "$tool" "$tool"; done
    need db5.3_load db5.3-util
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "make test needs these Debian packages:$missing" >&2
echo "install them (apt-get install$missing), or run make test as root" >&2
exit 1
