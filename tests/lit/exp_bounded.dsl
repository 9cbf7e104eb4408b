// An exponential whose argument cannot be positive needs no upper bound (89.5) and one power of two: maxima and magnitudes
// prove it, through functions, conversions and running maxima; an ordinary difference does not.
// RUN: %tegula compile %s --kernel row --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel running --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel decay --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel square --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel difference --emit llvm | FileCheck %s --check-prefix=ANY
// RUN: %tegula compile %s --kernel other_row --emit llvm | FileCheck %s --check-prefix=ANY
// RUN: %tegula compile %s --kernel least --emit llvm | FileCheck %s --check-prefix=ANY
// CHECK-NOT: 8.950000e+01
// CHECK: float -1.050000e+02
// CHECK-NOT: 8.950000e+01
// ANY: float 8.950000e+01
kernel row<T: f16 | f32>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        let x = f32(X[i, j]);
        Y[i, j] = T(exp(x - max(x, j)));
    }
}
kernel running(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        f32 top[i] = -inf, total[i] = 0;
        for (j in N) {
            let x = X[i, j], next = max(top, max(x, j));
            total = total * exp_sub(top, next) + sum(exp_sub(x, next), j);
            top = next;
        }
        Y[i] = total;
    }
}
kernel decay(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = exp(-abs(X[i]));
}
kernel square(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = exp(-(X[i] * X[i]));
}
kernel difference(in f32 X[N], in f32 Z[N], out f32 Y[N])
{
    grid (i in N) Y[i] = exp(X[i] - Z[i]);
}
kernel other_row(in f32 X[M, N], in f32 Z[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = exp(X[i, j] - max(Z[i, j], j));
    }
}
kernel least(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = exp(X[i, j] - min(X[i, j], j));
    }
}
