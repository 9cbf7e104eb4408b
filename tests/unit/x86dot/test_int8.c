/* Products of 8-bit integers, bit for bit against a plain loop: all small sizes around what tiles and groups hold, operands full of the
 * extreme values, all four combinations of signs. Code for processors with dot products of bytes is run here too, if need be with a
 * portable function in place of the instruction. */
#include "base/cpu.h"
#include "tests/support/guarded.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/LLJIT.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[4096];

static void write_product(const char *ta, const char *tb, bool b_transposed) {
    const char *sum = ta[0] == 'u' && tb[0] == 'u' ? "u32" : "i32";
    snprintf(text, sizeof text,
             "func @p(in %%A: tensor<2 x %s>, in %%B: tensor<2 x %s>, out %%C: tensor<2 x %s>)\n  axes { #m grid, #n grid, #k local }\n{\n"
             "%%zero = const {value=0} : i64\n%%M = dim %%A {d=0} : i64\n%%K = dim %%A {d=1} : i64\n%%N = dim %%C {d=1} : i64\n"
             "phase {name=\"main\"} () {\npar %%M, %%zero, %%M {axis=#m} () {\npar %%N, %%zero, %%N {axis=#n} () {\n"
             "axis %%K, %%zero, %%K {axis=#k}\n%%i = iota {axis=#m} : tile<#m x i64>\n%%j = iota {axis=#n} : tile<#n x i64>\n"
             "%%l = iota {axis=#k} : tile<#k x i64>\n%%a = load %%A, %%i, %%l : tile<#m, #k x %s>\n"
             "%%b = load %%B, %s : tile<#n, #k x %s>\n"
             "%%d = dot %%a, %%b {over=(#k), precision=ieee} : tile<#m, #n x %s>\nstore %%C, %%d, %%i, %%j\n}\n}\n}\n}\n",
             ta, tb, sum, ta, b_transposed ? "%j, %l" : "%l, %j", tb, sum);
}

/* ---- the instruction in portable form ------------------------------------------------------------------------ */

static const char quads[] =
    "define internal <8 x i32> @quads(<8 x i32> %s, <32 x i8> %u, <32 x i8> %i) {\n"
    "  %a = zext <32 x i8> %u to <32 x i32>\n  %b = sext <32 x i8> %i to <32 x i32>\n  %p = mul <32 x i32> %a, %b\n"
    "  %p0 = shufflevector <32 x i32> %p, <32 x i32> poison, <8 x i32> <i32 0, i32 4, i32 8, i32 12, i32 16, i32 20, i32 24, i32 28>\n"
    "  %p1 = shufflevector <32 x i32> %p, <32 x i32> poison, <8 x i32> <i32 1, i32 5, i32 9, i32 13, i32 17, i32 21, i32 25, i32 29>\n"
    "  %p2 = shufflevector <32 x i32> %p, <32 x i32> poison, <8 x i32> <i32 2, i32 6, i32 10, i32 14, i32 18, i32 22, i32 26, i32 30>\n"
    "  %p3 = shufflevector <32 x i32> %p, <32 x i32> poison, <8 x i32> <i32 3, i32 7, i32 11, i32 15, i32 19, i32 23, i32 27, i32 31>\n"
    "  %s0 = add <8 x i32> %p0, %p1\n  %s1 = add <8 x i32> %p2, %p3\n  %s2 = add <8 x i32> %s0, %s1\n"
    "  %r = add <8 x i32> %s, %s2\n  ret <8 x i32> %r\n}\n";

/* `from` with calls of the intrinsic made calls of @quads, and that appended; malloc. */
static char *without_instruction(const char *from) {
    static const char name[] = "@llvm.x86.avx512.vpdpbusd.256";
    char *to = malloc(strlen(from) + sizeof quads), *out = to;
    while (*from) {
        size_t line = strcspn(from, "\n") + 1;
        const char *at = strstr(from, name);
        bool here = at && at < from + line;
        if (here && strncmp(from, "declare", 7) != 0) {
            out += sprintf(out, "%.*s@quads", (int)(at - from), from);
            line -= (size_t)(at - from) + sizeof name - 1;
            from = at + sizeof name - 1;
        }
        if (!here || strncmp(from, "declare", 7) != 0) {
            memcpy(out, from, line);
            out += line;
        }
        from += line;
    }
    memcpy(out, quads, sizeof quads);
    return to;
}

