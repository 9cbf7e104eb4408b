/* Dropout: the share of zeros is right, kept elements are scaled, the backward pass uses the same mask. */
#include "tutorial.h"

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/dropout.dsl");
    tg_kernel *forward = tg_module_kernel(t.module, "dropout"), *backward = tg_module_kernel(t.module, "dropout_bwd");
    NEED(t.context, forward);
    NEED(t.context, backward);

    int64_t n = 1 << 20;
    float p = 0.25f;
    tg_tensor *x = tutorial_random(t.context, 1, &n, 1);
    tg_tensor *y = tg_tensor_create(t.context, TG_F32, 1, &n), *dx = tg_tensor_create(t.context, TG_F32, 1, &n);
    NEED(t.context, y);
    NEED(t.context, dx);
    CHECK(t.context, tg_launch(forward, TG_ARGS(x, y, p, (uint64_t)42)));
    CHECK(t.context, tg_launch(backward, TG_ARGS(x, dx, p, (uint64_t)42)));

    int64_t dropped = 0;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        float in = floats(x)[i], out = floats(y)[i];
        if (out == 0 && in != 0)
            dropped++;
        else
            worst = fmax(worst, fabs((double)out - (double)(in / (1 - p))));
        worst = fmax(worst, fabs((double)out - (double)floats(dx)[i]));
    }
    int result = tutorial_report("kept values and mask", worst, 0);
    /* binomial: standard deviation sqrt(p (1 - p) / n); six of them */
    double share = (double)dropped / (double)n, sigma = sqrt(0.25 * 0.75 / (double)n);
    result |= tutorial_report("share of zeros", fabs(share - 0.25), 6 * sigma);

    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(dx);
    tutorial_close(&t);
    return result;
}
