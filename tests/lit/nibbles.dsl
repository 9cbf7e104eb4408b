// 4-bit elements that follow one another are loads of the bytes of even and of odd lanes, under halves of a mask at the end of a line; others are gathered.
// RUN: %tegula compile %s --kernel lines --arch avx512 --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel lines --arch avx2 --emit llvm | FileCheck %s --check-prefix SHORT
// RUN: %tegula compile %s --kernel pairs --arch avx512 --emit llvm | FileCheck %s --check-prefix PAIRS
// RUN: %tegula run %s --kernel lines --check --repeat 1 --set M=5 --set N=77 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel lines --arch avx2 --check --repeat 1 --set M=5 --set N=77 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel pairs --check --repeat 1 --set N=77 | FileCheck %s --check-prefix SAME
// CHECK-LABEL: define internal i32 @lines_task0(
// CHECK: load <8 x i8>
// CHECK: load <8 x i8>
// CHECK: @llvm.masked.load.v8i8
// CHECK: @llvm.masked.load.v8i8
// SHORT-LABEL: define internal i32 @lines_task0(
// SHORT: load <4 x i8>
// SHORT: load <4 x i8>
// PAIRS-LABEL: define internal i32 @pairs_task0(
// PAIRS-NOT: load <8 x i8>
// SAME: check ok
kernel lines(in i4 X[M, N], out f32 Y[M, N])
{
    grid (m in M, n in N) Y[m, n] = f32(X[m, n]);
}
kernel pairs(in i4 X[N], out f32 Y[N])
{
    grid (n in N) Y[n] = f32(X[2 * n]);
}
