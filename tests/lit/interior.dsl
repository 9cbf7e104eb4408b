// Moved indices: vectors away from the edges have no masks, in the plane, on a torus and where indices stop at the edge; the code for those at the edges is there once.
// RUN: %tegula compile %s --kernel plane --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOPS
// RUN: %tegula compile %s --kernel torus --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOPS
// RUN: %tegula compile %s --kernel plane --emit llvm --arch avx512 | FileCheck %s --check-prefix=EDGE
// RUN: %tegula compile %s --kernel edge --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOPS
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
kernel edge(in f32 X[H, W], out f32 Y[H, W])
{
    grid (y in H, x in W) Y[y, x] = X[max(y - 1, 0), max(x - 1, 0)] + X[y, clamp(x + 1, 0, W - 1)];
}
