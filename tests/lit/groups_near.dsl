// Channel k of the group of each lane: one load and a shuffle, no gather, and no test of the index, which ends with the last group. Several positions
// of an image at a time, as of a depthwise convolution.
// RUN: %tegula compile std:conv2d_groups --set CG=4 --set R=3 --set S=3 --set pad_h=1 --set pad_w=1 --absent bias --set act=0 --emit plan --arch avx512 | FileCheck %s
// RUN: %tegula compile std:conv2d_groups --set CG=2 --set R=3 --set S=3 --set pad_h=1 --set pad_w=1 --absent bias --set act=0 --emit passes | FileCheck %s --check-prefix INSIDE
// RUN: %tegula compile std:conv2d_groups --set CG=8 --set R=3 --set S=3 --set pad_h=1 --set pad_w=1 --absent bias --set act=0 --arch avx512 | FileCheck %s --check-prefix NEAR
// RUN: %tegula compile %s --arch avx512 | FileCheck %s --check-prefix REST
// RUN: %tegula run %s --check --repeat 1 --set M=77 | FileCheck %s --check-prefix SAME
// CHECK: nest p by 4 q by 2 c x16 *1: for -> %y, store
// INSIDE: load %X, {{.*}} {in_bounds=9}
// NEAR: vmovups {{.*}} {%k{{[0-9]}}} {z}
// NEAR: vpermps
// REST: vmovups {{.*}} {%k{{[0-9]}}} {z}
// SAME: check ok
kernel shifted(in f32 X[M], out f32 Y[M], out f32 Z[M])
{
    grid (m in M) {
        Y[m] = X[(m + 3) / 4];
        Z[m] = (m + 1) % 2 == 0 ? X[m] : 0;
    }
}
schedule shifted { m = 64; }
