/* A matrix product of odd sizes, plain, with a transposed operand and as a bound launch, compared with f64 arithmetic. */
#include "tutorial.h"

enum { M = 301, N = 203, K = 407 };

/* Largest excess of |C - AB| over nothing, and the bound gamma_K * |A||B| of the same element. */
static int compare(const char *what, const float *a, const float *b, const float *c)
{
    double worst = 0, u = 0x1p-24;
    for (int m = 0; m < M; m++) {
        for (int n = 0; n < N; n++) {
            double sum = 0, magnitude = 0;
            for (int k = 0; k < K; k++) {
                double p = (double)a[m * K + k] * (double)b[k * N + n];
                sum += p;
                magnitude += fabs(p);
            }
            worst = fmax(worst, fabs((double)c[m * N + n] - sum) / (magnitude * u));
        }
    }
    return tutorial_report(what, worst, K + 1); /* in units of u * sum |a b|: K additions, one product with alpha */
}

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/gemm.dsl");
    tg_kernel *gemm = tg_module_kernel(t.module, "gemm");
    NEED(t.context, gemm);

    tg_tensor *a = tutorial_random(t.context, 2, (int64_t[]){M, K}, 1);
    tg_tensor *b = tutorial_random(t.context, 2, (int64_t[]){K, N}, 2);
    tg_tensor *c = tg_tensor_create(t.context, TG_F32, 2, (int64_t[]){M, N});
    NEED(t.context, c);
    CHECK(t.context, tg_launch(gemm, TG_ARGS(a, b, c, 1.0f)));
    int result = compare("gemm", floats(a), floats(b), floats(c));

    /* B stored transposed: the same kernel, the tensor's strides say how to walk it */
    tg_tensor *bt = tg_tensor_create(t.context, TG_F32, 2, (int64_t[]){N, K});
    NEED(t.context, bt);
    tg_tensor *view = tg_tensor_permute(bt, (uint32_t[]){1, 0});
    NEED(t.context, view);
    CHECK(t.context, tg_tensor_copy(view, b));
    CHECK(t.context, tg_launch(gemm, TG_ARGS(a, view, c))); /* alpha has a default */
    result |= compare("gemm, B transposed", floats(a), floats(b), floats(c));

    /* The same product over and over: checked once, then run at the cost of a function call. */
    tg_call *call;
    CHECK(t.context, tg_call_create(gemm, TG_ARGS(a, b, c), NULL, &call));
    for (int i = 0; i < 3; i++) {
        floats(a)[i] = (float)i; /* contents may change in between */
        CHECK(t.context, tg_call_run(call));
    }
    result |= compare("gemm, bound", floats(a), floats(b), floats(c));
    tg_call_destroy(call);

    tg_tensor_release(view);
    tg_tensor_release(bt);
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(c);
    tutorial_close(&t);
    return result;
}
