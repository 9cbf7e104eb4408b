// A matrix that is turned over: the rows of as many lanes are read as vectors, and the square is transposed in registers. No gather but for what is
// left of fewer points than lanes, and where the matrix has no rows in memory.
// RUN: %tegula compile %s --kernel turn --emit plan --arch avx512 | FileCheck %s --check-prefix PLAN
// PLAN: nest i by 16 j x16 *1: store
// RUN: %tegula compile %s --kernel turn --arch avx512 | FileCheck %s
// CHECK-LABEL: turn_task0:
// CHECK-COUNT-64: vperm{{[it]}}2ps
// CHECK-COUNT-16: vmovups %zmm{{.*}}, {{.*}}(
// RUN: %tegula compile %s --kernel turn --emit plan --arch avx2 | FileCheck %s --check-prefix PLAN2
// PLAN2: nest i by 8 j x8 *1: store
// What the nest writes itself is read point by point.
// RUN: %tegula compile %s --kernel same --emit plan --arch avx512 | FileCheck %s --check-prefix NONE
// NONE-NOT: by 16
// RUN: %tegula run %s --kernel turn --check --repeat 1 --set M=53 --set N=37 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel turn --check --repeat 1 --set M=5 --set N=37 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel turn --check --repeat 1 --set M=37 --set N=5 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel turn --dtype u8 --check --repeat 1 --set M=53 --set N=37 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel turn --dtype f16 --arch v2 --check --repeat 1 --set M=53 --set N=37 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel turn --dtype f64 --arch avx2 --check --repeat 1 --set M=53 --set N=37 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel planes --check --repeat 1 --set A=2 --set B=19 --set C=7 --set D=9 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel update --check --repeat 1 --set M=53 --set N=37 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel turn<T: u8 | f16 | f32 | f64>(in T X[N, M], out T Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[j, i];
}

kernel planes(in f32 X[A, B, C, D], out f32 Y[A, C, D, B])
{
    grid (a in A, c in C, d in D, b in B) Y[a, c, d, b] = X[a, b, c, d] + 1.0;
}

/// Points that have their turn twice would be added twice.
kernel update(in f32 X[N, M], inout f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = Y[i, j] + X[j, i];
}

kernel same(inout f32 Y[A, M, M])
    where A == 2
{
    grid (i in M, j in M) Y[0, i, j] = Y[1, j, i];
}
