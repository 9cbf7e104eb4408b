// A nest that reads and writes tiles at other points, x[n = k + s], with a tensor whose last columns do not fill a vector: where there are no mask registers
// whole vectors of columns are stored without one. An index that is moved itself stays tested.
// RUN: %tegula compile %s --kernel halves --arch avx2 --emit llvm | FileCheck %s --check-prefix=WHOLE
// RUN: %tegula compile %s --kernel beside --arch avx2 --emit llvm | FileCheck %s --check-prefix=MOVED
// RUN: %tegula run %s --kernel halves --arch avx2 --set N=13 --check
// RUN: %tegula run %s --kernel beside --arch avx2 --set N=13 --check

private fn pairs(c32 x[n], axis n) -> c32[n]
{
    axis q in 4;
    c32 y[n] = complex(0.0, 0.0);
    y[n = q] = x[n = q] + x[n = q + 4];
    y[n = q + 4] = x[n = q] - x[n = q + 4];
    return y;
}

// WHOLE: define {{.*}}halves_task0
// WHOLE-DAG: call void @llvm.masked.store.v16f32
// WHOLE-DAG: store <16 x float>
kernel halves(in c32 X[8, N], out c32 Y[8, N])
{
    grid (each b in ceil_div(N, 8)) {
        axis r in 8, n in 8;
        c32 y[n, r] = pairs(X[n, 8 * b + r], n);
        Y[n, 8 * b + r] = pairs(y, n);
    }
}

// MOVED: define {{.*}}beside_task0
// MOVED-NOT: store <8 x float>
kernel beside(in f32 X[N], out f32 Y[N])
{
    grid (each b in ceil_div(N, 8)) {
        axis r in 8;
        let x = X[8 * b + r] * 2.0;
        Y[8 * b + r] = x[r = r + 1] + x;
    }
}
