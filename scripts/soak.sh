#!/bin/sh
# soak.sh [PART…]: what takes too long for every change, all of it or these parts (version-deb, inflate-streams,
# fuzz-dpkg and so on). Each part leaves a mark when it is done, so that a run goes on where one was stopped; remove
# target/soak to begin anew. Results go to docs/soak.md.
set -eu
cd "$(dirname "$0")/.."
marks=${CARGO_TARGET_DIR:-target}/soak
mkdir -p "$marks"
seed=${IMAGESCAN_SOAK_SEED:-$(date -u +%Y%m%d)}
parts=" $* "
# Whether a part is still to be done.
due() { [ ! -e "$marks/$1" ] && case "$parts" in "  " | *" $1 "*) ;; *) false ;; esac; }
note() { printf '| %s | %s | %s |\n' "$(date -u +%Y-%m-%d)" "$seed" "$1" >> docs/soak.md; }

for order in deb rpm apk; do
    due "version-$order" || continue
    # No pipe: a failure must end the run.
    IMAGESCAN_SOAK_PAIRS=full IMAGESCAN_SOAK_SEED=$seed ${CARGO:-cargo} test --release --locked -q \
        -p imagescan-version --test reference "${order}_order" -- --nocapture >"$marks/version-$order.log" 2>&1 ||
        { cat "$marks/version-$order.log"; exit 1; }
    line=$(grep -o 'soak version-.*' "$marks/version-$order.log" || echo "version-$order: skipped")
    note "$line"
    touch "$marks/version-$order"
done
if due inflate-streams; then
    # Each of the five property tests makes so many, and reads each whole and in four kinds of pieces.
    IMAGESCAN_SOAK_STREAMS=25000 ${CARGO:-cargo} test --release --locked -q -p imagescan-image --lib inflate::deflate
    note "inflate against zlib-rs: 125000 generated streams, no difference"
    touch "$marks/inflate-streams"
fi
for target in $(scripts/fuzz.sh list); do
    due "fuzz-$target" || continue
    # An hour for the decoder that reads every gzip layer.
    seconds=600
    [ "$target" = inflate ] && seconds=3600
    IMAGESCAN_SOAK_SEED=$seed scripts/fuzz.sh "$seconds" "$target" >"$marks/fuzz-$target.log"
    note "$(cat "$marks/fuzz-$target.log")"
    touch "$marks/fuzz-$target"
done
