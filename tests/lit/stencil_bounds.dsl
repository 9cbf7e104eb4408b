// An index with an offset can leave the tensor on one side: only the other dimension is marked.
// RUN: %tegula compile %s --emit passes | FileCheck %s
// CHECK: load %X, {{.*}} {in_bounds=2}
kernel left(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i - 1, j];
}
