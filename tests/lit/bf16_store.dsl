// Two registers of f32 become one of bf16 by a shuffle of words, and the rounding's last bit by a test.
// RUN: %tegula compile %s --arch avx512 | FileCheck %s
// CHECK-LABEL: sum_task0:
// CHECK: vptestmd
// CHECK: vpermt2w
// CHECK-NOT: vpmovdw %zmm{{.*}}, %ymm
// CHECK: jl
// RUN: %tegula run %s --check --repeat 1 --set M=5 --set N=301 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel sum(in bf16 X[M, N], in bf16 Z[M, N], out bf16 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + Z[i, j];
}
