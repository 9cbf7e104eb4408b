/* Every elementwise operation for every dtype, as a tile of several lengths (vector tails) and as a scalar: interpreter,
 * baseline and optimised code must agree. Also every conversion, and loads and stores of every dtype with every kind of
 * stride. Operations come from ops.def. Arguments: part of a name to select (optional). */
#include "tests/diff/case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 12, TEXT = 1 << 16 };

static const int64_t lengths[] = {100, 0, 1, 15, 16, 17};
static int n_cases, n_failed, n_refused;

static const char *filter;

/* ---- text ---------------------------------------------------------------------------------------------- */

typedef struct job {
    tg_dtype in, third, out[GROUP];
    char line[GROUP][160]; /* `%%r = …` with x, y, z for the operands and T for the axes */
    uint32_t n;
} job;

__attribute__((format(printf, 2, 3))) static void add_text(char *out, const char *fmt, ...) {
    va_list args;
    size_t n = strlen(out);
    va_start(args, fmt);
    vsnprintf(out + n, TEXT - n, fmt, args);
    va_end(args);
}

static void print_head(char *out, const job *j, int64_t length, uint64_t seed, int64_t stride) {
    static const char *const names[] = {"X", "Y", "Z"};
    char *at = out + strlen(out);
    for (int i = 0; i < 3; i++) {
        at += sprintf(at, "// arg %s tensor %llu 0 %lld %lld shape %lld stride %lld\n",
                      names[i], (unsigned long long)(seed * 3 + (uint64_t)i),
                      stride < 0 ? (long long)(-stride * length) : 0LL,
                      (long long)(llabs(stride) * length + 8), (long long)length,
                      (long long)stride);
    }
    for (uint32_t k = 0; k < j->n; k++) {
        at += sprintf(at, "// arg O%u tensor 1 1 0 %lld shape %lld stride 1\n", k,
                      (long long)length + 8, (long long)length);
        at += sprintf(at, "// arg S%u tensor 1 1 0 8 shape 1 stride 1\n", k);
    }
}

/* Replaces x, y, z behind '%' and "T" by names and a type prefix. */
static void print_line(char *out, const char *line, const char *prefix, const char *axes,
                       uint32_t k) {
    char *at = out + strlen(out);
    at += sprintf(at, "      %%%sr%u = ", prefix, k);
    for (const char *s = line; *s; s++) {
        if (*s == '%') {
            at += sprintf(at, "%%%s%c", prefix, *++s);
        } else if (*s == '@') {
            at += sprintf(at, "%s", axes);
        } else if (*s == '$') {
            at += sprintf(at, "%s", *axes ? ">" : "");
        } else {
            *at++ = *s;
        }
    }
    strcpy(at, "\n");
}

static void print_body(char *out, const job *j) {
    const char *in = tg_dtype_name(j->in), *third = tg_dtype_name(j->third);
    add_text(out,
             "func @ops(in %%X: tensor<1 x %s>, in %%Y: tensor<1 x %s>, in %%Z: tensor<1 x %s>",
             in, in, third);
    for (uint32_t k = 0; k < j->n; k++) {
        add_text(out, ", out %%O%u: tensor<1 x %s>", k, tg_dtype_name(j->out[k]));
        add_text(out, ", out %%S%u: tensor<1 x %s>", k, tg_dtype_name(j->out[k]));
    }
    add_text(
        out,
        ")\n  axes { #i grid }\n{\n  %%zero = const {value=0} : i64\n  %%one = const {value=1} "
        ": i64\n"
        "  %%N = dim %%X {d=0} : i64\n  phase () {\n    par %%N, %%zero, %%N {axis=#i} () {\n"
        "      %%i = iota {axis=#i} : tile<#i x i64>\n      %%tx = load %%X, %%i : tile<#i x "
        "%s>\n"
        "      %%ty = load %%Y, %%i : tile<#i x %s>\n      %%tz = load %%Z, %%i : tile<#i x "
        "%s>\n",
        in, in, third);
    for (uint32_t k = 0; k < j->n; k++) {
        print_line(out, j->line[k], "t", "tile<#i x ", k);
        add_text(out, "      store %%O%u, %%tr%u, %%i\n", k, k);
    }
    add_text(out,
             "    }\n  }\n  phase () {\n    par %%one, %%zero, %%one (%%g: i64) {\n      %%sx "
             "= load %%X, %%g : %s\n"
             "      %%sy = load %%Y, %%g : %s\n      %%sz = load %%Z, %%g : %s\n",
             in, in, third);
    for (uint32_t k = 0; k < j->n; k++) {
        print_line(out, j->line[k], "s", "", k);
        add_text(out, "      store %%S%u, %%sr%u, %%g\n", k, k);
    }
    add_text(out, "    }\n  }\n}\n");
}

