#!/bin/sh
# Every crate takes the workspace's lints.
set -eu
cd "$(dirname "$0")/.."
bad=0
for manifest in crates/*/Cargo.toml; do
    if ! grep -A1 '^\[lints\]' "$manifest" | grep -q '^workspace = true'; then
        echo "$manifest does not take the workspace's lints: add [lints] workspace = true" >&2
        bad=1
    fi
done
exit $bad
