// The accumulating loop becomes one dot over the whole axis, and the indices are proved inside their tensors.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit passes | FileCheck %s
// CHECK: axes { #m grid, #n grid, #k local }
// CHECK-NOT: for %
// CHECK: load %A, {{.*}} {in_bounds=3} : tile<#m, #k x f32>
// CHECK: load %B, {{.*}} {in_bounds={{[23]}}} : tile<#n, #k x f32>
// CHECK-NOT: for %
// CHECK: dot {{.*}} {over=(#k)} : tile<#m, #n x f32>
// CHECK-NOT: dot
// CHECK: store %C
