// What a schedule sets is in the plan and the code; what would have no effect, or does not fit the registers, is refused.
// RUN: not %tegula compile %s --emit plan --arch avx512 --schedule "reg(m) = 4; reg(n) = 80" 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: E0703
// MANY: at most 16 rows by 4 vectors
// RUN: %tegula compile %s --emit plan --arch avx512 --schedule "reg(m) = 4; reg(n) = 48" | FileCheck %s --check-prefix=REG
// REG: dot vector n of operand 1, row m, over k, tile 4 by 3 vectors
// RUN: not %tegula compile %s --emit plan --arch avx2 --schedule "reg(m) = 6; reg(n) = 24" 2>&1 | FileCheck %s --check-prefix=REGISTERS
// REGISTERS: E0703
// REGISTERS: 6 rows by 3 vectors needs 22 registers; this machine has 16
// RUN: %tegula compile %s --emit plan --arch avx512 --schedule "vector(m) = 16" | FileCheck %s --check-prefix=VECTOR
// VECTOR: dot vector m of operand 0, row n, over k
// RUN: not %tegula compile %s --emit plan --schedule "reg(k) = 4" 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: E0703
// NONE: reg(k): it is neither the row nor the vector axis
// RUN: not %tegula compile %s --emit plan --schedule "pack(C) = true" 2>&1 | FileCheck %s --check-prefix=PACK
// PACK: E0703
// RUN: not %tegula compile %s --emit plan --schedule "order = (k, n, m)" 2>&1 | FileCheck %s --check-prefix=ORDER
// ORDER: E0703
// ORDER: 'k' is a loop and stands outside
// RUN: %tegula compile %s --emit tile --schedule "m = 8; order = (n, m)" | FileCheck %s --check-prefix=TILE
// TILE: #m grid block=8 scheduled, #n grid, #k loop
// TILE: schedule { order() = 0 (n, m) }
kernel gemm(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])
{
    grid (m in M, n in N) {
        f32 acc[m, n] = 0;
        for (k in K) acc += dot(A[m, k], B[k, n], k);
        C[m, n] = acc;
    }
}
