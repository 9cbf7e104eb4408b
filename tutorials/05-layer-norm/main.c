/* Layer norm forward against f64, and its backward against central differences. */
#include "tutorial.h"

enum { M = 37, N = 129 };

static void reference(const float *x, const float *w, const float *b, double *y)
{
    for (int i = 0; i < M; i++) {
        double mu = 0, var = 0;
        for (int j = 0; j < N; j++)
            mu += (double)x[i * N + j] / N;
        for (int j = 0; j < N; j++)
            var += ((double)x[i * N + j] - mu) * ((double)x[i * N + j] - mu) / N;
        for (int j = 0; j < N; j++)
            y[i * N + j] = ((double)x[i * N + j] - mu) / sqrt(var + 1e-5) * (double)w[j] + (double)b[j];
    }
}

/* sum over all elements of dY * Y: what dX, dW and dB are the gradients of */
static double loss(const float *x, const float *w, const float *b, const float *dy)
{
    static double y[M * N];
    reference(x, w, b, y);
    double sum = 0;
    for (int k = 0; k < M * N; k++)
        sum += (double)dy[k] * y[k];
    return sum;
}

/* Largest |gradient - central difference| over some entries of one argument. */
static double probe(float *argument, int count, const float *gradient, const float *x, const float *w, const float *b, const float *dy)
{
    double worst = 0, h = 0x1p-9;
    for (int k = 0; k < count; k += 7) {
        float keep = argument[k];
        argument[k] = (float)((double)keep + h);
        double up = (double)argument[k], high = loss(x, w, b, dy);
        argument[k] = (float)((double)keep - h);
        double down = (double)argument[k], low = loss(x, w, b, dy);
        argument[k] = keep;
        worst = fmax(worst, fabs((high - low) / (up - down) - (double)gradient[k]));
    }
    return worst;
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/layer_norm.dsl");
    tg_kernel *forward = tg_module_kernel(t.module, "layer_norm"), *backward = tg_module_kernel(t.module, "layer_norm_bwd");
    NEED(t.context, forward);
    NEED(t.context, backward);

    int64_t full[] = {M, N}, rows[] = {M}, columns[] = {N};
    tg_tensor *x = tutorial_random(t.context, 2, full, 1), *dy = tutorial_random(t.context, 2, full, 2);
    tg_tensor *w = tutorial_random(t.context, 1, columns, 3), *b = tutorial_random(t.context, 1, columns, 4);
    tg_tensor *y = tutorial_random(t.context, 2, full, 5), *dx = tutorial_random(t.context, 2, full, 6);
    tg_tensor *mean = tutorial_random(t.context, 1, rows, 7), *rstd = tutorial_random(t.context, 1, rows, 8);
    tg_tensor *dw = tutorial_random(t.context, 1, columns, 9), *db = tutorial_random(t.context, 1, columns, 10);

    CHECK(t.context, tg_launch(forward, TG_ARGS(x, w, b, y, mean, rstd)));
    CHECK(t.context, tg_launch(backward, TG_ARGS(x, w, mean, rstd, dy, dx, dw, db)));

    static double want[M * N];
    reference(floats(x), floats(w), floats(b), want);
    double worst = 0;
    for (int k = 0; k < M * N; k++)
        worst = fmax(worst, fabs((double)floats(y)[k] - want[k]));
    /* |x| < 1, |x - mu| r < 3 here: sums of N terms give N u relative, four more roundings on values up to 3 */
    int result = tutorial_report("forward", worst, 3 * (2 * N + 8) * 0x1p-24);

    /* Sums of N (rows) or M (columns) products of size <= 6 with relative error (N + 8) u each; the difference quotient
     * itself is off by h^2/6 times a third derivative of order 100. */
    double rounding = 6 * N * (2 * N + 16) * 0x1p-24, difference = 100 * 0x1p-18 / 6;
    double bound = rounding + difference;
    result |= tutorial_report("dX", probe(floats(x), M * N, floats(dx), floats(x), floats(w), floats(b), floats(dy)), bound);
    result |= tutorial_report("dW", probe(floats(w), N, floats(dw), floats(x), floats(w), floats(b), floats(dy)), bound);
    result |= tutorial_report("dB", probe(floats(b), N, floats(db), floats(x), floats(w), floats(b), floats(dy)), bound);

    tg_tensor *all[] = {x, dy, w, b, y, dx, mean, rstd, dw, db};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        tg_tensor_release(all[k]);
    tutorial_close(&t);
    return result;
}
