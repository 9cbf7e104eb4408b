// Sums over an image for each of a few places of a filter: a register for each, of both axes as far as there are registers, and what they all read is
// loaded once. Twice seven places are too many: two tiles of four a row. Of many rows, or of two that read nothing in common, one at a time.
// RUN: %tegula compile %s --kernel gradient --set R=3 --set S=3 --emit plan --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel gradient --set R=2 --set S=7 --emit plan --arch avx2 | FileCheck %s --check-prefix SEVEN
// RUN: %tegula compile %s --kernel apart --emit plan --arch avx2 | FileCheck %s --check-prefix APART
// RUN: %tegula run %s --kernel gradient --set R=3 --set S=3 --check --repeat 1 --set C=2 --set H=9 --set W=21 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel gradient --set R=2 --set S=7 --check --repeat 1 --set C=2 --set H=5 --set W=40 --dtype f64 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel gradient --set R=1 --set S=13 --check --repeat 1 --set C=3 --set H=1 --set W=19 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel extremes --check --repeat 1 --set H=5 --set W=43 | FileCheck %s --check-prefix SAME
// CHECK: nest r by 3 s by 3 | p q x8 *1: reduce add
// SEVEN: nest r s by 4 | p q x8 *1: reduce add
// APART: nest i | j x8 *4: reduce add
// Lanes along channels: all nine sums of a channel, and of 35 of a larger filter as many as there are registers for.
// RUN: %tegula compile std:depthwise2d_wgrad --set R=3 --set S=3 --emit plan --arch avx2 | FileCheck %s --check-prefix NINE
// RUN: %tegula compile std:depthwise2d_wgrad --set R=7 --set S=5 --emit plan --arch avx512 | FileCheck %s --check-prefix MANY
// What is carried from image to image lies along channels as well, not along the three columns of a filter.
// NINE: nest r s c x8 *{{[0-9]}}: copy %acc
// NINE: nest c x8 *1 r by 3 s by 3 | p q: reduce add
// MANY: nest c x16 *1 r by 4 s by 5 | p q: reduce add
// SAME: check ok
kernel gradient<T: f32 | f64>(in T X[C, H, W], in T dY[C, P, Q], out T dF[C, const R, const S])
    where P == H + 1 - R, Q == W + 1 - S
{
    grid (each c in C) {
        axis r in R, s in S, p in P, q in Q, y in H, x in W;
        T z[y, x] = 0;
        z[y = y, x = x] = X[c, y, x];
        dF[c, r, s] = sum(z[y = p + r, x = q + s] * dY[c, p, q], p, q);
    }
}

kernel apart(in f32 X[2, N], out f32 Y[2])
{
    grid (each b in 1) {
        axis i in 2, j in N;
        Y[i] = sum(X[i, j], j);
    }
}

kernel extremes(in f32 X[H, W], out f32 Y[H, 3])
{
    grid (each h in H) {
        axis i in 3, j in W - 2;
        Y[h, i] = max(X[h, j] * f32(i - 1), j);
    }
}
