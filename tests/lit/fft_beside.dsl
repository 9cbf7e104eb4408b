// Lanes over two axes: four rows beside four places of a pass of 16 points; groups beside eight neighbours in the middle pass of 128, and
// in a pass of 1000, of 25 groups, of which the last is alone. All accesses
// are pieces of memory, none gathers.
// RUN: %tegula compile std:fft_beside --set L=4 N=16 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s --check-prefix=ROWS
// RUN: %tegula compile std:fft_rows --set N=128 last=16 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s --check-prefix=GROUPS
// RUN: %tegula compile std:fft_rows --set N=1000 last=16 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s --check-prefix=ODD
// RUN: %tegula compile std:fft_beside --set L=4 N=64 --dtype T=c32 S=f32 --emit llvm --arch avx512 | FileCheck %s --check-prefix=CODE
// RUN: %tegula compile std:fft_beside --set L=3 N=16 --dtype T=c32 S=f32 --emit plan --arch avx512 | FileCheck %s --check-prefix=THREE
// ROWS: nest r beside p q x16 *1: reindex_set
// ROWS: nest r beside p x16 *1 q: reindex_set
// GROUPS: nest p q x16 *1: reindex_set
// GROUPS: nest p beside q x16 *1: reindex_set
// GROUPS: nest p x16 *1 q: reindex_set
// ODD: nest p beside q x16 *1: reindex_set
// CODE: define internal i32 @fft_beside_task0
// CODE-NOT: gather
// CODE: define internal i32 @fft_beside_task1_general
// THREE-NOT: beside
// THREE: reindex_set -> %y
// THREE-NOT: beside
