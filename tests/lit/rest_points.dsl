// What is done once a row: whole vectors of four rows, and a rest of single points that no mask keeps from what the reduction has
// just written. A rest of columns stays under a mask.
// RUN: %tegula compile %s --arch avx2 --emit asm | FileCheck %s
// CHECK-LABEL: scaled_task0:
// CHECK: vmaskmovps {{.*}}%ymm
// CHECK: vsqrtps {{.*}}%xmm
// CHECK-NOT: vmaskmovps
// CHECK: vsqrtss
// CHECK-NOT: vmaskmovps
// CHECK: .Lfunc_end
kernel scaled(in f32 X[M, N], out f32 Y[M, N], out f32 s[M])
{
    grid (i in M) {
        axis j in N;
        let r = sqrt(sum(X[i, j] * X[i, j], j));
        Y[i, j] = X[i, j] * r;
        s[i] = r;
    }
}
