#!/bin/sh
# The command line: exit codes, outputs, JSON. Usage: test_cli.sh TEGULA SOURCE_DIR BUILD_DIR CC
tegula=$1 source=$2 build=$3 cc=$4
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export TEGULA_CACHE="$dir/cache" TEGULA_THREADS=2
cd "$source/tests/cli" || exit 1
failures=0

# expect NAME CODE PATTERN COMMAND…: exit code and a pattern in the output (stdout and stderr)
expect() {
    name=$1 code=$2 pattern=$3
    shift 3
    "$@" > "$dir/out" 2>&1
    got=$?
    if [ $got -ne "$code" ] || { [ -n "$pattern" ] && ! grep -Eq -- "$pattern" "$dir/out"; }; then
        echo "FAILED $name: exit code $got (expected $code), pattern '$pattern', output:"
        head -20 "$dir/out"
        failures=$((failures + 1))
    fi
}

expect "no command" 2 "usage" "$tegula"
expect "help" 0 "explain" "$tegula" --help
expect "help in columns" 0 "^  fmt      FILE…     print" "$tegula" --help
expect "help says what exit codes mean" 0 "^2: the command line is wrong" "$tegula" --help
expect "version" 0 "tegula 0" "$tegula" --version
expect "wrong command" 2 "did you mean 'compile'" "$tegula" compil
for c in run compile tune build opt fmt explain info; do
    expect "help of $c" 0 "usage: tegula $c" "$tegula" $c --help
    expect "wrong option of $c" 2 "unknown option '--bogus'" "$tegula" $c --bogus
done

expect "info" 0 "LLVM" "$tegula" info
expect "info: the rows that ship" 0 "^shipped  no rows" "$tegula" info
expect "info as JSON" 0 '^\{"version".*"cache_entries": [0-9]+\}$' "$tegula" info --json

expect "run" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --set M=50 N=70 K=30 --check --repeat 2
expect "run again: cached" 0 '"from_cache": true' "$tegula" run kernels.dsl --kernel gemm --json --repeat 2
expect "run without cache" 0 '"from_cache": false' "$tegula" run kernels.dsl --kernel gemm --json --repeat 2 --no-cache
expect "gflops" 0 '"flops": 2.1[0-9]*e\+06' "$tegula" run kernels.dsl --kernel gemm --set M=64 N=64 K=256 alpha=2 --json --repeat 1
for arch in v2 avx2; do
    expect "run $arch" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --arch $arch --check --repeat 1
done
for t in f64 bf16 f16; do
    expect "run $t" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --dtype T=$t --check --repeat 1
    expect "run $t" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --dtype $t --check --repeat 1
done
expect "baseline" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --baseline --check --repeat 1
expect "facts are respected" 0 "check ok" "$tegula" run kernels.dsl --kernel pick --checked --check --repeat 1
expect "where gives a dimension" 0 "M=13$" "$tegula" run kernels.dsl --kernel repeat_rows --set N=20 --check --repeat 1
expect "data in a range" 0 "check ok" "$tegula" run kernels.dsl --kernel repeat_rows --set N=20 --fill X=2:3 --check --repeat 1
expect "no such tensor" 2 "repeat_rows has no tensor 'Q'" "$tegula" run kernels.dsl --kernel repeat_rows --fill Q=0:1
printf '// no kernel\n' > "$dir/none.dsl"
expect "no kernel at all" 2 "none.dsl has no kernel$" "$tegula" run "$dir/none.dsl"
expect "a name without value" 2 "set M: write NAME=VALUE$" "$tegula" run kernels.dsl --kernel gemm --set M
expect "no file to format" 1 "cannot read $dir/absent: not found" "$tegula" fmt "$dir/absent"
expect "a directory to format" 1 "cannot read $dir: it is no file" "$tegula" fmt "$dir"
expect "no file of IR" 1 "cannot read $dir/absent: not found" "$tegula" opt "$dir/absent"
expect "unknown target" 2 "unknown target 'z80'" "$tegula" build kernels.dsl --kernel gemm --target z80
expect "one file for object and header" 2 "both name" "$tegula" build kernels.dsl --kernel gemm -o "$dir/x" --header "$dir/x"
expect "no directory to write to" 1 "no such directory" "$tegula" compile kernels.dsl --kernel gemm -o "$dir/absent/x"
expect "no range" 2 "a range is LOW:HIGH" "$tegula" run kernels.dsl --kernel repeat_rows --fill X=3:2
expect "a permutation has no range" 2 "filled with a permutation" "$tegula" run std:scatter_rows --fill perm=0:3
expect "another kernel of a file of the library" 0 "^softmax_bwd" "$tegula" run std:softmax --kernel softmax_bwd --set M=3 N=5 --repeat 1
expect "no such kernel in a file of the library" 2 "no kernel" "$tegula" run std:softmax --kernel gemm
expect "which kernel" 2 "choose one with --kernel: gemm pick" "$tegula" run kernels.dsl
expect "no such kernel" 2 "did you mean 'gemm'" "$tegula" run kernels.dsl --kernel gem
expect "no such dimension" 2 "no dimension or scalar" "$tegula" run kernels.dsl --kernel gemm --set Q=1
expect "bad dimension" 2 "number >= 0" "$tegula" run kernels.dsl --kernel gemm --set M=-1
expect "no such type parameter" 2 "--dtype U=bf16: gemm has no type parameter" "$tegula" run kernels.dsl --kernel gemm --dtype U=bf16
expect "bad type" 2 "not a type that T" "$tegula" run kernels.dsl --kernel gemm --dtype T=i32
expect "no such file" 1 "not found" "$tegula" run nowhere.dsl
expect "launch error" 1 "L0904" "$tegula" run kernels.dsl --kernel repeat_rows --set N=20 M=5
expect "diagnostics" 1 "error\[E0201\]" "$tegula" run broken.dsl
expect "diagnostics as JSON" 1 '"code": ?"E0201"' "$tegula" run broken.dsl --json

