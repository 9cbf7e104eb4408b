// A loop over blocks is in the tile IR as written; loads are tiles over named axes, and bf16 widens at the dot.
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit tile | FileCheck %s --check-prefixes=BOTH,F32
// RUN: %tegula compile %tutorials/03-gemm/gemm.dsl --emit tile --dtype bf16 | FileCheck %s --check-prefixes=BOTH,BF16
// BOTH: axes { #m grid, #n grid, #k loop }
// BOTH: par %M
// BOTH: par %N
// BOTH: for %K, {{.*}} {axis=#k} (%{{.*}}: tile<#m, #n x f32>)
// F32: dot {{.*}} {over=(#k)} : tile<#m, #n x f32>
// BF16: load %A, {{.*}} : tile<#m, #k x bf16>
// BF16: dot {{.*}} {over=(#k)} : tile<#m, #n x f32>
// BF16: cast {{.*}} : tile<#m, #n x bf16>
// BOTH: store %C
