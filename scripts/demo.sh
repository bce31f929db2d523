#!/bin/sh
# Scans the committed image. It is past its lifespan, so exit code 1 is the success.
set -eu
cd "$(dirname "$0")/.."
${CARGO:-cargo} build --release --locked --quiet -p imagescan
imagescan=${CARGO_TARGET_DIR:-target}/release/imagescan
db=${CARGO_TARGET_DIR:-target}/demo-db
"$imagescan" db build -o "$db" --as-of 2027-01-31 \
    --input debian=vuln-feeds/samples/debian --input alpine=vuln-feeds/samples/alpine
echo
code=0
"$imagescan" scan oci:fixtures/demo --db "$db" --as-of 2027-01-31 --offline || code=$?
echo
if [ "$code" -ne 1 ]; then
    echo "make demo: expected exit code 1 (denied by policy), got $code" >&2
    exit 1
fi
echo "Exit code 1, as it should be: the image is older than the six months that hold without a policy."
echo "The demonstration succeeded."
