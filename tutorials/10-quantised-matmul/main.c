/* Matrix products of quantised operands: 8-bit with a scale per row and column, 4-bit weights with a scale per group. */
#include "tutorial.h"

enum { M = 37, N = 45, K = 200, G = 32, KG = (K + G - 1) / G };

static tg_tensor *create(const tutorial *t, tg_dtype dtype, int64_t rows, int64_t columns)
{
    tg_tensor *x = tg_tensor_create(t->context, dtype, columns ? 2 : 1, (int64_t[]){rows, columns});
    NEED(t->context, x);
    return x;
}

static const int8_t *bytes(const tg_tensor *x) { return (const int8_t *)tg_tensor_data(x); }

/* Both operands are quantised along k, so the columns of B are the rows of its transposed view. */
static int run_i8(const tutorial *t, const tg_tensor *a, const tg_tensor *b)
{
    tg_kernel *quantise = tg_module_kernel(t->module, "quantise_rows"), *matmul = tg_module_kernel(t->module, "matmul_i8");
    tg_tensor *qa = create(t, TG_I8, M, K), *qb = create(t, TG_I8, N, K), *sa = create(t, TG_F32, M, 0), *sb = create(t, TG_F32, N, 0);
    tg_tensor *c = create(t, TG_F32, M, N);
    tg_tensor *rows_of_b = tg_tensor_permute(b, (uint32_t[]){1, 0}), *qb_view = tg_tensor_permute(qb, (uint32_t[]){1, 0});
    CHECK(t->context, tg_launch(quantise, TG_ARGS(a, qa, sa)));
    CHECK(t->context, tg_launch(quantise, TG_ARGS(rows_of_b, qb, sb)));
    CHECK(t->context, tg_launch(matmul, TG_ARGS(qa, qb_view, sa, sb, c)));

    double worst = 0, exact = 0, bound = 0;
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            long long sum = 0;
            double real = 0, x = floats(sa)[m], y = floats(sb)[n], most = 0;
            for (int k = 0; k < K; k++) {
                double p = floats(a)[m * K + k], q = floats(b)[k * N + n];
                sum += bytes(qa)[m * K + k] * bytes(qb)[n * K + k];
                real += p * q;
                /* p and q are off by half a step each, and a little for the division's rounding */
                most += fabs(p) * y / 2 + fabs(q) * x / 2 + x * y / 4;
            }
            double got = floats(c)[m * N + n];
            exact = fmax(exact, fabs(got - (double)sum * x * y) / fmax(fabs((double)sum * x * y), 1e-30));
            /* f32 divides: up to 127 steps are off by 2^-24 of it, 2^-16 of half a step, for p and for q; the result is
             * rounded 3 times */
            worst = fmax(worst, fabs(got - real) - most * (1 + 0x1p-14) - 3 * 0x1p-24 * (fabs(real) + 2 * most));
            bound = fmax(bound, most);
        }
    printf("i8: the largest error that quantisation allows is %.3g\n", bound);
    int result = tutorial_report("i8 against integers, relative", exact, 3 * 0x1p-24); /* conversion, two products */
    result |= tutorial_report("i8 against floats, beyond what quantisation allows", worst, 0);
    tg_tensor *all[] = {qa, qb, sa, sb, c, rows_of_b, qb_view};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    return result;
}

/* Two weights per byte, the first in the low half. K is even, so rows start at whole bytes. */
static void put_nibble(tg_tensor *w, int64_t row, int64_t columns, int64_t column, unsigned v)
{
    uint8_t *p = (uint8_t *)tg_tensor_data(w) + row * ((columns + 1) / 2) + column / 2;
    *p = (uint8_t)(column % 2 ? (*p & 15u) | v << 4 : (*p & 240u) | v);
}

/* Group by group: 16 levels from the least to the greatest weight; the level of 0 is the zero point. Returns what the
 * kernel will make of weight (n, k). */
static double quantise_group(const tg_tensor *b, int n, int g, tg_tensor *w, tg_tensor *s, tg_tensor *z, double *back)
{
    double low = 0, high = 0;
    int end = (g + 1) * G < K ? (g + 1) * G : K;
    for (int k = g * G; k < end; k++) {
        low = fmin(low, floats(b)[k * N + n]);
        high = fmax(high, floats(b)[k * N + n]);
    }
    float step = (float)((high - low) / 15);
    unsigned zero = (unsigned)lrint(-low / step);
    floats(s)[n * KG + g] = step;
    put_nibble(z, n, KG, g, zero);
    for (int k = g * G; k < end; k++) {
        long q = lrint(floats(b)[k * N + n] / step) + (long)zero;
        q = q < 0 ? 0 : q > 15 ? 15 : q;
        put_nibble(w, n, K, k, (unsigned)q);
        back[n * K + k] = ((double)q - zero) * step;
    }
    return step;
}

static int run_w4(const tutorial *t, const tg_tensor *a, const tg_tensor *b)
{
    tg_kernel *matmul = tg_module_kernel(t->module, "matmul_w4");
    tg_tensor *w = create(t, TG_U4, N, K), *s = create(t, TG_F32, N, KG), *z = create(t, TG_U4, N, KG), *c = create(t, TG_F32, M, N);
    double *back = malloc(sizeof *back * N * K), step = 0, worst = 0;
    NEED(t->context, back);
    for (int n = 0; n < N; n++)
        for (int g = 0; g < KG; g++)
            step = fmax(step, quantise_group(b, n, g, w, s, z, back));
    CHECK(t->context, tg_launch(matmul, TG_ARGS(a, w, s, z, c)));
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double want = 0, size = 0;
            for (int k = 0; k < K; k++) {
                want += (double)floats(a)[m * K + k] * back[n * K + k];
                size += fabs((double)floats(a)[m * K + k] * back[n * K + k]);
            }
            worst = fmax(worst, fabs((double)floats(c)[m * N + n] - want) / fmax(size, 1e-30));
        }
    printf("w4: the largest step between levels is %.3g\n", step);
    int result = tutorial_report("w4 against the dequantised weights, relative to the sum of sizes", worst,
                                 (K + 2) * 0x1p-24); /* one rounding of the weight, the sum of K products */
    tg_tensor *all[] = {w, s, z, c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    free(back);
    return result;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/quantised.dsl");
    tg_tensor *a = tutorial_random(t.context, 2, (int64_t[]){M, K}, 1), *b = tutorial_random(t.context, 2, (int64_t[]){K, N}, 2);
    int result = run_i8(&t, a, b) | run_w4(&t, a, b);
    tg_tensor_release(a);
    tg_tensor_release(b);
    tutorial_close(&t);
    return result;
}
