/* A padded, strided convolution against the definition in f64. */
#include "tutorial.h"

enum { N = 2, H = 19, W = 23, C = 13, K = 21, R = 3, S = 3, STRIDE = 2, PAD = 1 };
enum { P = (H + 2 * PAD - R) / STRIDE + 1, Q = (W + 2 * PAD - S) / STRIDE + 1 };

int main(int argc, char **argv)
{
    tutorial t = tutorial_open(argc, argv, TUTORIAL_DIR "/conv2d.dsl");
    tg_kernel *conv2d = tg_module_kernel(t.module, "conv2d");
    NEED(t.context, conv2d);

    tg_tensor *x = tutorial_random(t.context, 4, (int64_t[]){N, H, W, C}, 1);
    tg_tensor *f = tutorial_random(t.context, 4, (int64_t[]){R, S, C, K}, 2);
    tg_tensor *y = tutorial_random(t.context, 4, (int64_t[]){N, P, Q, K}, 3);
    CHECK(t.context, tg_launch(conv2d, TG_ARGS(x, f, y, STRIDE, PAD)));

    double worst = 0, u = 0x1p-24;
    for (int i = 0; i < N * P * Q * K; i++) {
        int k = i % K, q = i / K % Q, p = i / (K * Q) % P, n = i / (K * Q * P);
        double sum = 0, magnitude = 0;
        for (int j = 0; j < R * S * C; j++) {
            int c = j % C, s = j / C % S, r = j / (C * S), h = p * STRIDE + r - PAD, w = q * STRIDE + s - PAD;
            if (h < 0 || h >= H || w < 0 || w >= W)
                continue; /* outside the image: zero */
            double product = (double)floats(x)[((n * H + h) * W + w) * C + c] * (double)floats(f)[j * K + k];
            sum += product;
            magnitude += fabs(product);
        }
        worst = fmax(worst, fabs((double)floats(y)[i] - sum) / (magnitude * u));
    }
    int result = tutorial_report("conv2d", worst, R * S * C); /* in units of u * sum |x f| */

    tg_tensor_release(x);
    tg_tensor_release(f);
    tg_tensor_release(y);
    tutorial_close(&t);
    return result;
}
