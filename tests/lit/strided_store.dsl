// Lanes two to four elements apart are stored as whole vectors under masks where there are registers for these, not scattered.
// RUN: %tegula compile %s --arch avx512 | FileCheck %s
// CHECK-LABEL: every_task0:
// CHECK-NOT: vscatter
// CHECK-COUNT-2: vmovups %zmm{{.*}}{%k
// CHECK-NOT: vscatter
// CHECK: .Lfunc_end
// RUN: %tegula run %s --check --repeat 1 --set M=5 --set N=77 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype u8 --check --repeat 1 --set M=5 --set N=301 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype f64 --check --repeat 1 --set M=5 --set N=29 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype bf16 --arch avx2 --check --repeat 1 --set M=5 --set N=77 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel every<T: u8 | bf16 | f32 | f64>(in T X[M, N], inout T Y[M, A], inout T Z[M, B], inout T W[M, C])
    where A == 2 * N, B == 3 * N, C == 4 * N
{
    grid (i in M, j in N) {
        Y[i, 2 * j + 1] = X[i, j];
        Z[i, 3 * j] = X[i, j];
        W[i, 4 * j] = X[i, j];
    }
}
