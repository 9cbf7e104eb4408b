// A split reduction: a phase of parts with an axis of its own, then the parts in order. What cannot be cut is refused by name.
// RUN: %tegula compile %s --kernel gemm --emit passes --schedule "split(k) = 4" --verify | FileCheck %s --check-prefix=PARTS
// PARTS: temp %{{.*}} : tensor<3 x f32>
// PARTS: phase
// PARTS: par
// PARTS: dot
// PARTS: store %parts
// PARTS: phase
// PARTS: for
// PARTS: load %parts
// PARTS: store %C
// RUN: %tegula compile %s --kernel gemm --emit passes --schedule "split_atomic(k) = 4" --verify | FileCheck %s --check-prefix=ATOMIC
// ATOMIC: nondeterministic
// ATOMIC: fill %parts
// ATOMIC: atomic %parts
// RUN: %tegula run %s --kernel gemm --schedule "split(k) = 3" --check --repeat 1 --no-cache --set M=33 N=70 K=1000 | FileCheck %s --check-prefix=CHECKED
// CHECKED: check ok
// RUN: not %tegula compile %s --kernel rows --schedule "split(j) = 2" 2>&1 | FileCheck %s --check-prefix=SPAN
// SPAN: E0703
// SPAN: split(j): its result does not span every axis of the grid
// RUN: not %tegula compile %s --kernel own --schedule "split(j) = 2" 2>&1 | FileCheck %s --check-prefix=OWN
// OWN: split(j): a scan or a reduction of one's own runs along it
// RUN: %tegula run %s --kernel nest --schedule "split(k) = 4" --check --repeat 1 --no-cache --set R=3 --set M=33 --set K=1000 | FileCheck %s --check-prefix=CHECKED
// RUN: not %tegula compile %s --kernel twice --schedule "split(k) = 4" 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: E0703
// TWICE: split(k): a loop around it accumulates something else
// RUN: not %tegula compile %s --kernel counts --schedule "split(k) = 4" 2>&1 | FileCheck %s --check-prefix=COUNTS
// COUNTS: E070
// RUN: not %tegula compile %s --kernel waves --schedule "split_atomic(k) = 4" 2>&1 | FileCheck %s --check-prefix=WAVES
// WAVES: E0703
// WAVES: split_atomic(k): there are no atomic operations on its type
// RUN: not %tegula compile %s --kernel powers --schedule "split_atomic(k) = 4" 2>&1 | FileCheck %s --check-prefix=POWERS
// POWERS: E0703
// POWERS: split_atomic(k): there is no atomic product
// RUN: %tegula run %s --kernel waves --schedule "split(k) = 4" --check --repeat 1 --no-cache --set M=33 --set K=100 | FileCheck %s --check-prefix=CHECKED
kernel nest(in f32 X[R, M, K], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 0;
        for (each r in R) for (k in K) acc += sum(X[r, m, k], k);
        Y[m] = acc;
    }
}
kernel twice(in f32 X[R, M, K], in f32 B[R], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 0;
        for (each r in R) {
            acc += B[r];
            for (k in K) acc += sum(X[r, m, k], k);
        }
        Y[m] = acc;
    }
}
kernel counts(in f32 X[R, M, K], inout i32 N[R], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 0;
        for (each r in R) {
            atomic N[r] += 1;
            for (k in K) acc += sum(X[r, m, k], k);
        }
        Y[m] = acc;
    }
}
kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
kernel rows(in f32 X[M, N], out f32 Y[M, N])
{
    grid (m in M, n in N) {
        f32 s[m] = 0;
        for (j in N) s += sum(X[m, j], j);
        Y[m, n] = s;
    }
}
fn plus(f32 a, f32 b) -> f32 = a + b;
kernel own(in f32 X[M, N], out f32 Y[M])
{
    grid (m in M) {
        axis j in N;
        Y[m] = reduce(X[m, j], j, plus, 0.0);
    }
}
kernel waves(in c32 X[M, K], out c32 Y[M])
{
    grid (m in M) {
        c32 acc[m] = 0;
        for (k in K) acc += sum(X[m, k], k);
        Y[m] = acc;
    }
}
kernel powers(in f32 X[M, K], out f32 Y[M])
{
    grid (m in M) {
        f32 acc[m] = 1;
        for (k in K) acc *= prod(X[m, k], k);
        Y[m] = acc;
    }
}
