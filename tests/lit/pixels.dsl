// Points of a few elements side by side: lanes along the points, whole vectors that the channels share, whole stores. Nothing is read or written one
// element at a time, and rows without gaps are one.
// RUN: %tegula compile %s --kernel swap --arch avx512 --emit plan | FileCheck %s --check-prefix SWAP-PLAN
// RUN: %tegula compile %s --kernel swap --arch avx512 | FileCheck %s --check-prefix SWAP
// RUN: %tegula compile %s --kernel scale --arch avx2 --emit plan | FileCheck %s --check-prefix SCALE-PLAN
// RUN: %tegula compile %s --kernel scale --arch avx2 | FileCheck %s --check-prefix SCALE
// RUN: %tegula compile %s --kernel blend --arch avx2 --emit llvm | FileCheck %s --check-prefix BLEND
// SWAP-PLAN: nest y x x{{.*}}: store, store, store
// SWAP-LABEL: swap_task0:
// SWAP-NOT: {{vpinsrb|vpextrb|vgather|vscatter}}
// SWAP: vpshufb
// SWAP-NOT: {{vpinsrb|vpextrb|vgather|vscatter}}
// SWAP: .size{{.*}}swap_task0
// SCALE-PLAN: nest y x x{{.*}} c: store
// SCALE-LABEL: scale_task0:
// SCALE: vblendps
// SCALE-NOT: {{vinsertps|vgather}}
// SCALE: .size{{.*}}scale_task0
// A word a point, which is shifted.
// BLEND: load <{{8|16|32}} x i32>
// BLEND: store <{{8|16|32}} x i32>
kernel swap(in u8 X[H, W, 3], out u8 Y[H, W, 3])
{
    grid (y in H, x in W) {
        Y[y, x, 0] = X[y, x, 2];
        Y[y, x, 1] = X[y, x, 1];
        Y[y, x, 2] = X[y, x, 0];
    }
}
kernel scale(in f32 X[H, W, 3], in f32 G[3], out f32 Y[H, W, 3])
{
    grid (y in H, x in W, c in 3) Y[y, x, c] = X[y, x, c] * G[c];
}
kernel blend(in u8 X[N, 4], in u8 Z[N, 4], out u8 Y[N, 4])
{
    grid (i in N) {
        axis c in 4;
        Y[i, c] = u8((u32(X[i, 3]) * u32(X[i, c]) + (255 - u32(X[i, 3])) * u32(Z[i, c])) / 255);
    }
}
