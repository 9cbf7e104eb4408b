/* Decoding with a paged cache: three sequences of different lengths share a pool of pages. */
#include "tutorial.h"

enum { B = 3, H = 8, G = 2, D = 32, PS = 16, NP = 40, MP = 12 };

static const int lengths[B] = {150, 0, 37}; /* the second sequence has no key yet */

/* Pages are handed out from the end of the pool; entries that no key needs stay -1. */
static void fill_table(int32_t *table, int32_t *len)
{
    int next = NP - 1;
    for (int b = 0; b < B; b++) {
        len[b] = lengths[b];
        for (int t = 0; t < MP; t++)
            table[b * MP + t] = t * PS < lengths[b] ? next-- : -1;
    }
}

static const float *key(const tg_tensor *k, const int32_t *table, int b, int j, int g)
{
    return floats(k) + (((int64_t)table[b * MP + j / PS] * PS + j % PS) * G + g) * D;
}

/* softmax(scale q k') v in f64 */
static void attend(const float *q, const tg_tensor *k, const tg_tensor *v, const int32_t *table, int b, int g, double scale, double *out)
{
    double s[MP * PS], top = -INFINITY, sum = 0;
    for (int d = 0; d < D; d++)
        out[d] = 0;
    for (int j = 0; j < lengths[b]; j++) {
        s[j] = 0;
        for (int d = 0; d < D; d++)
            s[j] += (double)q[d] * (double)key(k, table, b, j, g)[d] * scale;
        top = fmax(top, s[j]);
    }
    for (int j = 0; j < lengths[b]; j++) {
        double p = exp(s[j] - top);
        sum += p;
        for (int d = 0; d < D; d++)
            out[d] += p * (double)key(v, table, b, j, g)[d];
    }
    for (int d = 0; d < D && sum > 0; d++)
        out[d] /= sum;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/paged_attention.dsl");
    tg_kernel *kernel = tg_module_kernel(t.module, "paged_attention");
    NEED(t.context, kernel);
    tg_tensor *q = tutorial_random(t.context, 3, (int64_t[]){B, H, D}, 1), *o = tutorial_random(t.context, 3, (int64_t[]){B, H, D}, 2);
    tg_tensor *k = tutorial_random(t.context, 4, (int64_t[]){NP, PS, G, D}, 3), *v = tutorial_random(t.context, 4, (int64_t[]){NP, PS, G, D}, 4);
    tg_tensor *table = tg_tensor_create(t.context, TG_I32, 2, (int64_t[]){B, MP}), *len = tg_tensor_create(t.context, TG_I32, 1, (int64_t[]){B});
    NEED(t.context, table);
    NEED(t.context, len);
    fill_table(tg_tensor_data(table), tg_tensor_data(len));
    double scale = 1 / sqrt(D), worst = 0;
    CHECK(t.context, tg_launch(kernel, TG_ARGS(q, k, v, table, len, o, (float)scale, H / G)));

    for (int b = 0; b < B; b++)
        for (int h = 0; h < H; h++) {
            double want[D];
            const float *row = floats(q) + (b * H + h) * D, *got = floats(o) + (b * H + h) * D;
            attend(row, k, v, tg_tensor_data(table), b, h * G / H, (double)(float)scale, want);
            for (int d = 0; d < D; d++)
                worst = fmax(worst, fabs((double)got[d] - want[d]));
        }
    /* As in tutorial 6: a score is off by e = (D + 3) u sqrt(D), a weight by 2e + 4u in numerator and sum, a sum of L terms by L u;
     * the merge multiplies once more and adds Z parts. */
    double u = 0x1p-24, e = (D + 3) * u * sqrt(D), keys = MP * PS;
    int result = tutorial_report("O", worst, 2 * (2 * e + 4 * u) + 2 * (keys + keys / 16 + 8) * u);
    tg_tensor *all[] = {q, k, v, o, table, len};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tg_tensor_release(all[i]);
    tutorial_close(&t);
    return result;
}
