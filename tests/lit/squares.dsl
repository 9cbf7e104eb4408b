// A sum of squares in lanes adds each square exactly, with one instruction for product and sum. What else is rounded first stays so: other
// products, whose sum would not overflow where the definition's does; squares that f16 rounds; lanes that are points of the result.
// RUN: %tegula compile %s --kernel squares --emit asm --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel products --emit asm --arch avx2 | FileCheck %s --check-prefix=ROUNDED
// RUN: %tegula compile %s --kernel halves --emit asm --arch avx2 | FileCheck %s --check-prefix=ROUNDED
// RUN: %tegula compile %s --kernel columns --emit asm --arch avx2 | FileCheck %s --check-prefix=ROUNDED
// CHECK-LABEL: squares_task0:
// CHECK: vfmadd231ps
// ROUNDED-NOT: vfmadd
kernel squares(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j] * X[i, j], j);
    }
}

kernel products(in f32 X[M, N], in f32 Z[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j] * Z[i, j], j);
    }
}

kernel halves(in f16 X[M, N], out f16 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = f16(sum(X[i, j] * X[i, j], j));
    }
}

kernel columns(in f32 X[M, N], out f32 Y[N])
{
    grid (j in N) {
        axis i in M;
        Y[j] = sum(X[i, j] * X[i, j], i);
    }
}
