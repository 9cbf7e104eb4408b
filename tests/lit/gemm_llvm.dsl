// Tensors go in as restrict pointers with one task per block; fused multiply-adds are vectors, never calls.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit llvm --arch avx512 | FileCheck %s
// CHECK-DAG: define {{.*}}@tg_gemm
// CHECK-DAG: call {{.*}}<16 x float> @llvm.fma.v16f32
// CHECK-NOT: @fmaf
