// A sum of two operands that a pass stores is read back by those that follow: one load instead of two and an addition. Meanwhile the rows of
// the next block are requested, of the operands.
// RUN: %tegula compile %s --kernel centre --emit asm --arch avx2 | FileCheck %s
// CHECK-LABEL: centre_task0:
// Stored past the caches, it is computed again.
// CHECK: vmovntps
// CHECK: vmovups {{.*}}%ymm
// CHECK: vaddps {{[0-9]*}}(%r{{.*}}%ymm
// CHECK: vfmadd231ps
// CHECK: jl
// CHECK-COUNT-4: prefetcht0
// CHECK: vsubps
// CHECK-NOT: vaddps {{[0-9]*}}(%r
// CHECK: vfmadd231ps
// CHECK: jl
// RUN: %tegula compile %s --kernel centre --emit asm --arch avx512 | FileCheck %s --check-prefix=WIDE
// WIDE-LABEL: centre_task0:
// WIDE-NOT: prefetch
// One operand, and a tensor with another store: there is nothing to gain, or something else may stand there.
// RUN: %tegula compile %s --kernel single --emit asm --arch avx2 | FileCheck %s --check-prefix=NONE
// RUN: %tegula compile %s --kernel twice --emit asm --arch avx2 | FileCheck %s --check-prefix=NONE
// NONE-NOT: prefetcht0
kernel centre(in f32 X[M, N], in f32 R[M, N], out f32 S[M, N], out f32 q[M])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j] + R[i, j];
        S[i, j] = x;
        let d = x - sum(x, j);
        q[i] = sum(d * d, j);
    }
}

kernel single(in f32 X[M, N], out f32 S[M, N], out f32 q[M])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j] * X[i, j];
        S[i, j] = x;
        let d = x - sum(x, j);
        q[i] = sum(d * d, j);
    }
}

kernel twice(in f32 X[M, N], in f32 R[M, N], out f32 S[M, N], out f32 q[M])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j] + R[i, j];
        S[i, j] = x;
        let d = x - sum(x, j);
        q[i] = sum(d * d, j);
        S[i, j] = d;
    }
}
