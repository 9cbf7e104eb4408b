// A schedule sets block sizes; one for another machine does not apply, and neither changes the operations.
// RUN: %tegula compile %s --emit tile | FileCheck %s
// CHECK: axes { #m grid block=96 scheduled, #n grid block=64 scheduled, #k loop block=32 scheduled }
// CHECK: dot {{.*}} {over=(#k)}
kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K)
            acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
schedule gemm @ x86 { m = 96; n = 64; k = 32; }
schedule gemm @ sm_90 { m = 128; n = 128; k = 64; }
