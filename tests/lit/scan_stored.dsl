// What a scan gives at a point is stored there: no row in between. Sums and products run along their lanes, products where these are far from the
// ends of the exponents; 64-bit products of integers only where one instruction makes them.
// RUN: %tegula compile %s --arch avx2 --kernel sums --emit plan | FileCheck %s --check-prefix=SUM
// RUN: %tegula compile %s --arch avx2 --kernel products --emit plan | FileCheck %s --check-prefix=LANES
// RUN: %tegula compile %s --arch avx2 --kernel products --dtype i64 --emit plan | FileCheck %s --check-prefix=POINTS
// RUN: %tegula compile %s --arch avx512 --kernel products --dtype i64 --emit plan | FileCheck %s --check-prefix=LANES
// RUN: %tegula compile %s --arch avx2 --kernel turned --emit plan | FileCheck %s --check-prefix=TURNED
// SUM: | j x8 *1: scan add -> {{.*}}, store
kernel sums(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = cumsum(X[i, j], j);
    }
}
// LANES: | j x8 *1: scan mul -> {{.*}}, store
// POINTS: | j: scan mul -> {{.*}}, store
kernel products<T: f32 | i64>(in T X[M, N], out T Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = cumprod(X[i, j], j);
    }
}
// What reads other points waits for the row.
// TURNED: | j x8 *1: scan add -> {{[^,]*$}}
// TURNED-NEXT: store
kernel turned(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        let s = cumsum(X[i, j], j);
        Y[i, j] = s[j = N - 1 - j];
    }
}
