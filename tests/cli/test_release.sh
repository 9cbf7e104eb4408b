#!/usr/bin/env bash
# Every kernel of the standard library, compiled, run and compared with the interpreter by the command that ships: faults of its optimised code, or of the
# compiler that made it, do not show in a debug build. Usage: test_release.sh TEGULA; 77: it was not built
set -uo pipefail

tegula=$1
[ -x "$tegula" ] || { echo "$tegula is not there: cmake --preset release && cmake --build --preset release --target tegula" && exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export TEGULA_CACHE="$dir/cache" TEGULA_THREADS=2

# Dimensions that the kernel's conditions do not give.
settings() {
    case "$1" in
    std:fft_across) echo LN=64 L=4 N=16 ;;
    std:fft_split) echo PB=1 ;;
    std:fft_bluestein) echo N=16 M=32 ;;
    std:fft_rader) echo N=17 M=16 ;;
    std:fft_r2c | std:fft_c2r) echo H=16 K=17 ;;
    esac
}

check() {
    local log=$dir/${1//[:\/]/_} set
    set=$(settings "$1")
    # shellcheck disable=SC2086 # several words
    "$tegula" run "$1" ${set:+--set $set} --check --untuned --repeat 1 >"$log" 2>&1 && return
    local code=$?
    echo "FAILED $1: exit code $code"
    tail -3 "$log"
    return 1
}
export -f check settings
export tegula dir

"$tegula" info --stdlib | awk '{ print $1 }' >"$dir/names"
n=$(wc -l <"$dir/names")
[ "$n" -gt 100 ] || { echo "FAILED: only $n kernels are listed" && exit 1; }
xargs -P 2 -I{} bash -c 'check {}' <"$dir/names" >"$dir/failed" 2>&1
cat "$dir/failed"
echo "$n kernels, $(grep -c '^FAILED' "$dir/failed") failed"
! grep -q '^FAILED\|Segmentation' "$dir/failed"