static void run_group(job *j, const char *what) {
    static char text[TEXT];
    static const int64_t strides[] = {1, 1, -1, 2, 3, 0};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths && j->n; i++) {
        text[0] = 0;
        int64_t stride = tg_dtype_bits(j->in) < 8 ? 1 : strides[i];
        print_head(text, j, lengths[i], (uint64_t)n_cases, stride);
        print_body(text, j);
        diff_outcome o;
        diff_case_run(text, DIFF_X86, &o);
        n_cases++;
        n_refused += o.unsupported;
        n_failed += o.failed;
        if (o.failed || (o.unsupported && i == 0)) {
            printf("%s of %s, length %lld: %s: %s\n", what, tg_dtype_name(j->in),
                   (long long)lengths[i], o.stage, o.text);
            for (uint32_t k = 0; k < j->n && o.failed; k++) {
                printf("    %u: %s\n", k, j->line[k]);
            }
            fflush(stdout);
        }
    }
    j->n = 0;
}

/* ---- operations ----------------------------------------------------------------------------------------------- */

static bool is_complex(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}

static bool takes(tg_opcode op, char letter, tg_dtype t) {
    bool bits = op == TG_OP_AND || op == TG_OP_OR || op == TG_OP_XOR || op == TG_OP_NOT;
    bool ordered = op == TG_OP_ABS || op == TG_OP_SIGN || op == TG_OP_MIN || op == TG_OP_MAX;
    if (op == TG_OP_BYTE_PERM) {
        return t == TG_U32;
    }
    if (bits) {
        return t == TG_BOOL || tg_dtype_is_int(t);
    }
    return letter == 'f'   ? tg_dtype_is_float(t)
           : letter == 'i' ? tg_dtype_is_int(t)
           : letter == 'n' ? (t != TG_BOOL || op == TG_OP_CMP) && !(ordered && is_complex(t))
                           : false;
}

static void flush(job *j, const char *what) {
    if (j->n == GROUP) {
        run_group(j, what);
    }
}

/* A third operand, or the count of a shift, has another dtype than the first where its letter is not `=`. */
static void add_op(job *j, tg_opcode op, tg_dtype t, const char *pred) {
    const tg_op_info *info = tg_op_info_of(op);
    bool truth = strcmp(info->results, "bool") == 0;
    size_t n = (strlen(info->operands) + 1) / 2;
    const char *second = n > 1 ? info->operands[2] == '=' ? ", %y" : ", %z" : "";
    j->out[j->n] = truth ? TG_BOOL : t;
    snprintf(j->line[j->n++], sizeof j->line[0], "%s %%x%s%s%s : @%s$", info->mnemonic, second,
             n > 2 ? ", %z" : "", pred, tg_dtype_name(truth ? TG_BOOL : t));
    flush(j, "operations");
}

static void run_operations(tg_dtype t) {
    job j = {.in = t, .third = t};
    for (tg_opcode op = TG_OP_ADD; op < TG_OP_BROADCAST; op++) {
        const char *results = tg_op_info_of(op)->results;
        bool plain = strcmp(results, "same") == 0 || strcmp(results, "bool") == 0;
        if (!plain || !takes(op, tg_op_info_of(op)->operands[0], t) ||
            (filter && !strstr(tg_op_info_of(op)->mnemonic, filter))) {
            continue;
        }
        static const char *const preds[] = {" {pred=eq}", " {pred=ne}", " {pred=lt}",
                                            " {pred=le}", " {pred=gt}", " {pred=ge}"};
        for (int k = 0; k < (op != TG_OP_CMP ? 1 : is_complex(t) ? 2 : 6); k++) {
            add_op(&j, op, t, op == TG_OP_CMP ? preds[k] : "");
        }
    }
    run_group(&j, "operations");
}

static void run_conversions(tg_dtype from) {
    job j = {.in = from, .third = from};
    for (tg_dtype to = TG_BOOL; to <= TG_C64 && (!filter || strstr("cast", filter)); to++) {
        if (to == from || (is_complex(from) && !is_complex(to)) || tg_dtype_bits(to) < 8) {
            continue;
        }
        j.out[j.n] = to;
        snprintf(j.line[j.n++], sizeof j.line[0], "cast %%x : @%s$", tg_dtype_name(to));
        flush(&j, "conversions");
    }
    run_group(&j, "conversions");
    for (tg_dtype to = TG_I8; to <= TG_F64 && (!filter || strstr("bitcast", filter)); to++) {
        bool numbers = from != TG_BOOL && !is_complex(from) && !tg_dtype_is_storage(from) &&
                       !tg_dtype_is_storage(to);
        if (numbers && to != from && tg_dtype_bits(to) == tg_dtype_bits(from)) {
            j.out[j.n] = to;
            snprintf(j.line[j.n++], sizeof j.line[0], "bitcast %%x : @%s$", tg_dtype_name(to));
        }
    }
    run_group(&j, "bit casts");
}

int main(int argc, char **argv) {
    filter = argc > 1 ? argv[1] : NULL;
    for (tg_dtype t = TG_BOOL; t <= TG_C64; t++) {
        if (!tg_dtype_is_storage(t)) {
            run_operations(t);
        }
        run_conversions(t);
    }
    printf("%d cases, %d failed, %d refused by the target\n", n_cases, n_failed, n_refused);
    return n_failed != 0;
}
