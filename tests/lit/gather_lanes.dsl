// Without mask registers a gather whose mask is data loads every lane, from a place of zeros where the lane is off: no branch for each lane.
// RUN: %tegula compile %s --arch avx2 --emit llvm | FileCheck %s --check-prefix=LANES
// RUN: %tegula compile %s --arch avx512 --emit llvm | FileCheck %s --check-prefix=MASK
kernel pick(in f32 X[M, K], in i32 I[M, N], out f32 Y[M, N])
{
    grid (m in M, n in N) Y[m, n] = X[m, I[m, n]];
}
// LANES-NOT: masked.gather
// LANES: select <8 x i1> {{.*}}<8 x ptr>
// LANES: extractelement <8 x ptr>
// MASK: llvm.masked.gather
