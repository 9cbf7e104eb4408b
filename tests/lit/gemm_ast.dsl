// The syntax tree keeps what was written.
// RUN: %tegula compile %s --emit ast | FileCheck %s
// CHECK: (kernel gemm <T: float>
// CHECK: (in T A[M K])
// CHECK: (grid - (m in M) (n in N)
// CHECK: (for (k in K)
// CHECK-NEXT: (+= acc (call dot (at A m k) (at B k n) k))
kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N], f32 alpha = 1.0)
{
    grid (m in M, n in N) {
        wide(T) acc[m, n] = 0;
        for (k in K)
            acc += dot(A[m, k], B[k, n], k);
        C[m, n] = T(alpha * acc);
    }
}
