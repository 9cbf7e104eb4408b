// Quotients of integers in vectors are those of floats, truncated: f32 for 16 bits and less, f64 for 32. No division of single lanes but of 64 bits.
// RUN: %tegula compile %s --dtype i16 --arch avx512 | FileCheck %s --check-prefixes F32,NONE
// RUN: %tegula compile %s --dtype u8 --arch avx2 | FileCheck %s --check-prefixes F32,NONE
// RUN: %tegula compile %s --dtype u32 --arch avx512 | FileCheck %s --check-prefixes F64,NONE
// RUN: %tegula compile %s --dtype i64 --arch avx512 | FileCheck %s --check-prefix WHOLE
// NONE-LABEL: divide_task0:
// NONE-NOT: div{{[bwl]}}
// F32: vdivps
// F64: vdivpd
// NONE-NOT: div{{[bwl]}}
// NONE: .Lfunc_end
// WHOLE: idivq
// Every dividend, by divisors of all sizes and 0, near multiples.
// RUN: %tegula run %s --dtype i8 --check --repeat 1 --set M=64 --set N=256 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype u8 --check --repeat 1 --set M=64 --set N=256 --arch v2 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype i16 --check --repeat 1 --set M=67 --set N=65 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype u16 --check --repeat 1 --set M=67 --set N=65 --arch avx2 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype i32 --check --repeat 1 --set M=67 --set N=65 | FileCheck %s --check-prefix SAME
// RUN: %tegula run %s --dtype u32 --check --repeat 1 --set M=67 --set N=65 --arch avx2 | FileCheck %s --check-prefix SAME
// SAME: check ok
kernel divide<T: i8 | u8 | i16 | u16 | i32 | u32 | i64>(in T X[M, N], in T Z[M, N], out T Y[M, N], out T R[M, N], out T W[M, N])
{
    grid (i in M, j in N) {
        let d = Z[i, j] >> T(i % 8), near = X[i, j] * d - T(j % 3);
        Y[i, j] = X[i, j] / d;
        R[i, j] = X[i, j] % d;
        W[i, j] = near / d;
    }
}
