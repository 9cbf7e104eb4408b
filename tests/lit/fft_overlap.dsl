// Points of a pass that no whole number of vectors takes: the last vector begins earlier, at points that have had their turn. Under a mask reads of blocks
// would be gathers, and stores of pairs shuffle masks.
// RUN: %tegula compile std:fft_rows --set N=96 last=16 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s
// RUN: %tegula compile std:fft_rows --set N=100 last=16 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s
// RUN: %tegula compile std:fft_rows --set N=120 --dtype T=c32 S=f32 --emit llvm --arch avx2 | FileCheck %s
// RUN: %tegula compile std:fft_r2c --set H=32 K=33 last=16 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s --check-prefix=REAL
// CHECK: define internal i32 @fft_rows_task0
// CHECK-NOT: masked
// CHECK-NOT: gather
// CHECK: define internal i32 @fft_rows_task1_general
// REAL: define internal i32 @fft_r2c_task0
// REAL-NOT: masked
// REAL: define internal i32 @fft_r2c_task1_general
