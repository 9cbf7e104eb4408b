// A convolution over channels and both filter dimensions is one dot: the three loops are gone.
// RUN: %tegula compile %tutorials/07-conv2d/conv2d.dsl --emit passes | FileCheck %s
// RUN: %tegula compile %tutorials/07-conv2d/conv2d.dsl --emit plan --arch avx512 | FileCheck %s --check-prefix=PLAN
// CHECK-NOT: for %
// CHECK: dot {{.*}} {over=(#c, #s, #r)} : tile<#p, #q, #k x f32>
// CHECK-NOT: for %
// PLAN: dot vector k of operand 1{{.*}}over r, s, c
// PLAN-NOT: nest
