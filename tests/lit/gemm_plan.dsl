// The product is done in registers along n, over the whole of k, and nothing else is left in the plan.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit plan --arch avx512 | FileCheck %s
// CHECK: dot vector n of operand 1, row m, over k
// CHECK-NOT: nest