expect "ast" 0 "kernel" "$tegula" compile kernels.dsl --kernel gemm --emit ast
expect "tile" 0 "^func @gemm" "$tegula" compile kernels.dsl --kernel gemm --emit tile
expect "passes" 0 "dot" "$tegula" compile kernels.dsl --kernel gemm --emit passes --verify
expect "plan" 0 "" "$tegula" compile kernels.dsl --kernel gemm --emit plan
expect "llvm" 0 "define .*@tg_gemm" "$tegula" compile kernels.dsl --kernel gemm --emit llvm
expect "asm" 0 "tg_gemm:" "$tegula" compile kernels.dsl --kernel gemm
expect "asm with bf16" 0 "tg_gemm:" "$tegula" compile kernels.dsl --kernel gemm --dtype bf16 --arch avx2
expect "print after" 0 "after canon" "$tegula" compile kernels.dsl --kernel gemm --print-after canon
expect "times" 0 "codegen .* ms" "$tegula" compile kernels.dsl --kernel gemm --emit obj -o "$dir/x.o" --time-passes
expect "compile as JSON" 0 '"text": "func' "$tegula" compile kernels.dsl --kernel gemm --emit tile --json
expect "schedule" 0 "#m grid block=9[, ].*#n grid block=20" "$tegula" compile kernels.dsl --kernel gemm --emit tile --schedule 'm = 9; n = 20'
expect "run under a schedule" 0 "check ok" "$tegula" run kernels.dsl --kernel gemm --set M=50 N=70 K=30 --check --repeat 1 --schedule 'm = 9; n = 20;'
expect "wrong schedule" 1 "E0702.*'q'" "$tegula" run kernels.dsl --kernel gemm --schedule 'q = 9'
expect "unknown stage" 2 "emit takes" "$tegula" compile kernels.dsl --kernel gemm --emit soup
expect "unknown pass" 2 "unknown pass soup" "$tegula" compile kernels.dsl --kernel gemm --passes canon,soup

"$tegula" compile kernels.dsl --kernel gemm --emit tile > "$dir/gemm.ir"
expect "opt round trip" 0 "^func @gemm" "$tegula" opt "$dir/gemm.ir"
expect "opt" 0 "dot" "$tegula" opt "$dir/gemm.ir" --passes canon,dce --time-passes
expect "opt lists" 0 "^canon " "$tegula" opt --list
echo "func nonsense" > "$dir/bad.ir"
expect "opt on bad text" 1 "error" "$tegula" opt "$dir/bad.ir"

expect "fmt" 0 "^kernel gemm" "$tegula" fmt kernels.dsl
"$tegula" fmt kernels.dsl > "$dir/formatted.dsl"
expect "fmt is idempotent" 0 "" "$tegula" fmt --check "$dir/formatted.dsl"
sed 's/    grid/  grid/' "$dir/formatted.dsl" > "$dir/ugly.dsl"
expect "fmt --check" 1 "ugly.dsl" "$tegula" fmt --check "$dir/ugly.dsl"
expect "fmt -i" 0 "" "$tegula" fmt -i "$dir/ugly.dsl"
expect "fmt -i made it equal" 0 "" cmp "$dir/ugly.dsl" "$dir/formatted.dsl"
echo "kernel (" > "$dir/syntax.dsl"
expect "fmt on a syntax error" 1 "error\[E01" "$tegula" fmt "$dir/syntax.dsl"

expect "explain" 0 "E0402" "$tegula" explain e0402
expect "explain lists" 0 "E0101  unexpected character" "$tegula" explain --list
expect "explain nothing" 2 "no diagnostic 'E9999'" "$tegula" explain E9999

tune="$tegula tune kernels.dsl --kernel repeat_rows --set M=53 --set N=100"
for budget in 10x "" 0 -1 nan inf 1e; do
    expect "tune --budget '$budget'" 2 "--budget $budget: write a number of seconds" $tune --budget "$budget"
