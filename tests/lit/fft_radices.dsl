// `last` 24: one pass of 16 takes the place of two of 4, the others are 8, and what is left by a factor of 4 goes first.
// RUN: %tegula compile std:fft_rows --set N=1024 last=24 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s
// RUN: %tegula compile std:fft_rows --set N=256 last=24 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s --check-prefix=FOUR
// CHECK-COUNT-16: reindex_set
// CHECK: nest
// CHECK-COUNT-8: reindex_set
// CHECK: nest
// CHECK-COUNT-8: reindex_set
// CHECK-NOT: nest
// FOUR-COUNT-4: reindex_set
// FOUR: nest
// FOUR-COUNT-8: reindex_set
// FOUR: nest
// FOUR-COUNT-8: reindex_set
// FOUR-NOT: nest
