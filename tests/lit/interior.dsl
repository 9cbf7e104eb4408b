// Moved indices: vectors away from the edges have no masks, in the plane and on a torus; the code for those at the edges is there once.
// RUN: %tegula compile %s --kernel plane --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOPS
// RUN: %tegula compile %s --kernel torus --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOPS
// RUN: %tegula compile %s --kernel plane --emit llvm --arch avx512 | FileCheck %s --check-prefix=EDGE
// LOOPS: masks=0 width=zmm
// EDGE-LABEL: @plane_task0
// EDGE-COUNT-3: llvm.masked.load
// EDGE-NOT: llvm.masked.load
// EDGE: ret
kernel plane(in f32 X[H, W], out f32 Y[H, W])
{
    grid (y in H, x in W) Y[y, x] = X[y, x - 1] + X[y, x] + X[y, x + 1];
}
kernel torus(in f32 X[H, W], out f32 Y[H, W])
{
    grid (y in H, x in W) Y[y, x] = X[y, (x - 1) % W] + X[y, (x + 1) % W];
}
