// The smallest x86 machine: no AVX instruction and no register above xmm.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit asm --arch v2 | FileCheck %s
// CHECK: tg_gemm:
// CHECK-NOT: {{%[yz]mm|vmulps|vfmadd}}
// CHECK: mulps
// CHECK-NOT: {{%[yz]mm|vmulps|vfmadd}}
