// Rows divided by their sum: one reciprocal a row and corrected products, guarded; plain divisions where there is no fused multiply-add.
// That the bits are those of IEEE division is tests/diff/quotient.c.
// RUN: %tegula compile %s --emit llvm --arch avx2 | FileCheck %s
// CHECK: fdiv float 1.0{{.*}}, %
// CHECK: llvm.fma.v8f32
// CHECK: reduce.and
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
