// Rows of complex numbers are written as whole vectors where the longest ones have 256 bits, as halves of them on machines with longer ones.
// RUN: %tegula compile std:fft_rows --set N=64 --dtype T=c32 S=f32 --emit llvm --arch avx2 | FileCheck %s
// RUN: %tegula compile std:fft_rows --set N=64 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s --check-prefix=LONG
// RUN: %tegula compile std:fft_rows --set N=64 --dtype T=c32 S=f32 --emit asm --arch avx2 | FileCheck %s --check-prefix=STACK
// CHECK: define internal i32 @fft_rows_task0
// CHECK-COUNT-8: store <16 x float>
// CHECK-NOT: store <4 x float>
// CHECK: define internal i32 @fft_rows_task1_general
// LONG: define internal i32 @fft_rows_task0
// LONG-COUNT-32: store <4 x float>
// LONG: define internal i32 @fft_rows_task1_general
// A stack that holds vectors is aligned to them.
// STACK: fft_rows_task0:
// STACK: andq $-32, %rsp
