// A nest that chooses by where its index is, between elements here or there, runs once for each stretch in which the choice is the same: no gathers, no
// division, and what is proved of a stretch is not tested.
// RUN: %tegula compile %s --kernel rotate --arch avx2 --emit plan | FileCheck %s --check-prefix PLAN
// RUN: %tegula compile %s --kernel rotate --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel border --arch avx2 --emit plan | FileCheck %s --check-prefix BORDER
// PLAN-COUNT-3: nest t d x8
// CHECK-LABEL: rotate_task0:
// CHECK-NOT: {{vgather|vblendv|idiv}}
// CHECK: .size{{.*}}rotate_task0
// A few points at the end are no stretch of their own.
// BORDER-COUNT-1: nest t d
// BORDER-NOT: nest
kernel rotate(in f32 X[T, D], in f32 C[T, E], out f32 Y[T, D]) where D >= 2 * E
{
    grid (t in T, d in D) {
        let other = d < E ? -X[t, d + E] : X[t, d - E];
        Y[t, d] = d < 2 * E ? other * C[t, d % E] : X[t, d];
    }
}
kernel border(in f32 X[T, D], out f32 Y[T, D])
{
    grid (t in T, d in D) Y[t, d] = d < D - 1 ? X[t, d + 1] : X[t, d];
}
