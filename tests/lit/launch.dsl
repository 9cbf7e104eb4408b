// Two grids that depend on each other are two phases, each launched after the other has ended.
// RUN: %tegula compile %s --emit tile | FileCheck %s
// RUN: %tegula compile %s --emit llvm | FileCheck %s --check-prefix=LLVM
// CHECK: phase
// CHECK: reduce {{.*}}fn=add
// CHECK: phase
// CHECK: load %S
// LLVM: define {{.*}}@tg_scaled
// LLVM: define {{.*}}@scaled_task
// LLVM: define {{.*}}@scaled_task
kernel scaled(in f32 X[M, N], out f32 S[M], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        S[i] = sum(X[i, j], j);
    }
    grid (i in M, j in N) Y[i, j] = X[i, j] / S[i];
}
