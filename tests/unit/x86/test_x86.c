/* Every op through the x86 target against the interpreter: the IR corpus (tests/ir) and the kernels of tests/ir/x86,
 * under five variants (baseline, vectors, split tasks in reverse order, AVX2, SSE4) at random sizes and strides. */
#include "base/cpu.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not comparable this way. */
static const char *const left_out[] = {
    "ldexp.tir",       /* only with masks */
    "params.tir",      /* pointers */
    "raw_tensor.tir",
    "schedule.tir",    /* settings that have no effect are refused */
    "atomics.tir",     /* old values depend on the order of instances */
    "scan.tir",        /* products of sums overflow in f32, not in the ideal value */
};

static bool is_left_out(const char *name) {
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (strcmp(name, left_out[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void check_folder(const char *folder, int rounds, uint64_t seed) {
    char path[512];
    snprintf(path, sizeof path, TG_SOURCE_DIR "/%s", folder);
    DIR *d = opendir(path);
    cr_assert(d, "no folder %s", path);
    int n = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".tir") != 0 || is_left_out(e->d_name)) {
            continue;
        }
        snprintf(path, sizeof path, TG_SOURCE_DIR "/%s/%s", folder, e->d_name);
        char *text = x86_read_file(path);
        const char *bad = x86_differential(text, rounds, seed);
        cr_expect(!bad, "%s: %s", e->d_name, bad ? bad : "");
        free(text);
        n++;
    }
    closedir(d);
    cr_assert(n > 0);
}

Test(x86, corpus) {
    check_folder("tests/ir", 4, 0x9e3779b97f4a7c15ULL);
}

Test(x86, kernels) {
    check_folder("tests/ir/x86", 12, 0x2545f4914f6cdd1dULL);
}

static const char refused[] = "func @refused(in %X: tensor<1 x i4>, out %Y: tensor<1 x i4>)\n"
                              "  axes { #i grid block=64 }\n"
                              "{\n"
                              "  %zero = const {value=0} : i64\n"
                              "  %N = dim %X {d=0} : i64\n"
                              "  phase () {\n"
                              "    par %N, %zero, %N {axis=#i} () {\n"
                              "      %i = iota {axis=#i} : tile<#i x i64>\n"
                              "      %x = load %X, %i : tile<#i x i4>\n"
                              "      %o = atomic %Y, %x, %i {fn=add} : tile<#i x i4>\n"
                              "    }\n"
                              "  }\n"
                              "}\n";

/* What cannot be lowered is a message, not a crash, and the process can go on compiling. */
Test(x86, refuses_politely) {
    for (int i = 0; i < 20; i++) {
        x86_options o = {.passes = ""};
        x86_kernel *k = x86_open(refused, &o);
        cr_assert(k->error);
        cr_expect(strstr(k->error, "atomic"), "%s", k->error);
        x86_close(k);
    }
}

static const char exponentials[] = "func @exponentials(in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>)\n"
                                   "  axes { #i grid, #j grid }\n"
                                   "{\n"
                                   "  %M = dim %X {d=0} : i64\n"
                                   "  %N = dim %X {d=1} : i64\n"
                                   "  %zero = const {value=0} : i64\n"
                                   "  phase () {\n"
                                   "    par %M, %zero, %M {axis=#i} () {\n"
                                   "      par %N, %zero, %N {axis=#j} () {\n"
                                   "        %i = iota {axis=#i} : tile<#i x i64>\n"
                                   "        %j = iota {axis=#j} : tile<#j x i64>\n"
                                   "        %x = load %X, %i, %j : tile<#i, #j x f32>\n"
                                   "        %e = exp %x : tile<#i, #j x f32>\n"
                                   "        store %Y, %e, %i, %j\n"
                                   "      }\n"
                                   "    }\n"
                                   "  }\n"
                                   "}\n";

/* Ahead-of-time objects are tuned for the machine that builds them, and run wherever its level does. */
Test(x86, portable_has_the_hosts_facts_and_its_levels_instructions) {
    tg_machine native, portable, level;
    cr_assert(tg_target_x86.machine("native", &native) && tg_target_x86.machine("portable", &portable));
    cr_assert(tg_target_x86.machine(portable.arch, &level));
    cr_expect(portable.runs_here && tg_cpu_runs(native.needs) && tg_cpu_runs(portable.needs));
    cr_expect_str_eq(portable.needs, portable.arch);
    cr_expect_str_eq(portable.features, level.features);
    cr_expect(portable.has_bf16 == level.has_bf16 && portable.has_vnni == level.has_vnni && portable.has_amx == level.has_amx);
    cr_expect(portable.stream_bytes == native.stream_bytes && portable.requests == native.requests && portable.requests_far == native.requests_far &&
              portable.requests_rows == native.requests_rows &&
              portable.foresees == native.foresees && portable.halves == native.halves &&
              portable.waits_for_results == native.waits_for_results);
    cr_expect_eq(strcmp(native.needs, native.arch) != 0, native.has_vnni || native.has_bf16 || native.has_amx);
    cr_expect(!tg_cpu_runs("z80") && !tg_cpu_runs("v2+z80") && !tg_cpu_runs("z80+v2") && !tg_cpu_runs("v2+") && !tg_cpu_runs(""));
    cr_expect_eq(tg_cpu_runs("v2+avx2"), tg_cpu_runs("avx2"));
}

/* Code of a lower level that runs here requests the lines that this processor does not foresee, no others. */
Test(x86, levels_that_run_here_request_as_the_host) {
    tg_machine native;
    cr_assert(tg_target_x86.machine("native", &native));
    static const char *const names[] = {"avx2", "avx512", "avx512vnni"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tg_machine level;
        cr_assert(tg_target_x86.machine(names[i], &level));
        cr_expect(!level.runs_here || (level.requests == native.requests && level.requests_rows == native.requests_rows), "%s", names[i]);
    }
}

/* Objects for a level by its name do not depend on the machine that makes them. */
Test(x86, typical_caches_of_levels) {
    static const struct {
        const char *arch;
        int64_t l1, l2, l3, stream;
    } want[] = {{"avx512amx", 48 << 10, 2 << 20, 64 << 20, 0},  {"avx512vnni", 32 << 10, 1 << 20, 32 << 20, 0},
                {"avx512", 32 << 10, 1 << 20, 24 << 20, 0},     {"avx2vnni", 32 << 10, 1 << 20, 24 << 20, 12 << 20},
                {"avx2", 32 << 10, 512 << 10, 16 << 20, 8 << 20}, {"v2", 32 << 10, 256 << 10, 8 << 20, 0}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        tg_machine m;
        cr_assert(tg_target_x86.machine(want[i].arch, &m));
        m.l1_bytes = m.l2_bytes = m.l3_bytes = m.stream_bytes = 1;
        m.requests_rows = true;
        tg_target_x86.typical(&m);
        cr_expect(m.l1_bytes == want[i].l1 && m.l2_bytes == want[i].l2 && m.l3_bytes == want[i].l3 && m.stream_bytes == want[i].stream &&
                      m.requests == (want[i].stream > 0) && !m.requests_rows,
                  "%s", want[i].arch);
    }
}

/* Where results go past the caches, operands are requested a page ahead on machines that gain from it. */
Test(x86, requests_operands) {
    tg_machine m;
    cr_assert(tg_target_x86.machine(NULL, &m));
    x86_kernel *k = x86_open(exponentials, &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    bool requests = m.requests || (m.requests_far && m.stream_bytes > 0);
    cr_expect_eq(strstr(k->object.asm_text, "prefetcht0\t4096(") != NULL, requests);
    x86_close(k);
}

/* Squares of distances from a row's sum: the second of two passes, over rows that the first level holds by then. */
static const char twice[] = "func @twice(in %X: tensor<2 x f32>, out %Y: tensor<1 x f32>)\n"
                            "  axes { #i grid, #j local }\n"
                            "{\n"
                            "  %M = dim %X {d=0} : i64\n"
                            "  %N = dim %X {d=1} : i64\n"
                            "  %zero = const {value=0} : i64\n"
                            "  phase () {\n"
                            "    par %M, %zero, %M {axis=#i} () {\n"
                            "      axis %N, %zero, %N {axis=#j}\n"
                            "      %i = iota {axis=#i} : tile<#i x i64>\n"
                            "      %j = iota {axis=#j} : tile<#j x i64>\n"
                            "      %x = load %X, %i, %j : tile<#i, #j x f32>\n"
                            "      %s = reduce %x {over=(#j), fn=add} : tile<#i x f32>\n"
                            "      %d = sub %x, %s : tile<#i, #j x f32>\n"
                            "      %q = mul %d, %d : tile<#i, #j x f32>\n"
                            "      %t = reduce %q {over=(#j), fn=add} : tile<#i x f32>\n"
                            "      store %Y, %t, %i\n"
                            "    }\n"
                            "  }\n"
                            "}\n";

/* It requests the rows of the next block, on machines that gain from it. */
Test(x86, requests_rows) {
    tg_machine m;
    cr_assert(tg_target_x86.machine(NULL, &m));
    x86_kernel *k = x86_open(twice, &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    cr_expect_eq(strstr(k->object.asm_text, "prefetcht0") != NULL, m.requests_rows);
    x86_close(k);
}
