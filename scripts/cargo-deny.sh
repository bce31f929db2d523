#!/bin/sh
# cargo-deny, pinned; advisories only where their database can be had.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
tools=${CARGO_TARGET_DIR:-target}/tools
deny=$tools/bin/cargo-deny
if command -v cargo-deny >/dev/null 2>&1 && cargo-deny --version | grep -q " $version\$"; then
    deny=$(command -v cargo-deny)
elif ! [ -x "$deny" ]; then
    ${CARGO:-cargo} install --quiet --locked --root "$tools" cargo-deny --version "$version"
fi
"$deny" --locked check bans licenses sources
if "$deny" --locked fetch db >/dev/null 2>&1; then
    "$deny" --locked check advisories
else
    echo "skipped: the advisory database of crates cannot be reached"
fi
