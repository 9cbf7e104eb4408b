// The greatest of a row: four vectors an iteration, and NaN is looked for in two of them at a time.
// AVX-512: halves of registers, as rows come from afar (reduce_halves.dsl).
// RUN: %tegula compile %s --emit asm --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --emit asm --arch avx512 | FileCheck %s --check-prefix=WIDE
// CHECK: vmaxps {{.*}}%ymm
// CHECK: vmaxps {{.*}}%ymm
// CHECK: vcmpunordps {{.*}}%ymm
// CHECK-NOT: vblendvps
// CHECK: vcmpunordps {{.*}}%ymm
// CHECK-NOT: vcmpunordps
// CHECK: jl
// WIDE: vmaxps {{.*}}%ymm
kernel greatest(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = max(X[i, j], j);
    }
}
