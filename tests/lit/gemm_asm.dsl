// The hot loop of a matrix product: 24 fused multiply-adds per step of k in registers, nothing on the stack, no masks.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch avx512 | %loops | FileCheck %s --check-prefix=ZMM
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch avx2 | %loops | FileCheck %s --check-prefix=YMM
// ZMM: loop: fma={{24|48|96}} stack=0 calls=0 masks=0 width=zmm
// YMM: loop: fma={{[1-9][0-9]+}} stack=0 calls=0 masks=0 width=ymm
