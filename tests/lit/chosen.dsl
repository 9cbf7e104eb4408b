// Tensors that follow one another, one of which a condition on the axis chooses: neither is as long as the axis, so the code for usual
// strides must not rely on it; it would never run.
// RUN: %tegula run %s --set M=100 K=100 N=64 --check | FileCheck %s
// RUN: %tegula compile %s --arch avx2 --emit llvm | FileCheck %s --check-prefix=TESTS
kernel join(in f32 A[M, N], in f32 B[K, N], out f32 C[R, N])
    where R == M + K
{
    grid (r in R, n in N) C[r, n] = r < M ? A[r, n] : B[r - M, n];
}
// CHECK: ok
// TESTS: define internal i32 @join_task0
// TESTS: ptr @sink
// TESTS: ptr @sink
