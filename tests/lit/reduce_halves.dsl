// Rows that are read once: on processors that take two turns for a whole register, in halves. Not what other rows read as well, nor a second time.
// RUN: %tegula compile %s --kernel squares --emit plan --arch avx512 | FileCheck %s
// CHECK: nest i | j x8 *8: reduce add
// RUN: %tegula compile %s --kernel shifted --emit plan --arch avx512 | FileCheck %s --check-prefix SHARED
// SHARED: nest i by 4 | j x16 *1: reduce max
// RUN: %tegula compile %s --kernel variance --emit plan --arch avx512 | FileCheck %s --check-prefix AGAIN
// AGAIN: nest i | j x16 *4: reduce add
// RUN: %tegula compile %s --kernel squares --emit plan --arch avx2 | FileCheck %s --check-prefix SHORT
// SHORT: nest i | j x8 *4: reduce add
// RUN: %tegula run %s --kernel squares --check --repeat 1 --set M=7 --set N=301 | FileCheck %s --check-prefix SAME
// SAME: check ok
// Segments, which are short, as well, and no more vectors at a time.
// RUN: %tegula compile %s --kernel segments --emit plan --arch avx512 | FileCheck %s --check-prefix SEGMENT
// SEGMENT: nest | i x8 *4: reduce max
// RUN: %tegula run %s --kernel segments --check --repeat 1 --set N=4001 --set S=97 | FileCheck %s --check-prefix SAME
kernel segments(in f32 X[N], in i32 off[S + 1], out f32 Y[S]) where sorted(off)
{
    grid (each s in S) {
        axis i in N from off[s] until off[s + 1];
        Y[s] = max(X[i], i);
    }
}
kernel squares(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j] * X[i, j], j);
    }
}
kernel shifted(in f32 X[M, N], in f32 W[N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = max(X[i, j] + W[j], j);
    }
}
kernel variance(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        let d = X[i, j] - mean(X[i, j], j);
        Y[i] = sum(d * d, j);
    }
}
