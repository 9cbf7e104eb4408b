// Two instances that write one element are refused, with the reason.
// RUN: not %tegula compile %s --emit tile 2>&1 | FileCheck %s
// CHECK: error[E0402]
kernel race(in f32 A[N], out f32 B[N])
{
    grid (i in N) B[i / 2] = A[i];
}
