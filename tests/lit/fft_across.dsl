// A row in each lane: no pass moves numbers between lanes, rows are turned over as they are read, two pairs of every half at a time, and as they
// are written, from a buffer.
// RUN: %tegula compile std:fft_across --set L=8 N=16 LN=128 --dtype T=c32 S=f32 --emit plan --arch avx2 | FileCheck %s --check-prefix=PLAN
// RUN: %tegula compile std:fft_across --set L=8 N=16 LN=128 --dtype T=c32 S=f32 --emit asm --arch avx2 | FileCheck %s
// RUN: %tegula compile std:fft_across --set L=8 N=12 LN=96 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s --check-prefix=REST
// PLAN: nest r x8 *1 p q: reindex_set
// PLAN: nest r x8 *1 p q: reindex_set
// PLAN: nest n x8 *1 k: store, store, store, store
// CHECK: fft_across_task0:
// CHECK-COUNT-16: vmovhps
// CHECK-NOT: vpermpd
// CHECK-NOT: vpermps
// CHECK: fft_across_task1_general:
// Of 12 numbers the last vector of 8 begins at the fourth.
// REST: define internal i32 @fft_across_task0
// REST-NOT: masked
// REST: define internal i32 @fft_across_task1_general
