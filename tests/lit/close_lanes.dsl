// Lanes two to four elements apart are read as whole vectors and shuffled, no gather, and the axis is chosen although they are apart. At the end
// of a row nothing behind it is read.
// RUN: %tegula compile %s --emit plan --arch avx2 | FileCheck %s --check-prefix PLAN
// RUN: %tegula compile %s --arch avx2 | FileCheck %s
// RUN: %tegula run %s --arch avx2 --check --repeat 1 --set M=3 --set N=96 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --arch avx2 --check --repeat 1 --set M=5 --set N=53 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --arch v2 --check --repeat 1 --set M=5 --set N=53 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype f16 --check --repeat 1 --set M=5 --set N=71 | FileCheck %s --check-prefix SAME
// PLAN: nest m k x8
// CHECK-LABEL: every_task0:
// CHECK: vshufps
// CHECK-NOT: vgather
// CHECK-LABEL: every_task1_general:
// SAME: check ok
kernel every<T: f32 | f16>(in T X[M, N], out T Y[M, K], out T Z[M, K])
    where K == N / 4
{
    grid (m in M, k in K) {
        Y[m, k] = X[m, 2 * k + 1] + X[m, 3 * k];
        Z[m, k] = X[m, 4 * k + 2];
    }
}
