// What is chosen between new and old elements is stored whole, but for the last vector: a store under a mask is slow where there are no mask registers.
// RUN: %tegula compile %s --kernel relu --emit asm --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel pick --emit asm --arch avx2 | FileCheck %s
// CHECK-LABEL: _task0:
// CHECK-NOT: vmaskmovps %ymm{{[0-9]+}}, %ymm
// CHECK-COUNT-2: vmovups %ymm{{[0-9]+}}, {{.*}}(%r
kernel relu(inout f32 X[N])
{
    grid (i in N) X[i] = max(X[i], 0);
}
kernel pick(inout f32 X[N], in f32 Y[N], in f32 M[N])
{
    grid (i in N) X[i] = M[i] > 0 ? Y[i] : X[i];
}
