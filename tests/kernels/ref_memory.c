/* References of kernels that take addresses: the results lie in memory that no tensor describes, so each run is checked
 * by a `finish`. See kernels.h. */
#include "base/dtype.h"
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

/* ---- raw: q[i] = p[i, 0] + p[i, 1] with rows ld apart ------------------------------------ */

void prepare_raw(kcase *c) {
    int64_t n = kd(c, "n"), ld = kd(c, "ld");
    float *p = calloc((size_t)(n * ld) + 2, sizeof *p), *q = calloc((size_t)n + 1, sizeof *q);
    for (int64_t i = 0; i < n * ld + 2; i++) {
        p[i] = (float)krandom(c, -1, 1);
    }
    c->memory[0] = p;
    c->memory[1] = q;
    kpointer(c, "p", p);
    kpointer(c, "q", q);
}

void ref_raw(kcase *c) {
    (void)c;
}

void finish_raw(kcase *c) {
    const float *p = c->memory[0];
    float *q = c->memory[1];
    for (int64_t i = 0; i < kd(c, "n"); i++) {
        float expected = p[i * kd(c, "ld")] + p[i * kd(c, "ld") + 1];
        if (q[i] != expected) {
            kcase_fail(c, "q[%lld] is %.9g, not %.9g", (long long)i, (double)q[i],
                       (double)expected);
        }
        q[i] = -9;
    }
}

/* ---- grouped_gemm: matrices of f16, rows ld apart ---------------------------------------- */

static uint16_t *matrix(kcase *c, const char *name, int64_t g, int64_t rows, int64_t ld,
                        void **slot, size_t offset) {
    size_t n = (size_t)(rows * ld) + 1;
    uint16_t *all = *slot ? *slot : calloc(65536, sizeof *all);
    *slot = all;
    for (size_t i = 0; i < n; i++) {
        all[offset + i] = tg_f32_to_f16((float)krandom(c, -1, 1));
    }
    kt(c, name)[g] = (double)(uintptr_t)(all + offset);
    return all + offset;
}

void prepare_grouped_gemm(kcase *c) {
    size_t at[3] = {0};
    for (int64_t g = 0; g < kd(c, "G"); g++) {
        double *size = kt(c, "size") + g * 3, *ld = kt(c, "ld") + g * 3;
        size[0] = (double)krandint(c, 0, kd(c, "maxm"));
        size[1] = (double)krandint(c, 1, kd(c, "maxn"));
        size[2] = (double)krandint(c, 0, 20);
        ld[0] = size[2] + 1;
        ld[1] = size[1];
        ld[2] = size[1] + 2;
        (void)matrix(c, "pa", g, (int64_t)size[0], (int64_t)ld[0], &c->memory[0], at[0]);
        (void)matrix(c, "pb", g, (int64_t)size[2], (int64_t)ld[1], &c->memory[1], at[1]);
        (void)matrix(c, "pc", g, (int64_t)size[0], (int64_t)ld[2], &c->memory[2], at[2]);
        at[0] += (size_t)(size[0] * ld[0]) + 1;
        at[1] += (size_t)(size[2] * ld[1]) + 1;
        at[2] += (size_t)(size[0] * ld[2]) + 1;
    }
}

void ref_grouped_gemm(kcase *c) {
    (void)c;
}

static uint16_t *address(double v) {
    return (uint16_t *)(uintptr_t)v; /* NOLINT: what the kernel does too */
}

/* |error| <= half a unit in f16 and k units in f32 of the sum of magnitudes. */
static void check_group(kcase *c, int64_t g) {
    const double *size = kt(c, "size") + g * 3, *ld = kt(c, "ld") + g * 3;
    const uint16_t *a = address(kt(c, "pa")[g]), *b = address(kt(c, "pb")[g]);
    uint16_t *y = address(kt(c, "pc")[g]);
    for (int64_t at = 0; at < (int64_t)(size[0] * size[1]); at++) {
        int64_t i = at / (int64_t)size[1], j = at % (int64_t)size[1];
        double s = 0, mass = 0;
        for (int64_t k = 0; k < (int64_t)size[2]; k++) {
            double term = (double)tg_f16_to_f32(a[i * (int64_t)ld[0] + k]) *
                          (double)tg_f16_to_f32(b[k * (int64_t)ld[1] + j]);
            s += term;
            mass += fabs(term);
        }
        uint16_t *out = y + i * (int64_t)ld[2] + j;
        double got = (double)tg_f16_to_f32(*out),
               bound = ldexp(fabs(s), -11) + ldexp(mass * size[2], -24) + 0x1p-25;
        if (!(fabs(got - s) <= bound)) {
            kcase_fail(c, "group %lld [%lld, %lld] is %.9g, not %.9g +- %.3g", (long long)g,
                       (long long)i, (long long)j, got, s, bound);
        }
        *out = 0x7e00; /* NaN until the next run */
    }
}

void finish_grouped_gemm(kcase *c) {
    for (int64_t g = 0; g < kd(c, "G"); g++) {
        check_group(c, g);
    }
}
