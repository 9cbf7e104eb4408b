// Elementwise work after a product is in the plan of the product's store: no tile goes through memory for it.
// RUN: %tegula compile %s --emit passes | FileCheck %s
// RUN: %tegula compile %s --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=LOOP
// CHECK: dot
// CHECK: add
// CHECK: max
// CHECK: store %C
// CHECK-NOT: store
// LOOP: loop: fma={{24|48|96}} stack=0 calls=0
kernel dense(in f32 A[M, K], in f32 B[K, N], in f32 bias[N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K)
            acc += dot(A[m, k], B[k, n], k);
        C[m, n] = max(acc + bias[n], 0.0);
    }
}
