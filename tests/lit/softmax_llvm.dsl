// No exponential is left for LLVM to expand.
// RUN: %tegula compile %tutorials/02-softmax/softmax.dsl --emit llvm --arch avx512 | FileCheck %s
// CHECK-NOT: {{@llvm\.exp|@expf?\(}}
// CHECK: call {{.*}}<64 x float> @llvm.fma.v64f32
// CHECK-NOT: {{@llvm\.exp|@expf?\(}}
