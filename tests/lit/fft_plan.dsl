// A pass of a Fourier transform is one nest that assigns its outputs: no part of a butterfly has a buffer. The assigned axis is none of the
// loops that the butterfly runs in, so that nothing in it is repeated.
// RUN: %tegula compile std:fft_rows --set N=64 --dtype T=c32 S=f32 --emit plan --arch avx2 | FileCheck %s
// RUN: %tegula compile std:fft_lines --set N=64 --dtype T=c32 S=f32 --emit plan --arch avx2 | FileCheck %s
// CHECK-NOT: fill
// CHECK: reindex_set -> %y{{$}}
// CHECK-NOT: fill
// CHECK: reindex_set -> %y, store
// CHECK-NOT: fill
