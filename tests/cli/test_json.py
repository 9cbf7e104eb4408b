#!/usr/bin/env python3
"""--json: whatever happens, standard output is one JSON value (strict: no NaN) and errors stay off standard error. Usage: test_json.py TEGULA SOURCE_DIR"""
import json, os, subprocess, sys, tempfile

tegula, source = sys.argv[1:]
kernels = source + "/tests/cli/kernels.dsl"
failures = 0


def no_constant(name):
    raise ValueError(name + " is no JSON")


def expect(code, holds, *arguments):
    """Exit code, and a predicate on the value."""
    global failures
    p = subprocess.run([tegula, *arguments, "--json"], capture_output=True, timeout=300)
    try:
        found = json.loads(p.stdout.decode("utf-8"), parse_constant=no_constant)
        ok = p.returncode == code and holds(found)
    except (ValueError, KeyError, IndexError) as e:
        found, ok = e, False
    if ok and code and p.stderr:
        found, ok = p.stderr, False
    if not ok:
        failures += 1
        print("FAILED", *arguments, ": exit code", p.returncode, "expected", code, str(found)[:300], p.stdout[:200], p.stderr[:200])


def fails(word):
    return lambda v: v["ok"] is False and word in v["error"] and isinstance(v["diagnostics"], list)


def works(v):
    return v.get("ok", True) is True


