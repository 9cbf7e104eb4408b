// A chunk of an axis at a time, the last one ragged: only its end is read and stored under masks. Steps that take turns between halves of a
// tensor read and write in one pass: nothing is kept in buffers between.
// RUN: %tegula compile %s --kernel tripled --emit llvm --arch avx2 | FileCheck %s --check-prefix=WHOLE
// RUN: %tegula compile %s --kernel steps --emit plan --arch avx2 | FileCheck %s --check-prefix=STEPS
// WHOLE-LABEL: @tripled_task0(
// WHOLE: store <8 x float>
// WHOLE: ret
// STEPS-NOT: fill
// STEPS: nest i x8 *{{[0-9]+}}: store
kernel tripled(in f32 X[R], out f32 Y[R], const int S = 1024)
{
    grid (each c in ceil_div(R, S)) {
        axis i in S;
        Y[c * S + i] = 3 * X[c * S + i];
    }
}
kernel steps(inout f32 T[2, N], int n)
{
    for (each s in n) {
        grid (i in N) T[1 - s % 2, i] = T[s % 2, i - 1] + T[s % 2, i + 1];
    }
}
