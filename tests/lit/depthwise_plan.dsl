// A short sum, or a short loop that adds, runs where its points are: several positions at a time, in both directions of an image, and the store on
// the results. Rows of an image are as many pointers, not every position (six, and three of the filter).
// RUN: %tegula compile %s --kernel summed --emit plan --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel looped --emit plan --arch avx2 | FileCheck %s --check-prefix LOOP
// RUN: %tegula compile %s --kernel summed --emit plan --arch avx512 | FileCheck %s --check-prefix WIDE
// RUN: %tegula compile %s --kernel along --emit plan --arch avx2 | FileCheck %s --check-prefix ALONG
// CHECK: nest p by 4 q by 2 c x8 *1 | r s: reduce add -> %y, store
// CHECK-NOT: nest
// LOOP: nest p by 4 q by 2 c x8 *1: for -> %y, store
// LOOP-NOT: nest
// WIDE: nest p by 4 q by 2 c x16 *1 | r s: reduce add -> %y, store
// WIDE-NOT: nest
// ALONG: nest p | s x8{{.*}}: reduce add -> %y
// ALONG-NEXT: nest p x4{{.*}}: store
// RUN: %tegula compile %s --kernel looped --arch avx2 | FileCheck %s --check-prefix ROWS
// RUN: %tegula run %s --kernel looped --arch avx2 --check --repeat 1 --set H=3 --set W=7 --set C=17 | FileCheck %s --check-prefix DEEPER
// RUN: %tegula run %s --kernel looped --arch avx2 --check --repeat 1 --set H=9 --set W=1 --set C=8 | FileCheck %s --check-prefix DEEPER
// RUN: %tegula run %s --kernel summed --arch avx2 --check --repeat 1 --set H=6 --set W=5 --set C=19 | FileCheck %s --check-prefix DEEPER
// ROWS: #APP
// ROWS: vmovups (%{{r[a-z0-9]+}},%{{r[a-z0-9]+}},4), %ymm
kernel summed(in f32 X[H, W, C], in f32 F[3, 3, C], out f32 Y[H, W, C])
{
    grid (p in H, q in W, c in C) {
        axis r in 3, s in 3;
        let y = sum(X[p + r - 1, q + s - 1, c] * F[r, s, c], r, s);
        Y[p, q, c] = y;
    }
}

kernel looped(in f32 X[H, W, C], in f32 F[3, 3, C], out f32 Y[H, W, C])
{
    grid (p in H, q in W, c in C) {
        f32 y[p, q, c] = 0;
        for (each r in 3) for (each s in 3) y += X[p + r - 1, q + s - 1, c] * F[r, s, c];
        Y[p, q, c] = y;
    }
}

kernel along(in f32 X[H, W], out f32 Y[H])
{
    grid (p in H) {
        axis s in W;
        let y = sum(X[p, s], s);
        Y[p] = y;
    }
}

// The loads' middle index belongs to a loop inside the tile: it is tested there.
// RUN: %tegula run %s --kernel deeper --arch avx2 --check --repeat 1 --set H=13 --set Z=5 --set C=17 | FileCheck %s --check-prefix DEEPER
// DEEPER: check ok
kernel deeper(in f32 X[H, Z, C], in f32 F[3, C], out f32 Y[H, Z, C])
{
    grid (q in H, z in Z, c in C) {
        axis r in 3;
        let y = sum(X[q + r - 1, z - 1, c] * F[r, c], r);
        Y[q, z, c] = y;
    }
}