static void load_portable(x86_kernel *k, LLVMOrcLLJITRef *jit) {
    char *ir = without_instruction(k->object.llvm_text), *message = NULL;
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = NULL;
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(ir, strlen(ir), "text");
    cr_assert(!LLVMParseIRInContext(context, buffer, &module, &message), "%s", message);
    free(ir);
    LLVMOrcThreadSafeContextRef safe = LLVMOrcCreateNewThreadSafeContextFromLLVMContext(context);
    LLVMOrcThreadSafeModuleRef m = LLVMOrcCreateNewThreadSafeModule(module, safe);
    LLVMOrcDisposeThreadSafeContext(safe);
    cr_assert(!LLVMOrcCreateLLJIT(jit, NULL));
    LLVMOrcJITDylibRef lib = LLVMOrcLLJITGetMainJITDylib(*jit);
    LLVMOrcDefinitionGeneratorRef process = NULL;
    cr_assert(!LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, LLVMOrcLLJITGetGlobalPrefix(*jit), NULL, NULL));
    LLVMOrcJITDylibAddGenerator(lib, process);
    cr_assert(!LLVMOrcLLJITAddLLVMIRModule(*jit, lib, m));
    LLVMOrcExecutorAddress at = 0;
    LLVMErrorRef e = LLVMOrcLLJITLookup(*jit, &at, k->object.entry);
    cr_assert(!e, "%s", e ? LLVMGetErrorMessage(e) : "");
    k->entry = (tg_entry_fn)(uintptr_t)at;
}

/* ---- the check ------------------------------------------------------------------------------------------------- */

enum { SIZE_A = 1 << 15, SIZE_B = 1 << 19, SIZE_C = 1 << 15 };

typedef struct operands {
    uint8_t *a, *b;
    int32_t *c;
    bool a_signed, b_signed, b_transposed;
} operands;

static uint32_t state = 12345;

static void fill(uint8_t *p, size_t n) {
    static const uint8_t extreme[] = {0x80, 0x81, 0xff, 0x00, 0x01, 0x7f};
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        p[i] = state >> 30 ? extreme[(state >> 16) % sizeof extreme] : (uint8_t)(state >> 8);
    }
}

static int32_t value(uint8_t v, bool is_signed) {
    return is_signed ? (int8_t)v : v;
}

/* Operands lie at the very end of their storage, so that a read behind them faults. */
static void check(const x86_kernel *k, const operands *o, int m, int n, int depth, const char *what) {
    size_t na = (size_t)m * (size_t)depth, nb = (size_t)depth * (size_t)n;
    uint8_t *a = o->a + SIZE_A - na, *b = o->b + SIZE_B - nb;
    fill(a, na), fill(b, nb);
    memset(o->c, 0x55, SIZE_C);
    tg_tensor_arg ta = x86_matrix(a, m, depth), tc = x86_matrix(o->c, m, n);
    tg_tensor_arg tb = o->b_transposed ? x86_matrix(b, n, depth) : x86_matrix(b, depth, n);
    const void *args[] = {&ta, &tb, &tc};
    cr_assert_eq(x86_launch(k, args), 0);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            uint32_t sum = 0; /* wraps, as i32 does */
            for (int l = 0; l < depth; l++) {
                size_t at = o->b_transposed ? (size_t)j * (size_t)depth + (size_t)l : (size_t)l * (size_t)n + (size_t)j;
                sum += (uint32_t)(value(a[i * depth + l], o->a_signed) * value(b[at], o->b_signed));
            }
            cr_assert_eq(o->c[i * n + j], (int32_t)sum, "%s: %d x %d x %d at %d, %d: %d, not %d", what, m, n, depth, i, j, o->c[i * n + j],
                         (int32_t)sum);
        }
    }
    cr_assert_eq(o->c[m * n], 0x55555555, "%s: %d x %d x %d writes behind C", what, m, n, depth);
}

static void check_sizes(const x86_kernel *k, const operands *o, const char *what) {
    static const int ms[] = {0, 1, 2, 5, 6, 7, 12, 13}, ns[] = {1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 64, 65},
                     ks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67};
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        for (size_t j = 0; j < sizeof ns / sizeof *ns; j++) {
            for (size_t l = 0; l < sizeof ks / sizeof *ks; l++) {
                check(k, o, ms[i], ns[j], ks[l], what);
            }
        }
    }
    static const int few[] = {1, 4, 5, 10, 11}; /* tiles of one, four and six rows, of which one or none is left, of six and two */
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) { /* columns that stream by: the last part, slice and group are not whole */
        check(k, o, few[i], 331, 1201, what);
        check(k, o, few[i], 200, 2113, what);
    }
}

