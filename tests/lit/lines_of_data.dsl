// Columns that are copied from lines of a tensor, which line depends on data: the test that the line exists is made once for all of its vectors, and a line
// is as few loads and stores. Where there is none zeros are stored.
// RUN: %tegula compile %s --emit llvm --arch avx512 | FileCheck %s
// RUN: %tegula compile %s --emit llvm --arch avx2 | FileCheck %s --check-prefix WHOLE
// RUN: %tegula run %s --check --repeat 1 --set Z=21 --set R=5 --set M=80 --set K=70 --set N=150 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --check --repeat 1 --set Z=21 --set R=5 --set M=80 --set K=70 --set N=150 --arch avx2 | FileCheck %s --check-prefix SAME
// CHECK-LABEL: @blocks_pack_panels(
// CHECK: %[[COL:[0-9]+]] = load i32
// CHECK: %[[LINE:[0-9]+]] = add {{.*}}
// CHECK: %[[EXISTS:[0-9]+]] = icmp ult i64 %[[LINE]],
// CHECK: br i1 %[[EXISTS]],
// CHECK-NOT: br
// CHECK-COUNT-4: call <16 x float> @llvm.masked.load
// CHECK: br
// CHECK-NOT: load
// CHECK-COUNT-4: store <16 x float> zeroinitializer
// CHECK-NOT: load
// CHECK: ret void
// WHOLE-LABEL: @blocks_pack_panels(
// WHOLE: br i1
// WHOLE-COUNT-8: load <8 x float>
// WHOLE-NOT: load
// WHOLE-COUNT-8: store <8 x float> zeroinitializer
// SAME: check ok
kernel blocks(in f32 V[Z, 16, 16], in i32 row[R + 1], in i32 col[Z], in f32 B[K, N], out f32 C[M, N])
    where M == R * 16
{
    grid (each r in R, n in N) {
        axis p in 16, q in 16;
        f32 acc[p, n] = 0;
        for (each z in Z from row[r] until row[r + 1])
            acc += dot(V[z, p, q], B[int(col[z]) * 16 + q, n], q);
        C[r * 16 + p, n] = acc;
    }
}
