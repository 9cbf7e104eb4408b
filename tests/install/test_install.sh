#!/bin/sh
# An installed Tegula can be used, also after it was moved. Usage: test_install.sh CMAKE SOURCE_DIR BUILD_DIR CC
cmake=$1 source=$2 build=$3 cc=$4
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export TEGULA_CACHE=""
failures=0

# step NAME PATTERN COMMAND…: exit code 0 and a pattern in the output
step() {
    name=$1 pattern=$2
    shift 2
    if ! "$@" > "$dir/out" 2>&1 || { [ -n "$pattern" ] && ! grep -Eq -- "$pattern" "$dir/out"; }; then
        echo "FAILED $name: '$pattern' in the output of $*:"
        tail -n 20 "$dir/out"
        failures=$((failures + 1))
    fi
}

step "install" "tegula.h" "$cmake" --install "$build" --prefix "$dir/first"
mv "$dir/first" "$dir/prefix"
lib=$(dirname "$(find "$dir/prefix" -name libtegula.so | head -n 1)")
export LD_LIBRARY_PATH="$lib"

step "command" "^tegula 0" "$dir/prefix/bin/tegula" --version
mkdir "$dir/project" # not a CMakeLists.txt in the source tree: every one there belongs to this build
cp "$source/tests/install/app.c" "$dir/project/"
cp "$source/tests/install/app.cmake" "$dir/project/CMakeLists.txt"
step "find_package: configure" "" "$cmake" -S "$dir/project" -B "$dir/app" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$dir/prefix"
step "find_package: build" "" "$cmake" --build "$dir/app"
step "find_package: run" "^42$" "$dir/app/app"

if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH="$lib/pkgconfig"
    flags=$(pkg-config --cflags --libs tegula)
    # shellcheck disable=SC2086
    step "pkg-config: build" "" "$cc" -std=c11 "$source/tests/install/app.c" $flags -o "$dir/app2"
    step "pkg-config: run" "^42$" "$dir/app2"
fi

# Rows that ship are found from the command and from the library. An unreadable file shows which one was opened.
rows="$dir/prefix/share/tegula/tuned.json"
set_rows="tune $source/tests/cli/kernels.dsl --kernel repeat_rows --set M=53 --set N=100 --budget 0.1"
# shellcheck disable=SC2086
step "rows that ship" "^ *default|^shape" "$dir/prefix/bin/tegula" $set_rows
step "rows that ship: found" "^shipped  .*/share/tegula/tuned.json" "$dir/prefix/bin/tegula" info
step "rows that ship: readable" "^42$" sh -c "'$dir/app/app' | grep -v tuned.json"
echo "no rows" > "$rows"
# shellcheck disable=SC2086
step "rows that ship: from the command" "share/tegula/tuned.json: tuning database: " "$dir/prefix/bin/tegula" $set_rows
step "rows that ship: from the library" "share/tegula/tuned.json: tuning database: " "$dir/app/app"

step "ahead of time: compile" "" "$dir/prefix/bin/tegula" build "$source/tests/cli/kernels.dsl" --kernel gemm \
    -o "$dir/gemm.o" --header "$dir/gemm.h"
step "ahead of time: build" "" "$cc" -std=c11 -I"$dir" -I"$dir/prefix/include" "$source/tests/cli/aot_app.c" \
    "$dir/gemm.o" "$lib/libtegula_rt.a" -lpthread -lm -o "$dir/app3"
step "ahead of time: run" "^ok" "$dir/app3"
mkdir "$dir/ahead"
cp "$source/tests/cli/aot_app.c" "$dir/gemm.o" "$dir/gemm.h" "$dir/ahead/"
cat > "$dir/ahead/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(Ahead LANGUAGES C)
find_package(Tegula 0.1 REQUIRED)
add_executable(ahead aot_app.c gemm.o)
target_link_libraries(ahead PRIVATE Tegula::tegula_rt)
END
step "ahead of time: configure" "" "$cmake" -S "$dir/ahead" -B "$dir/ahead/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$dir/prefix"
step "ahead of time: find_package" "" "$cmake" --build "$dir/ahead/build"
step "ahead of time: find_package, run" "^ok" "$dir/ahead/build/ahead"
if command -v pkg-config > /dev/null; then
    flags=$(pkg-config --cflags --libs tegula_rt)
    # shellcheck disable=SC2086
    step "ahead of time: pkg-config" "" "$cc" -std=c11 -I"$dir" "$source/tests/cli/aot_app.c" "$dir/gemm.o" $flags -o "$dir/app4"
    step "ahead of time: pkg-config, run" "^ok" "$dir/app4"
fi

[ $failures -eq 0 ] && echo "all passed"
[ $failures -eq 0 ]
