/* Welford moments, a linear recurrence and the Mandelbrot set, each against plain C. */
#include "tutorial.h"

static int moments(tutorial *t)
{
    enum { R = 1021, C = 67 };
    tg_kernel *kernel = tg_module_kernel(t->module, "moments");
    NEED(t->context, kernel);
    tg_tensor *x = tutorial_random(t->context, 2, (int64_t[]){R, C}, 1);
    tg_tensor *mean = tutorial_random(t->context, 1, (int64_t[]){C}, 2), *var = tutorial_random(t->context, 1, (int64_t[]){C}, 3);
    CHECK(t->context, tg_launch(kernel, TG_ARGS(x, mean, var)));
    double worst = 0;
    for (int c = 0; c < C; c++) {
        double m = 0, v = 0;
        for (int r = 0; r < R; r++)
            m += (double)floats(x)[r * C + c] / R;
        for (int r = 0; r < R; r++)
            v += ((double)floats(x)[r * C + c] - m) * ((double)floats(x)[r * C + c] - m) / R;
        worst = fmax(worst, fmax(fabs((double)floats(mean)[c] - m), fabs((double)floats(var)[c] - v)));
    }
    tg_tensor_release(x);
    tg_tensor_release(mean);
    tg_tensor_release(var);
    /* at most R combinations of 8 operations on values below 2, the variance divided by R at the end */
    return tutorial_report("moments", worst, 8.0 * R * 2 * 0x1p-24);
}

static int recurrence(tutorial *t)
{
    enum { M = 31, N = 513 };
    tg_kernel *kernel = tg_module_kernel(t->module, "recurrence");
    NEED(t->context, kernel);
    tg_tensor *a = tutorial_random(t->context, 2, (int64_t[]){M, N}, 1), *x = tutorial_random(t->context, 2, (int64_t[]){M, N}, 2);
    tg_tensor *y = tutorial_random(t->context, 2, (int64_t[]){M, N}, 3);
    CHECK(t->context, tg_launch(kernel, TG_ARGS(a, x, y)));
    double worst = 0;
    for (int i = 0; i < M; i++) {
        double state = 0, magnitude = 0;
        for (int j = 0; j < N; j++) {
            state = (double)floats(a)[i * N + j] * state + (double)floats(x)[i * N + j];
            magnitude = fabs((double)floats(a)[i * N + j]) * magnitude + fabs((double)floats(x)[i * N + j]);
            worst = fmax(worst, fabs((double)floats(y)[i * N + j] - state) / (magnitude * 0x1p-24));
        }
    }
    tg_tensor_release(a);
    tg_tensor_release(x);
    tg_tensor_release(y);
    /* in units of u * magnitude: each of up to N combinations rounds twice on each side of a tree */
    return tutorial_report("recurrence, in roundings of its size", worst, 2.0 * N);
}

/* As the kernel: products and sums of `x*x + y*y` fuse where the language says so (left product). */
static int32_t escape(float cx, float cy, int64_t limit)
{
    float x = 0, y = 0;
    int32_t n = 0;
    while (fmaf(x, x, y * y) < 4 && n < limit) {
        float s = fmaf(x, x, -(y * y)) + cx;
        y = fmaf(2 * x, y, cy);
        x = s;
        n++;
    }
    return n;
}

static int mandelbrot(tutorial *t)
{
    enum { H = 61, W = 93, LIMIT = 200 };
    tg_kernel *kernel = tg_module_kernel(t->module, "mandelbrot");
    NEED(t->context, kernel);
    tg_tensor *c = tg_tensor_create(t->context, TG_I32, 2, (int64_t[]){H, W});
    NEED(t->context, c);
    float x0 = -2.2f, y0 = -1.2f, step = 0.034f;
    CHECK(t->context, tg_launch(kernel, TG_ARGS(c, x0, y0, step, LIMIT)));
    const int32_t *count = tg_tensor_data(c);
    int wrong = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            wrong += count[y * W + x] != escape(fmaf((float)x, step, x0), fmaf((float)y, step, y0), LIMIT);
    for (int y = 0; y < H; y += 2) {
        for (int x = 0; x < W; x++)
            putchar(" .:-=+*#%@"[count[y * W + x] * 9 / LIMIT]);
        putchar('\n');
    }
    tg_tensor_release(c);
    return tutorial_report("mandelbrot, pixels that differ", wrong, 0);
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/own_math.dsl");
    int result = moments(&t) | recurrence(&t) | mandelbrot(&t);
    tutorial_close(&t);
    return result;
}
