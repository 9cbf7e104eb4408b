// Rows that follow each other run as one: where the distances of all rows are the row's length, rows · columns and one row, else what
// there is. A value that depends on a column alone, or on its number, has no place in it.
// RUN: %tegula compile %s --kernel scaled --emit llvm --arch avx2 | FileCheck %s
// CHECK-LABEL: @scaled_task0(
// CHECK: icmp eq i64 {{%[0-9]+}}, [[COLUMNS:%[0-9]+]]
// CHECK: icmp eq i64 {{%[0-9]+}}, [[COLUMNS]]
// CHECK: [[FOLLOW:%[0-9]+]] = and i1
// CHECK: [[ALL:%[0-9]+]] = mul i64 {{.*}}, [[COLUMNS]]
// CHECK: select i1 [[FOLLOW]], i64 [[ALL]], i64 [[COLUMNS]]
// RUN: %tegula compile %s --kernel biased --emit llvm --arch avx2 | FileCheck %s --check-prefix=ROWS
// RUN: %tegula compile %s --kernel numbered --emit llvm --arch avx2 | FileCheck %s --check-prefix=ROWS
// ROWS-LABEL: @{{biased|numbered}}_task0(
// ROWS-NOT: icmp eq i64 {{%[0-9]+}}, %
// ROWS: <8 x float>
kernel scaled(in f32 X[M, N], f32 s, out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] * s;
}

kernel biased(in f32 X[M, N], in f32 b[N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + b[j];
}

kernel numbered(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + f32(j);
}
