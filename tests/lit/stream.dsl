// Results that would not stay in the caches are stored past them, where lines are written whole: a second loop over full vectors,
// chosen at run time by the tensor's size and alignment, and a fence at the end of the task.
// RUN: %tegula compile %s --kernel add --emit llvm --arch avx2 | FileCheck %s
// CHECK-LABEL: @add_task
// CHECK: store <8 x float> {{.*}}, align 32, !nontemporal
// CHECK: store <8 x float> {{.*}}, align 4{{$}}
// CHECK: call void @llvm.masked.store
// CHECK: call void @llvm.x86.sse.sfence()
// RUN: %tegula compile %s --kernel add --emit llvm --arch avx512 | FileCheck %s --check-prefix=PLAIN
// RUN: %tegula compile %s --kernel again --emit llvm --arch avx2 | FileCheck %s --check-prefix=PLAIN
// RUN: %tegula compile %s --kernel shifted --emit llvm --arch avx2 | FileCheck %s --check-prefix=PLAIN
// A sum may be taken of what is stored, in the same loops; its result is requested ahead where it is not stored past the caches.
// RUN: %tegula compile %s --kernel summed --emit asm --arch avx2 | FileCheck %s --check-prefix=SUM
// SUM-LABEL: summed_task0:
// SUM: vmovntps
// SUM: vaddps
// SUM: jl
// SUM: prefetchw 2048(
// PLAIN-NOT: nontemporal
// PLAIN-NOT: sfence
kernel add(in f32 X[M, N], in f32 Z[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + Z[i, j];
}

/// The result is read here: it should be in the cache then.
kernel again(in f32 X[M, N], inout f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + Y[i, j];
}

kernel summed(in f32 X[M, N], in f32 Z[M, N], out f32 Y[M, N], out f32 S[M])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j] + Z[i, j];
        Y[i, j] = x;
        S[i] = sum(x, j);
    }
}

/// Vectors that begin within a line.
kernel shifted(in f32 X[M, N], inout f32 Y[M, L])
where L == N + 1
{
    grid (i in M, j in N) Y[i, j + 1] = X[i, j];
}
