// Atomic additions have a second form, of plain ones in lanes, for launches in which no two tasks change the same element. What has no
// index that keeps tasks apart still has it for one thread, without lanes as points may be the same element.
// RUN: %tegula compile %s --kernel rows --arch avx2 --emit llvm | FileCheck %s --check-prefix=ROWS
// RUN: %tegula compile %s --kernel points --arch avx2 --emit llvm | FileCheck %s --check-prefix=POINTS
// RUN: %tegula compile %s --kernel ordered --arch avx2 --emit llvm | FileCheck %s --check-prefix=ORDERED
// RUN: %tegula compile %s --kernel counts --arch avx2 --emit llvm | FileCheck %s --check-prefix=COUNTS
kernel rows(in i32 I[N], in f32 X[N, D], inout f32 Y[V, D])
{
    grid (n in N, d in D) atomic Y[I[n], d] += X[n, d];
}
kernel points(in i32 I[N], in f32 X[N], inout f32 Y[V])
{
    grid (n in N) atomic Y[I[n]] += X[n];
}
kernel ordered(in i32 I[N], in f32 X[N], inout f32 Y[V])
{
    grid (n in N) atomic(acq_rel) Y[I[n]] += X[n];
}
kernel counts(in i32 X[N], out i32 H[4096] = 0)
{
    grid (i in N) {
        axis b in 4096;
        atomic H[b] += histogram(X[i], i, b);
    }
}
// ROWS: fadd <8 x float>
// ROWS: atomicrmw fadd
// POINTS-NOT: fadd <
// POINTS: fadd float
// POINTS-NOT: fadd <
// POINTS: atomicrmw fadd
// ORDERED-NOT: fadd float
// ORDERED: atomicrmw fadd {{.*}} acq_rel
// A block is as many elements as make clearing and adding up its bins little.
// COUNTS: 65535
