// Real and imaginary parts of a buffer are not a multiple of 4 KiB apart, where they would share sets of the first-level cache: 16 KiB and a gap;
// none where both together are smaller than a way.
// RUN: %tegula compile std:fft_rows --set N=4096 --dtype T=c32 S=f32 --emit llvm | FileCheck %s
// RUN: %tegula compile std:fft_rows --set N=512 --dtype T=c32 S=f32 --emit llvm | FileCheck %s --check-prefix=SMALL
// CHECK-NOT: getelementptr i8, ptr %{{[0-9]+}}, i64 16384{{$}}
// CHECK: getelementptr i8, ptr %{{[0-9]+}}, i64 17472
// CHECK-NOT: getelementptr i8, ptr %{{[0-9]+}}, i64 16384{{$}}
// SMALL: getelementptr i8, ptr %{{[0-9]+}}, i64 2048
