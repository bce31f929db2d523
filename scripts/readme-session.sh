#!/bin/sh
# Puts what `make demo` prints into the README.
set -eu
cd "$(dirname "$0")/.."
session=$(mktemp)
{
    echo '```'
    echo '$ make demo'
    make --no-print-directory demo 2>/dev/null | sed '1,/^$/d'
    echo '```'
} > "$session"
awk -v session="$session" '
    /<!-- session:/ { print; while ((getline line < session) > 0) print line; skip = 1 }
    /<!-- session end/ { skip = 0 }
    !skip && !/<!-- session:/ { print }
' README.md > README.md.new
mv README.md.new README.md
rm -f "$session"
