// The task of a product steers: its tiles and its plan of sizes are functions of their own, and it is compiled without effort.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit llvm --arch avx2 | FileCheck %s
// CHECK: define internal i32 @gemm_task0({{.*}}) [[COLD:#[0-9]+]]
// CHECK-NOT: <8 x float>
// CHECK: call void @gemm_plan_sizes(
// CHECK-NOT: <8 x float>
// CHECK: call void @gemm_panels(
// CHECK-NOT: <8 x float>
// CHECK: {{^}}}
// CHECK: define internal void @gemm_panels(
// CHECK: call <8 x float> @llvm.fma
// CHECK: attributes [[COLD]] = {{.*}}optnone
