/* Softmax of 1000 rows of 781 numbers, compared with f64 arithmetic. */
#include "tutorial.h"

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/softmax.dsl");
    tg_kernel *softmax = tg_module_kernel(t.module, "softmax");
    NEED(t.context, softmax);

    enum { ROWS = 1000, COLUMNS = 781 };
    int64_t shape[] = {ROWS, COLUMNS};
    tg_tensor *x = tutorial_random(t.context, 2, shape, 1), *y = tg_tensor_create(t.context, TG_F32, 2, shape);
    NEED(t.context, y);
    CHECK(t.context, tg_launch(softmax, TG_ARGS(x, y)));

    double worst = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        const float *in = floats(x) + i * COLUMNS, *out = floats(y) + i * COLUMNS;
        double top = -INFINITY, sum = 0;
        for (int64_t j = 0; j < COLUMNS; j++)
            top = fmax(top, (double)in[j]);
        for (int64_t j = 0; j < COLUMNS; j++)
            sum += exp((double)in[j] - top);
        for (int64_t j = 0; j < COLUMNS; j++) {
            double want = exp((double)in[j] - top) / sum;
            worst = fmax(worst, fabs((double)out[j] - want) / want);
        }
    }
    /* relative: |x - max| <= 2 is rounded once (2u absolute), exp has 1 ulp (2u), the sum of n positive terms at most
     * (n - 1) u and the error of its terms again, the division u; u = 2^-24 */
    int result = tutorial_report("softmax", worst, (2 + 2 + (COLUMNS - 1) + 4 + 1) * 0x1p-24);

    tg_tensor_release(x);
    tg_tensor_release(y);
    tutorial_close(&t);
    return result;
}
