// Elements that are kept in their order: one store a vector where the places that a scan counts are side by side and inside, a scatter where they are not.
// RUN: %tegula compile %s --kernel compact --arch avx512 --emit llvm | FileCheck %s
// RUN: %tegula compile %s --kernel compact --dtype T=u8 --arch avx512 --emit llvm | FileCheck %s --check-prefix SHORT
// RUN: %tegula compile %s --kernel doubled --arch avx512 --emit llvm | FileCheck %s --check-prefix DOUBLED
// RUN: %tegula run %s --kernel compact --check --repeat 1 --set N=1037 --set M=1037 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel compact --check --repeat 1 --set N=1037 --set M=211 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel compact --dtype T=u8 --check --repeat 1 --set N=530 --set M=300 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel compact --dtype T=f64 --check --repeat 1 --set N=530 --set M=300 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel compact --dtype T=bf16 --check --repeat 1 --set N=530 --set M=530 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel compact --arch avx512split --check --repeat 1 --set N=530 --set M=300 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel gaps --check --repeat 1 --set N=1037 --set M=500 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel rows --check --repeat 1 --set R=5 --set N=307 --set M=200 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel doubled --check --repeat 1 --set N=530 --set M=300 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel shifted --check --repeat 1 --set N=1037 --set M=100 --set b=-300 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel shifted --check --repeat 1 --set N=1037 --set M=100 --set b=5 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --kernel shifted --check --repeat 1 --set N=1037 --set M=900 --set b=9 | FileCheck %s --check-prefix SAME
// CHECK-LABEL: define internal i32 @compact_task0(
// CHECK: @llvm.experimental.vector.compress.v16f32
// CHECK: @llvm.masked.store.v16f32
// CHECK: @llvm.masked.scatter.v16f32
// SHORT-LABEL: define internal i32 @compact_task0(
// SHORT: @llvm.masked.store.v16i8
// DOUBLED: @llvm.masked.scatter.v16f32
// DOUBLED-NOT: vector.compress
// SAME: check ok
kernel compact<T: f32 | f64 | bf16 | u8>(in T X[N], inout T Y[M])
{
    grid {
        axis i in N;
        let on = X[i] > 0;
        unchecked Y[cumsum(i32(on), i) - 1] = X[i] where on;
    }
}
kernel gaps(in f32 X[N], inout f32 Y[M])
{
    grid {
        axis i in N;
        let on = X[i] > 0;
        unchecked Y[cumsum(i32(on), i) - 5] = X[i] where on && i % 17 != 3;
    }
}
kernel rows(in f32 X[R, N], inout f32 Y[R, M])
{
    grid (r in R) {
        axis i in N;
        let on = X[r, i] > 0;
        unchecked Y[r, cumsum(i32(on), i) - 1] = X[r, i] where on;
    }
}
kernel doubled(in f32 X[N], inout f32 Y[M])
{
    grid {
        axis i in N;
        let on = X[i] > 0;
        unchecked Y[2 * cumsum(i32(on), i)] = X[i] where on;
    }
}
kernel shifted(in f32 X[N], inout f32 Y[M], int b)
{
    grid {
        axis i in N;
        let on = X[i] > 0;
        unchecked Y[b + int(cumsum(i32(on), i))] = X[i] where on;
    }
}
