/* Uses a kernel compiled ahead of time: checks C = A B for small integers. */
#include <stdio.h>

#include "gemm.h"

int main(void) {
    enum { M = 33, K = 17, N = 49 };
    static float a[M * K], b[K * N], c[M * N];
    for (int i = 0; i < M * K; i++) {
        a[i] = (float)(i % 7 - 3);
    }
    for (int i = 0; i < K * N; i++) {
        b[i] = (float)(i % 5 - 2);
    }
    tg_aot *rt;
    if (tg_aot_create(2, &rt)) {
        return 1;
    }
    int64_t sa[] = {M, K}, sb[] = {K, N}, sc[] = {M, N};
    tg_aot_tensor ta = tg_aot_dense(TG_F32, 2, sa, a), tb = tg_aot_dense(TG_F32, 2, sb, b);
    tg_aot_tensor tc = tg_aot_dense(TG_F32, 2, sc, c);
    if (gemm_launch(rt, &ta, &tb, &tc, 2.0)) {
        printf("%s\n", tg_aot_last_error(rt));
        return 1;
    }
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = 0; k < K; k++) {
                sum += a[i * K + k] * b[k * N + j];
            }
            if (c[i * N + j] != 2 * sum) {
                printf("C[%d, %d] is %g, expected %g\n", i, j, (double)c[i * N + j],
                       (double)(2 * sum));
                return 1;
            }
        }
    }
    if (gemm_launch(rt, &ta, &ta, &tc, 2.0) != TG_ERROR_LAUNCH) {
        return 1;
    }
    tg_aot_destroy(rt);
    printf("ok\n");
    return 0;
}
