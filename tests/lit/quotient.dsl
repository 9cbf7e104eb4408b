// Rows divided by their sum: a division a vector. It takes 3.5 to 5 cycles of 8 lanes since Skylake and Zen 2, less than a product by
// the reciprocal, its two corrections and the test that these are exact.
// That the bits are those of IEEE division is tests/diff/quotient.c.
// RUN: %tegula compile %s --emit llvm --arch avx2 | FileCheck %s
// CHECK: fdiv <8 x float>
// CHECK-NOT: fdiv float 1.0
// RUN: %tegula compile %s --emit llvm --arch v2 | FileCheck %s --check-prefix=PLAIN
// PLAIN-NOT: fdiv float 1.0
// PLAIN: fdiv <4 x float>
kernel rows(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        let s = sum(X[i, j], j);
        Y[i, j] = X[i, j] / s;
    }
}
