/* Causal grouped-query attention against the two-step definition in f64. */
#include "tutorial.h"

enum { B = 2, H = 4, G = 2, S = 75, L = 90, D = 32 };

static const float *at(const tg_tensor *x, int b, int h, int s, int heads, int length)
{
    return floats(x) + (((int64_t)b * heads + h) * length + s) * D;
}

/* One row of the result; also log-sum-exp. */
static double row(const tg_tensor *q, const tg_tensor *k, const tg_tensor *v, int b, int h, int i, double scale, double *out)
{
    int g = h * G / H, n = i + (L - S) + 1;
    double s[L], top = -INFINITY, sum = 0;
    for (int j = 0; j < n; j++) {
        s[j] = 0;
        for (int d = 0; d < D; d++)
            s[j] += (double)at(q, b, h, i, H, S)[d] * (double)at(k, b, g, j, G, L)[d] * scale;
        top = fmax(top, s[j]);
    }
    for (int d = 0; d < D; d++)
        out[d] = 0;
    for (int j = 0; j < n; j++) {
        double p = exp(s[j] - top);
        sum += p;
        for (int d = 0; d < D; d++)
            out[d] += p * (double)at(v, b, g, j, G, L)[d];
    }
    for (int d = 0; d < D; d++)
        out[d] /= sum;
    return top + log(sum);
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/attention.dsl");
    tg_kernel *attention = tg_module_kernel(t.module, "attention");
    NEED(t.context, attention);

    tg_tensor *q = tutorial_random(t.context, 4, (int64_t[]){B, H, S, D}, 1);
    tg_tensor *k = tutorial_random(t.context, 4, (int64_t[]){B, G, L, D}, 2);
    tg_tensor *v = tutorial_random(t.context, 4, (int64_t[]){B, G, L, D}, 3);
    tg_tensor *o = tutorial_random(t.context, 4, (int64_t[]){B, H, S, D}, 4);
    tg_tensor *lse = tutorial_random(t.context, 3, (int64_t[]){B, H, S}, 5);
    double scale = 1 / sqrt(D);
    CHECK(t.context, tg_launch(attention, TG_ARGS(q, k, v, o, lse, (float)scale, (_Bool)1)));

    double worst = 0, worst_lse = 0;
    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++)
            for (int i = 0; i < S; i++) {
                double want[D], l = row(q, k, v, b, h, i, (double)(float)scale, want);
                worst_lse = fmax(worst_lse, fabs((double)floats(lse)[(b * H + h) * S + i] - l));
                for (int d = 0; d < D; d++)
                    worst = fmax(worst, fabs((double)at(o, b, h, i, H, S)[d] - want[d]));
            }
    /* A score has absolute error e = (D + 3) u * |q||k| scale <= (D + 3) u sqrt(D); a weight then the relative error 2e + 4u (its
     * own and the maximum's), twice in numerator and sum; sums of L terms add 2 L u; |V| <= 1. */
    double u = 0x1p-24, e = (D + 3) * u * sqrt(D), bound = 2 * (2 * e + 4 * u) + 2 * (L + L / 16) * u;
    int result = tutorial_report("O", worst, bound);
    result |= tutorial_report("LSE", worst_lse, 2 * e + (L + 16) * u + 8 * u);

    tg_tensor *all[] = {q, k, v, o, lse};
    for (size_t n = 0; n < sizeof all / sizeof *all; n++)
        tg_tensor_release(all[n]);
    tutorial_close(&t);
    return result;
}
