# Golden tests of the text stages through the command: each *.dsl and *.tir here says in `// RUN:` lines what to run
# and in `// CHECK` lines what FileCheck must find in the output. Only that is checked which must not change.
#   lit-22 -v build/dev/tests/lit            all, or  lit-22 -v --filter gemm build/dev/tests/lit
import lit.formats

config.name = "tegula"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".dsl", ".tir"]
config.test_source_root = config.tegula_source + "/tests/lit"
config.test_exec_root = config.tegula_build + "/tests/lit/out"
config.environment["TEGULA_CACHE"] = ""
config.environment["PATH"] = "/usr/lib/llvm-22/bin:" + config.environment["PATH"]
config.environment["TEGULA_THREADS"] = "2"
config.substitutions += [
    ("%tegula", config.tegula_command),
    ("%tutorials", config.tegula_source + "/tutorials"),
    ("%loops", f"python3 {config.test_source_root}/loops.py"),
    ("FileCheck", config.tegula_filecheck + " --dump-input-context=10"),
]
