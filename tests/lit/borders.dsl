// Borders of an image: the interior goes one vector at a time, so that short rows have one. Vectors at the borders compare lanes with two ends, and
// elements that no instruction loads under a mask are read whole where that stays in the page.
// RUN: %tegula compile %s --arch avx2 --emit plan | FileCheck %s --check-prefix=PLAN
// RUN: %tegula compile %s --arch avx2 --dtype bf16 --emit plan | FileCheck %s --check-prefix=PLAN
// RUN: %tegula compile %s --arch avx2 --dtype bf16 --emit llvm | FileCheck %s --check-prefix=PAGE
// RUN: %tegula compile %s --arch avx512 --dtype bf16 --emit llvm | FileCheck %s --check-prefix=MASK
// PLAN: nest u v x8 *1: store
kernel framed<T: f32 | bf16>(in T X[M, N], out T Y[U, V], int top, int left)
{
    grid (u in U, v in V) Y[u, v] = X[u - top, v - left] else T(1.0);
}
// PAGE-NOT: masked.load
// PAGE: and i64 {{.*}}, 4095
// PAGE-NOT: masked.load
// MASK: masked.load
