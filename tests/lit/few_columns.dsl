// A vector of columns has four accumulators, each of every fourth row: additions to one would wait for each other.
// RUN: %tegula compile %s --arch avx512 | FileCheck %s
// CHECK-LABEL: columns_task0:
// CHECK: vaddps {{.*}}, %zmm[[#A:]] {%k1}
// CHECK-NEXT: vaddps {{.*}}, %zmm[[#B:]] {%k1}
// RUN: %tegula run %s --check --repeat 1 --set M=301 --set N=5 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --check --repeat 1 --set M=3 --set N=21 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --check --repeat 1 --set M=302 --set N=37 --arch avx2 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --check --repeat 1 --set M=302 --set N=37 --arch v2 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel columns(in f32 X[M, N], out f32 Y[N], out f32 Z[N])
{
    grid (j in N) {
        axis i in M;
        Y[j] = sum(X[i, j], i);
        Z[j] = max(X[i, j], i);
    }
}
