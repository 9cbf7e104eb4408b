// More partial assignments in a row than a nest of loops takes, and many stores side by side.
// RUN: %tegula run %s --kernel many --check --repeat 1 --no-cache --set M=37 | FileCheck %s
// RUN: %tegula run %s --kernel stores --check --repeat 1 --no-cache --set M=37 | FileCheck %s
// CHECK: check ok
kernel many(in f32 X[M, 40], out f32 Y[M, 40])
{
    grid (m in M) {
        axis n in 40;
        f32 y[m, n] = 0;
        unroll for (int i = 0; i < 40; i += 1) y[n = i] = 2 * X[m, 39 - i];
        Y[m, n] = y;
    }
}
kernel stores(in f32 X[M], out f32 Y[40, M])
{
    grid (m in M) {
        unroll for (int i = 0; i < 40; i += 1) Y[i, m] = X[m] * f32(i);
    }
}
