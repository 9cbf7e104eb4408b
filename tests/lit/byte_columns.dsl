// Columns of bytes that are reduced: two lines of each row, as of f32.
// RUN: %tegula compile %s --emit plan --arch avx512 | FileCheck %s
// CHECK: nest j x64 *2 | i: reduce max
// RUN: %tegula compile %s --emit plan --arch avx2 | FileCheck %s --check-prefix SHORT
// SHORT: nest j x32 *4 | i: reduce max
// RUN: %tegula run %s --check --repeat 1 --set M=7 --set N=301 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel greatest(in u8 X[M, N], out u8 Y[N])
{
    grid (j in N) {
        axis i in M;
        Y[j] = max(X[i, j], i);
    }
}