static void check_arch(const char *arch, bool portable) {
    operands o = {guarded_new(SIZE_A), guarded_new(SIZE_B), guarded_new(SIZE_C), false, false, false};
    for (int c = 0; c < 8; c++) {
        char what[64];
        o.a_signed = c & 1, o.b_signed = c & 2, o.b_transposed = c & 4;
        snprintf(what, sizeof what, "%s %s by %s%s", arch ? arch : "native", o.a_signed ? "i8" : "u8", o.b_signed ? "i8" : "u8",
                 o.b_transposed ? " transposed" : "");
        write_product(o.a_signed ? "i8" : "u8", o.b_signed ? "i8" : "u8", o.b_transposed);
        x86_options options = {.arch = arch, .emit = TG_EMIT_LLVM};
        x86_kernel *k = x86_open(text, &options);
        cr_assert(!k->error, "%s", k->error);
        LLVMOrcLLJITRef jit = NULL;
        if (portable) {
            cr_assert(strstr(k->object.llvm_text, "vpdpbusd"));
            load_portable(k, &jit);
        }
        check_sizes(k, &o, what);
        if (jit) {
            LLVMOrcDisposeLLJIT(jit);
        }
        x86_close(k);
    }
    guarded_free(o.a, SIZE_A), guarded_free(o.b, SIZE_B), guarded_free(o.c, SIZE_C);
}

Test(int8, native) {
    check_arch(NULL, false);
}

Test(int8, pairs) {
    if (!tg_cpu_runs("avx2")) {
        cr_skip("this processor has no AVX2");
    }
    check_arch("avx2", false);
}

Test(int8, quads) {
    check_arch("avx2vnni", true);
}

/* ---- instructions ---------------------------------------------------------------------------------------------- */

static int count(const char *assembly, const char *mnemonic, const char *registers) {
    int n = 0;
    for (const char *at = assembly; (at = strstr(at, mnemonic)); at++) {
        size_t line = strcspn(at, "\n");
        const char *r = strstr(at, registers);
        n += r && r < at + line;
    }
    return n;
}

/* In the function of few rows. */
static int count_in_row(const char *assembly, const char *mnemonic) {
    const char *row = strstr(assembly, "stream_row:"), *end = row ? strstr(row, "\t.size\t") : NULL;
    cr_assert(end);
    return count(row, mnemonic, "") - count(end, mnemonic, "");
}

/* Without the function of a single row, which waits for memory: it multiplies words as they come, and packs nothing. */
static int count_in_tiles(const char *assembly, const char *mnemonic) {
    return count(assembly, mnemonic, "") - count_in_row(assembly, mnemonic);
}

Test(int8, instructions) {
    static const struct {
        const char *arch, *mnemonic, *registers, *absent;
        int tile; /* instructions of a whole tile */
    } levels[] = {{"avx2", "vpmaddwd", "%ymm", "vpmulld", 12},
                  {"avx2vnni", "vpdpbusd", "%ymm", "vpmulld", 12},
                  {"avx512", "vpmaddwd", "%zmm", "vpmulld", 24},
                  {"avx512vnni", "vpdpbusd", "%zmm", "vpmulld", 24}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        write_product("i8", "i8", false);
        x86_options options = {.arch = levels[i].arch, .emit = TG_EMIT_ASM};
        x86_kernel *k = x86_open(text, &options);
        cr_assert(!k->error, "%s", k->error);
        cr_expect_geq(count(k->object.asm_text, levels[i].mnemonic, levels[i].registers), levels[i].tile, "%s", levels[i].arch);
        cr_expect_eq(count_in_tiles(k->object.asm_text, levels[i].absent), 0, "%s", levels[i].arch);
        cr_expect_eq(count(k->object.asm_text, "vpmaddubsw", ""), 0, "saturates: %s", levels[i].arch);
        x86_close(k);
    }
}

/* Columns that lie along the reduction are read in vectors of groups and transposed. */
Test(int8, along) {
    static const char *const archs[] = {"avx2", "avx512vnni"};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        write_product("i8", "i8", true);
        x86_options options = {.arch = archs[i], .emit = TG_EMIT_ASM};
        x86_kernel *k = x86_open(text, &options);
        cr_assert(!k->error, "%s", k->error);
        int words = count(k->object.asm_text, "vpunpckldq", "") + count(k->object.asm_text, "vunpcklps", "");
        cr_expect_gt(words, 0, "%s", archs[i]);
        x86_close(k);
    }
}

/* Few rows multiply such columns as they lie: nothing is transposed. */
Test(int8, few_rows_along) {
    static const struct {
        const char *arch, *mnemonic;
        int least; /* of tiles of one row by four or eight columns, of four by two or four, of eight by three */
    } levels[] = {{"avx2", "vpmaddwd", 4 + 8}, {"avx512vnni", "vpdpbusd", 8 + 16 + 24}};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        write_product("u8", "i8", true);
        x86_options options = {.arch = levels[i].arch, .emit = TG_EMIT_ASM};
        x86_kernel *k = x86_open(text, &options);
        cr_assert(!k->error, "%s", k->error);
        cr_expect_geq(count_in_row(k->object.asm_text, levels[i].mnemonic), levels[i].least, "%s", levels[i].arch);
        cr_expect_eq(count_in_row(k->object.asm_text, "unpck"), 0, "%s", levels[i].arch);
        x86_close(k);
    }
}
