// fft_split turns blocks over four columns at a time: of each plane 16 pieces of 16 bytes are read for all four, on AVX2 two vectors of 8, whose pairs are read as whole vectors.
// RUN: %tegula compile std:fft_split --set P=128 Q=128 L=16 PB=8 QL=128 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s
// RUN: %tegula compile std:fft_split --set P=128 Q=128 L=8 PB=16 QL=128 --dtype T=c32 S=f32 --emit llvm --arch avx2 | FileCheck %s --check-prefix=SHORT
// CHECK: define internal i32 @fft_split_task0
// CHECK-COUNT-32: load <4 x float>
// CHECK-NOT: load <4 x float>
// CHECK: define internal i32 @fft_split_task1_general
// SHORT-COUNT-16: load <4 x float>
// SHORT-NOT: load <4 x float>
