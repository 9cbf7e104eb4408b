/* Which schedule items hold for an instance and what they set. */
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <string.h>

static const char module[] =
    "kernel gemm<T: float>(in T A[M, K], in T B[K, const N], out T C[M, const N], const int "
    "mode = 0)\n"
    "{ grid (m in M, n in N) { wide(T) acc[m, n] = 0; for (k in K) acc += dot(A[m, k], B[k, "
    "n], k); C[m, n] = T(acc); } }\n"
    "schedule gemm { m = 8; n = 16; k = 4; }\n"
    "schedule gemm @ x86 { m = 32; pack(B) = true; }\n"
    "schedule gemm @ avx512 { m = 64; order = (n, m); reg(m) = 6; }\n"
    "schedule gemm @ avx512 when (T == bf16) { m = 128; raster = grouped(4); }\n"
    "schedule gemm when (N >= 100 && mode == 0) { k = 40; }\n"
    "schedule gemm @ x86 when (M > 7) { m = 1; }\n"
    "kernel two(in f32 X[N, D], out f32 Y[N, D]) {\n"
    "    first: grid (i in N, d in D) Y[i, d] = X[i, d];\n"
    "    second: grid (i in N) { axis d in D; Y[i, d] = X[i, d] - sum(X[i, d], d); }\n"
    "}\n"
    "schedule two { i = 4; second.i = 8; d#1 = 16; stages = 3; vector(d) = 8; }\n";

static int64_t block(const tg_func *f, const char *name, int ordinal) {
    for (uint32_t i = 0; i < f->axes.len; i++) {
        if (strcmp(f->axes.data[i]->name, name) == 0 && ordinal-- == 0) {
            return f->axes.data[i]->block;
        }
    }
    return -1;
}

static const tg_sched_item *item(const tg_func *f, const char *key, unsigned ordinal) {
    for (uint32_t i = 0; i < f->schedule.len; i++) {
        if (strcmp(f->schedule.data[i].key, key) == 0 && ordinal-- == 0) {
            return &f->schedule.data[i];
        }
    }
    return NULL;
}

static tg_func *make(loaded *l, const char *kernel, const tg_instance_spec *spec) {
    tg_func *f = tg_unit_instantiate(l->unit, tg_unit_find_kernel(l->unit, kernel), spec,
                                     l->arena, &l->diags);
    cr_assert_not_null(f, "%s", rendered(l));
    return f;
}

Test(schedule, the_most_specific_wins) {
    loaded l;
    load_text(&l, "m.dsl", module);
    cr_assert_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    const tg_machine avx512 = {.family = "x86", .arch = "avx512"},
                     avx2 = {.family = "x86", .arch = "avx2"};
    tg_dtype types[] = {TG_F32};
    tg_scalar consts[] = {{.dtype = TG_I64, .i = 64}, {.dtype = TG_I64, .i = 0}};
    tg_instance_spec spec = {.types = types, .consts = consts};
    tg_func *f = make(&l, "gemm", &spec);
    cr_expect(block(f, "m", 0) == 8 && block(f, "n", 0) == 16 && block(f, "k", 0) == 4);
    cr_expect_null(item(f, "pack", 0));
    spec.machine = &avx2;
    f = make(&l, "gemm", &spec);
    cr_expect(block(f, "m", 0) == 32 && block(f, "n", 0) == 16);
    cr_expect(item(f, "pack", 0) && strcmp(item(f, "pack", 0)->arg, "B") == 0 &&
              item(f, "pack", 0)->integer == 1);
    spec.machine = &avx512;
    f = make(&l, "gemm", &spec);
    cr_expect_eq(block(f, "m", 0), 64);
    const tg_sched_item *order = item(f, "order", 0), *reg = item(f, "reg", 0);
    cr_assert(order && order->n_names == 2 && strcmp(order->names[0], "n") == 0);
    cr_assert(reg && reg->n_axes == 1 && strcmp(reg->axes[0]->name, "m") == 0 &&
              reg->integer == 6);
    types[0] = TG_BF16;
    consts[0].i = 100;
    f = make(&l, "gemm", &spec);
    cr_expect(block(f, "m", 0) == 128 && block(f, "k", 0) == 40);
    const tg_sched_item *raster = item(f, "raster", 0);
    cr_assert(raster && raster->integer == 4 && strcmp(raster->names[0], "grouped") == 0);
    consts[1].i = 1;
    cr_expect_eq(block(make(&l, "gemm", &spec), "k", 0), 4);
    const struct tg_block_override forced[] = {{"m", 3}, {"nothing", 5}};
    spec.blocks = forced;
    spec.n_blocks = 2;
    cr_expect_eq(block(make(&l, "gemm", &spec), "m", 0), 3);
    unload(&l);
}

Test(schedule, phases_and_ordinals) {
    loaded l;
    load_text(&l, "m.dsl", module);
    tg_func *f = make(&l, "two", &(tg_instance_spec){0});
    cr_expect(block(f, "i", 0) == 4 && block(f, "i", 1) == 8);
    cr_expect(block(f, "d", 0) == 16 && block(f, "d", 1) == 0);
    cr_expect(item(f, "stages", 0) && item(f, "stages", 0)->integer == 3);
    cr_expect(item(f, "vector", 0) && item(f, "vector", 1) && !item(f, "vector", 2));
    unload(&l);
}

static const char *message_of(const char *schedule, char *out) {
    static const char kernel[] =
        "kernel k(in f32 X[M, N], out f32 Y[M], out f32 Z[M]) {\n"
        "    grid (i in M) {\n"
        "        axis c in 4;\n"
        "        f32 a[i] = 0, m[i] = -inf;\n"
        "        for (j in N) { a += sum(X[i, j], j); m max= max(X[i, j], j); }\n"
        "        f32 p[i] = 0;\n"
        "        for (t in N) p = p * 0.5 + sum(X[i, t], t);\n"
        "        f32 q[i] = 0;\n"
        "        for (u in N) q = (q + sum(X[i, u], u)) * 0.5;\n"
        "        Y[i] = a + m + q;\n"
        "        Z[i] = p + sum(f32(c), c);\n"
        "    }\n"
        "}\n";
    loaded l;
    char text[2048];
    strcpy(text, kernel);
    strcat(text, schedule);
    load_text(&l, "m.dsl", text);
    *out = 0;
    for (uint32_t i = 0; i < l.diags.list.len && !*out; i++) { /* that p and q depend on the block is a warning */
        const tg_diag *d = l.diags.list.data[i];
        strcpy(out, tg_diag_severity(d->code) == TG_SEV_ERROR ? d->message : "");
    }
    unload(&l);
    return out;
}

Test(schedule, only_accumulations_are_split) {
    char got[512];
    cr_expect_str_eq(message_of("schedule k { split(j) = 2; }", got), "");
    cr_expect(strstr(message_of("schedule k { split(t) = 2; }", got), "'p' is carried"), "%s",
              got);
    cr_expect(strstr(message_of("schedule k { split(u) = 2; }", got), "'q' is carried"), "%s",
              got); /* two associative operations are no accumulation */
    cr_expect(strstr(message_of("schedule k { split(i) = 2; }", got), "grid axis"), "%s", got);
    cr_expect_str_eq(message_of("schedule k { split(t) = 1; }", got), "");
    cr_expect(strstr(message_of("schedule k { c = 2; }", got), "no block size"), "%s", got);
    cr_expect_str_eq(
        message_of("tune k { i, j in {1, 2}; require i * j < 100; bucket M pow2, N; }", got),
        "");
}
