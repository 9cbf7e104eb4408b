// An exponential is one long chain: four vectors alternate, a constant is read once for the four; single vectors follow, the last one
// masked. AVX-512 needs no constants in registers: an instruction broadcasts its operand from memory.
// RUN: %tegula compile %s --kernel k --emit asm --arch avx2 | FileCheck %s
// RUN: %tegula compile %s --kernel k --emit asm --arch avx512 | FileCheck %s --check-prefix=WIDE
// RUN: %tegula compile %s --kernel outside --emit plan --arch avx2 | FileCheck %s --check-prefix=OUTSIDE
kernel k(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = exp(X[i, j]);
}
// CHECK-LABEL: k_task0:
// CHECK: prefetcht0 4096(
// CHECK: vmovaps [[C:.Lconstant[.0-9]*]](%rip), [[R:%ymm[0-9]+]]
// CHECK-COUNT-3: {{v[a-z0-9]*ps}} {{.*}}[[R]]
// CHECK: vmovntps
// CHECK: jl
// CHECK: prefetchw 2048(
// CHECK: prefetchw 2112(
// CHECK: jl
// CHECK: vmaskmovps

// WIDE-LABEL: k_task0:
// WIDE-NOT: constant
// WIDE: {1to16}
// WIDE: jl

// What is computed once a row makes no chain of a product: no request, registers as usual.
// OUTSIDE: nest i j x8 *4: store
kernel outside(in f32 X[M, N], in f32 S[M], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = X[i, j] * exp(S[i]);
    }
}
