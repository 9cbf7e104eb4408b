// What a schedule could still say, with values worth trying: what is settled is not offered, and what is offered is obeyed.
// RUN: %tegula compile %s --emit directives --arch avx2 | FileCheck %s --check-prefix=AVX2
// AVX2-DAG: reg(n), reg(m): 8, 14 | 8, 9 | 16, 4 | 24, 4 | 32, 2
// AVX2-DAG: order: (n, m)
// AVX2-DAG: pack(A): true{{$}}
// AVX2-DAG: pack(B): true | false
// AVX2-DAG: vector(m): 8 | 16 | 32
// RUN: %tegula compile %s --emit directives --arch avx512 | FileCheck %s --check-prefix=AVX512
// AVX512-DAG: reg(n), reg(m): 16, 16 | 16, 10 | 32, 14 | 32, 9 | 48, 9 | 48, 6 | 64, 4
// RUN: %tegula compile %s --emit directives --arch avx2 --schedule "reg(m) = 4; order = (n, m); pack(B) = true" | FileCheck %s --check-prefix=LEFT
// LEFT-NOT: reg(
// LEFT-NOT: order
// LEFT-NOT: pack(B)
// LEFT: pack(A): true
// LEFT-NOT: reg(
// LEFT-NOT: pack(B)
// RUN: %tegula compile %s --emit plan --arch avx2 --schedule "reg(n) = 24; reg(m) = 4; order = (n, m); pack(A) = true; pack(B) = false" | FileCheck %s --check-prefix=OBEYED
// OBEYED: dot vector n of operand 1, row m, over k, tile 4 by 3 vectors
// RUN: %tegula compile %s --emit directives --arch v2 | FileCheck %s --check-prefix=V2
// V2-NOT: reg(
// V2: order: (n, m)
// V2-NOT: pack(
kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