def is_report(path, shapes):
    """A roofline with both bandwidths and the rate, each shape with a plot of the model and its choice in the ranking, every number finite."""
    text = open(path, encoding="utf-8").read()
    return ("product of 512 x 512 x 512 in f32" in text and "caches, " in text and "memory, " in text
            and text.count("Model and measurement</h3>") == shapes == text.count("<tr class=best>")
            and text.count("<svg ") == text.count("</svg>") >= 1 + shapes
            and not any(w in text for w in ("nan", "'inf", "=inf", "-inf", " inf")))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ.update(TEGULA_CACHE=folder + "/cache", TEGULA_THREADS="2")
    with open("latin.dsl", "wb") as f:
        f.write(b"// caf\xe9\nkernel f(out f32 Y[N]) { grid (i in N) Y[i] = 1; }\n")
    with open("bad.dsl", "w") as f:
        f.write('kernel f(out f32 Y[N]) { grid (i in N) Y[i] = "\\"é"; }\n')
    with open("syntax.dsl", "w") as f:
        f.write("kernel (")
    gemm = [kernels, "--kernel", "gemm"]

    for command in "run", "compile", "tune", "build", "opt", "fmt", "explain", "info":
        expect(2, fails("--bogus"), command, "--bogus")
        expect(2, fails("--json takes no value"), command, "--json=yes")
    expect(2, fails("did you mean"), "compil")
    for command in "run", "compile", "tune", "build":
        expect(2, fails("choose one with --kernel: gemm pick repeat_rows"), command, kernels)
        expect(1, fails("E0101"), command, "latin.dsl")
        expect(1, lambda v: fails("")(v) and v["diagnostics"], command, "bad.dsl")
        expect(1, fails("nowhere.dsl: not found"), command, "nowhere.dsl")
        expect(2, fails("takes one file"), command, *gemm, kernels)
    expect(2, fails("needs an integer"), "run", *gemm, "--repeat", "x")
    expect(2, fails("needs an integer"), "run", *gemm, "--seed", "99999999999999999999")
    expect(2, fails("no dimension or scalar"), "run", *gemm, "--set", "Q=1")
    expect(1, fails("out of memory for a tensor"), "run", *gemm, "--set", "M=100000000000")
    expect(2, fails("no optional tensor 'A'"), "run", *gemm, "--absent", "A")
    expect(2, fails("unknown instruction set"), "run", *gemm, "--arch", "z80")
    expect(1, fails("E0702"), "run", *gemm, "--schedule", "q = 1")
    for n in "-1", "2147483648", "4294967297":
        expect(2, fails("from 0 to 2147483647"), "run", *gemm, "--threads", n)
        expect(2, fails("from 0 to 2147483647"), "run", *gemm, "--repeat", n)
    expect(0, works, "run", *gemm, "--repeat", "1", "--check")
    for alpha in "nan", "inf":
        expect(0, works, "run", *gemm, "--repeat", "1", "--check", "--set", "M=0", "alpha=" + alpha)

    for stage in "ast", "tile", "passes", "plan", "directives", "llvm", "asm":
        expect(0, lambda v: works(v) and v["text"], "compile", *gemm, "--emit", stage)
        expect(0, lambda v: works(v) and "text" not in v and os.path.getsize(stage), "compile", *gemm, "--emit", stage, "-o", stage)
        expect(1, fails("cannot write /nowhere/x"), "compile", *gemm, "--emit", stage, "-o", "/nowhere/x")
    expect(0, works, "compile", *gemm, "--print-after", "all")
    expect(2, fails("--emit takes"), "compile", *gemm, "--emit", "soup")
    expect(2, fails("unknown pass soup"), "compile", *gemm, "--passes", "soup")
    expect(2, fails("unknown pass soup"), "compile", *gemm, "--print-after", "soup")

    expect(0, lambda v: works(v) and v["kernel"] == "gemm", "build", *gemm, "-o", "g.o", "--header", "g.h")
    for arch, caches in {"v2": [32, 256, 8192], "avx2": [32, 512, 16384], "avx512": [32, 1024, 24576], "avx512amx": [48, 2048, 65536]}.items():
        expect(0, lambda v: works(v) and v["arch"] == arch and v["caches_kib"] == caches, "build", *gemm, "--arch", arch, "-o", "g.o", "--header", "g.h")
    expect(1, fails("cannot write /nowhere/g.o"), "build", *gemm, "-o", "/nowhere/g.o")
    expect(1, lambda v: fails("")(v) and v["diagnostics"][0]["code"] == "E0702", "build", *gemm, "--schedule", "q = 1", "-o", "g.o")
    expect(2, fails("unknown target"), "build", *gemm, "--target", "ptx")

    shape = ["--kernel", "repeat_rows", "--set", "M=53", "--set", "N=100", "--budget", "0.2"]
    expect(0, lambda v: works(v) and v["of_roof"] > 0 and v["roof_gflops"] > 0 and v["roof_gbps"] > 0, "run", *gemm, "--repeat", "3", "--roof")
    expect(0, lambda v: works(v) and v["of_roof"] > 0 and v["roof_gflops"] == 0, "run", "std:copy", "--repeat", "3", "--roof")
    expect(0, works, "tune", kernels, *shape)
    expect(1, fails("/nowhere/r.html cannot be written"), "tune", kernels, *shape, "--report", "/nowhere/r.html")
    swept = ["--set", "M=16,48", "--set", "N=64", "--set", "K=64", "--budget", "0.2", "--report", "r.html"]
    expect(0, lambda v: works(v) and is_report("r.html", shapes=2), "tune", *gemm, *swept)
    expect(2, fails("seconds above 0"), "tune", kernels, *shape, "--budget", "x")
    expect(0, works, "tune", "--export", "all.json")
    expect(0, works, "tune", "--ship", "ship.json")
    expect(0, works, "tune", "--import", "all.json")
    expect(1, fails("/nowhere/x"), "tune", "--export", "/nowhere/x")
    expect(1, fails("no export of one"), "tune", "--import", kernels)

    expect(1, fails("cannot read nowhere.ir"), "opt", "nowhere.ir")
    expect(0, lambda v: works(v) and v["text"].startswith("func @gemm"), "opt", "tile", "--passes", "canon,cse")
    expect(2, fails("unknown pass soup"), "opt", "tile", "--passes", "canon,soup")
    expect(1, lambda v: fails("")(v) and v["diagnostics"], "opt", "syntax.dsl")
    expect(0, lambda v: v[0]["pass"] == "canon", "opt", "--list")
    expect(1, lambda v: fails("4 of 4 files")(v) and [f["file"] for f in v["files"]] == ["syntax.dsl", "bad.dsl", "nowhere.dsl", "latin.dsl"]
           and v["files"][0]["diagnostics"][0]["code"] == "E0104" and v["files"][1]["formatted"] is False
           and v["files"][2]["error"] == "cannot read nowhere.dsl: not found", "fmt", "--check", "syntax.dsl", "bad.dsl", "nowhere.dsl", "latin.dsl")
    expect(0, lambda v: works(v) and v["files"][0]["text"].startswith("kernel f(") and not v["files"][0]["formatted"], "fmt", "bad.dsl")
    expect(0, works, "fmt", "-i", "bad.dsl")
    expect(0, lambda v: works(v) and v["files"] == [{"file": "bad.dsl", "formatted": True, "error": "", "diagnostics": []}] * 2, "fmt", "--check", "bad.dsl", "bad.dsl")
    expect(2, fails("standard input"), "fmt", "-i", "-")
    expect(0, lambda v: v["code"] == "E0402" and v["page"], "explain", "E0402")
    expect(0, lambda v: len(v) > 50 and v[0]["title"], "explain", "--list")
    expect(2, fails("no diagnostic 'E9999'"), "explain", "E9999")
    expect(0, lambda v: v["llvm"], "info")
    expect(0, lambda v: len(v) > 50, "info", "--stdlib")
    expect(2, fails("info takes no file"), "info", "x")

print("all passed" if not failures else f"{failures} failures")
sys.exit(failures != 0)
