#!/bin/sh
# libtegula.so exports exactly what the headers mark TG_API. Usage: test_exports.sh LIBRARY INCLUDE_DIR
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
nm -D --defined-only "$1" | awk '$2 ~ /[TDBRV]/ {print $3}' | sort -u > "$dir/have"
cat "$2"/tegula/*.h | tr '\n' ' ' | grep -oE 'TG_API[^;(]*\(' | grep -oE 'tg_[a-z0-9_]+\($' | tr -d '(' | sort -u > "$dir/want"
diff "$dir/want" "$dir/have" && [ -s "$dir/want" ]
