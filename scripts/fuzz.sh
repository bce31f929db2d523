#!/bin/sh
# fuzz.sh list | fuzz.sh SECONDS [TARGET]: runs each fuzz target for so long, on the stable toolchain: coverage comes
# from LLVM's own pass, the engine from libfuzzer-sys. New inputs go to the target folder, crashes to fuzz/artifacts.
# IMAGESCAN_SOAK_SEED is the engine's seed; without it each run has another.
set -eu
cd "$(dirname "$0")/.."
targets=$(sed -n 's/^name = "\(.*\)"/\1/p' fuzz/Cargo.toml | grep -v imagescan)
if [ "${1:-}" = list ]; then
    echo "$targets"
    exit 0
fi
seconds=${1:?seconds, or list}
folder=${CARGO_TARGET_DIR:-target}/fuzz
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
host=$(rustc -vV | sed -n 's/^host: //p')
CARGO_TARGET_DIR=$folder ${CARGO:-cargo} build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$host"
for target in ${2:-$targets}; do
    mkdir -p "$folder/corpus/$target" fuzz/artifacts
    log=$folder/$target.log
    if ! "$folder/$host/release/$target" -seed="${IMAGESCAN_SOAK_SEED:-0}" -max_total_time="$seconds" \
        -timeout=20 -rss_limit_mb=4096 -max_len=65536 \
        -artifact_prefix="fuzz/artifacts/$target-" -print_final_stats=1 \
        "$folder/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
        tail -30 "$log" >&2
        echo "fuzz target $target failed: its input is in fuzz/artifacts" >&2
        exit 1
    fi
    echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s, no crash"
done
