// Rows that are passed over several times: as many in an instance as stay in the first level, by the length that the launch has.
// Rows of two matrices: one, two where half as long, else four.
// RUN: %tegula compile %s --emit llvm | FileCheck %s
// CHECK-LABEL: define {{.*}}@tg_centre(
// CHECK: icmp sgt i64 %{{.*}}, [[#%.4u,LENGTH:]]
// CHECK-NEXT: select i1 %{{.*}}, i64 2, i64 4
// CHECK: icmp sgt i64 %{{.*}}, [[#mul(LENGTH,2)]]
// CHECK: select i1 %{{.*}}, i64 1, i64
kernel centre(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = X[i, j] - sum(X[i, j], j) / f32(N);
    }
}
