// Stores to scattered places where a condition holds have no branch for each lane where the machine has no such instruction.
// RUN: %tegula compile %s --arch avx2 --emit llvm | FileCheck %s
// RUN: %tegula run %s --arch avx2 --check --repeat 1 --set N=1037 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --arch v2 --check --repeat 1 --set N=301 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype T=u8 --check --repeat 1 --set N=530 | FileCheck %s --check-prefix SAME
// CHECK-LABEL: define internal i32 @compact_task0(
// CHECK-NOT: masked.scatter
// CHECK: select <{{8|16|32}} x i1> {{.*}}, <{{8|16|32}} x ptr>
// CHECK-NOT: masked.scatter
// CHECK-LABEL: define {{.*}}@compact_task1
// SAME: check ok
kernel compact<T: f32 | u8>(in T X[N], inout T Y[N])
{
    grid {
        axis i in N;
        let on = X[i] > 0;
        unchecked Y[cumsum(i32(on), i) - 1] = X[i] where on;
    }
}