done
expect "tune: no such dimension" 2 "no dimension or scalar" $tune --set Q=1
expect "tune: no value" 2 "write NAME=VALUE" $tune --set M=
expect "tune" 0 "N=100 M=53|M=53 N=100" $tune --budget 0.2
run_tuned="$tegula run kernels.dsl --kernel repeat_rows --set M=53 --set N=100 --json"
expect "run with a database" 0 '"schedule_from": "(tuned|compiler)"' $run_tuned
expect "run untuned" 0 '"schedule": "", "schedule_from": "compiler"' $run_tuned --untuned
expect "run under a schedule" 0 '"schedule_from": "given"' $run_tuned --schedule ""
expect "run without a database" 0 '"schedule_from": "compiler"' $run_tuned --db "$dir/none.db"
expect "run made no database" 1 "" test -e "$dir/none.db"
expect "tune again" 0 "\[known\]" $tune --budget 0.2
expect "tune, all of it" 0 '"ok": true' $tune --exhaustive --json
expect "tune without rows that ship" 0 "^tegula: /none: " $tune --budget 0.2 --shipped /none
expect "tune: rows to ship" 0 "" $tegula tune --ship "$dir/tuned.json"
expect "tune: rows to ship say their version" 0 '"tegula": "[0-9]+\.' cat "$dir/tuned.json"
expect "tune: the same as rows that ship" 0 '"warning": "",' $tune --budget 0.2 --shipped "$dir/tuned.json" --json
printf '{"tegula_tuning": 1, "tegula": "0.0.1", "results": [], "winners": []}' > "$dir/old.json"
expect "run with rows of another version" 0 "old.json: .*another version of Tegula" env TEGULA_SHIPPED="$dir/old.json" $run_tuned
expect "tune without a database" 0 "results are not kept: /proc/none/x: " $tune --budget 0.2 --db /proc/none/x

expect "build" 0 "" "$tegula" build kernels.dsl --kernel gemm -o "$dir/gemm.o" --header "$dir/gemm.h"
expect "application builds" 0 "" "$cc" -std=c11 -Wall -Wextra -Werror -I"$dir" -I"$source/include" aot_app.c "$dir/gemm.o" \
    "$build/libtegula_rt.a" -lpthread -lm -o "$dir/app"
expect "application runs" 0 "^ok" "$dir/app"
sed -i 's/_consts, "[a-z0-9]*",/_consts, "z80",/' "$dir/gemm.h"
expect "application for another processor builds" 0 "" "$cc" -std=c11 -I"$dir" -I"$source/include" aot_app.c "$dir/gemm.o" \
    "$build/libtegula_rt.a" -lpthread -lm -o "$dir/app2"
expect "application for another processor" 1 "gemm: this processor cannot run z80 code" "$dir/app2"
for arch in avx512 avx2 v2; do
    expect "build for $arch" 0 "" "$tegula" build kernels.dsl --kernel gemm --arch $arch -o "$dir/$arch.o" --header "$dir/$arch.h"
done
expect "build under a name" 0 "" "$tegula" build aot_names.dsl --name with -o "$dir/with.o" --header "$dir/with.h"
expect "build under another name" 0 '"kernel": "names"' "$tegula" build aot_names.dsl --name without --absent new --dtype f64 --set class=4 --arch native \
    -o "$dir/without.o" --header "$dir/without.h" --json
expect "build under no name" 2 "letters, digits and underscores" "$tegula" build aot_names.dsl --name "a b"
for language in c:c11 c++:c++17; do
    "$cc" -x ${language%:*} -fsyntax-only /dev/null 2> /dev/null || continue # a compiler of C alone
    expect "two variants build as $language" 0 "" "$cc" -x ${language%:*} -std=${language#*:} -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
        -I"$dir" -I"$source/include" aot_names.c -x none "$dir/with.o" "$dir/without.o" "$build/libtegula_rt.a" -lpthread -lm -o "$dir/names"
    expect "two variants run" 0 "^ok" "$dir/names"
done
expect "application has no LLVM" 1 "" sh -c "ldd '$dir/app' | grep -q LLVM"

# More than a file may hold. In a shell of their own: the limit cannot be raised again.
limited() {
    (ulimit -f 1 && "$@")
}
expect "build beyond the limit of file sizes" 1 "cannot write $dir/limited.o" limited "$tegula" build kernels.dsl --kernel gemm -o "$dir/limited.o"
expect "no half-written object" 1 "" test -e "$dir/limited.o"
expect "run where the cache cannot be written" 0 "check ok" limited env TEGULA_CACHE="$dir/small" "$tegula" run kernels.dsl --kernel gemm --check --repeat 1
expect "tune where no file can be written" 1 "cannot be written" limited env TEGULA_CACHE="$dir/small" $tune --budget 0.2 --db "" --report "$dir/limited.html"
expect "tune where the database cannot be written" 0 "results are not kept: .*I/O error" limited env TEGULA_CACHE="$dir/small" $tune --budget 0.2
expect "standard output beyond the limit" 1 "cannot write to standard output" limited sh -c "'$tegula' compile kernels.dsl --kernel gemm > '$dir/limited.s'"
expect "a full disk behind standard output" 1 "cannot write to standard output" sh -c "'$tegula' info > /dev/full"

[ $failures -eq 0 ] && echo "all passed"
[ $failures -eq 0 ]
