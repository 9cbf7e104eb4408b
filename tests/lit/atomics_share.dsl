// Atomic operations that nobody asks for old values share their loops, and what they are made of; but not where they do different things to one tensor,
// as points take their turn in another order then.
// RUN: %tegula compile %s --kernel splat --emit plan | FileCheck %s --check-prefix SPLAT
// RUN: %tegula compile %s --kernel mixed --emit plan | FileCheck %s --check-prefix MIXED
// SPLAT: nest n: atomic add{{.*}}, atomic add{{.*}}, atomic max
// MIXED: nest n: atomic add -> %{{[a-z0-9]+$}}
// MIXED-NEXT: nest n: atomic max
kernel splat(in i32 I[N], in f32 X[N], inout f32 Y[M], inout f32 Z[M])
{
    grid (n in N) {
        let i = int(I[n]), x = exp(X[n]);
        atomic Y[i] += x;
        atomic Y[i + 1] += 1 - x;
        atomic Z[i] max= x;
    }
}
kernel mixed(in i32 I[N], in f32 X[N], inout f32 Y[M])
{
    grid (n in N) {
        atomic Y[I[n]] += X[n];
        atomic Y[int(I[n]) + 1] max= X[n];
    }
}
